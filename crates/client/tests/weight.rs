//! What the npm package must not be made of.
#![cfg(not(target_arch = "wasm32"))]

use std::process::Command;

#[test]
fn the_npm_package_holds_neither_serde_json_nor_arrow() {
    let args = "tree --package streamtable --features npm --target wasm32-unknown-unknown --edges normal --prefix none";
    let tree = Command::new(env!("CARGO")).args(args.split(' ')).output().unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("wasm-bindgen v"), "{tree}");
    for heavy in ["serde_json", "serde-wasm-bindgen", "arrow", "flate2", "reqwest", "getrandom", "futures v"] {
        assert!(!tree.lines().any(|line| line.starts_with(heavy)), "{heavy} is in:\n{tree}");
    }
}
