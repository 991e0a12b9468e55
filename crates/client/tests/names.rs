//! Names of tables, held to the vectors that the npm package's own reading of them is held to.
#![cfg(not(target_arch = "wasm32"))]

use serde_json::Value;
use streamtable::TableName;

#[test]
fn names_read_as_the_vectors_say() {
    let text = include_str!("../../../tests/data/names.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    for vector in vectors {
        let part = |name: &str| vector[name].as_str();
        let got = TableName::from_parts(part("name").unwrap(), part("project"), part("entity"), "me");
        match got {
            Ok(name) => assert_eq!(Some(&*name.to_string()), part("is"), "{vector}"),
            Err(error) => {
                assert_eq!(
                    (Some(error.code()), Some(&*error.to_string())),
                    (part("code"), part("message")),
                    "{vector}"
                );
            }
        }
    }
}
