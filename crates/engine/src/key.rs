//! Cells as bytes that are equal exactly where the cells are equal: what groups are found by.

use model::Value;

use crate::cell::Cell;

/// Adds the cell's key: equal for cells that [`Value::total_cmp`] calls equal, and for no others. No key is the
/// beginning of another, so that keys can stand one behind the other.
pub(crate) fn push_key(cell: Cell<'_>, key: &mut Vec<u8>) {
    match cell {
        Cell::Null => key.push(0),
        Cell::Bool(value) => key.extend([1, u8::from(value)]),
        Cell::Int(value) => push_tagged(key, 2, value.to_le_bytes()),
        Cell::Float(value) => match whole(value) {
            Some(value) => push_tagged(key, 2, value.to_le_bytes()),
            None if value.is_nan() => push_tagged(key, 3, f64::NAN.to_bits().to_le_bytes()),
            None => push_tagged(key, 3, value.to_bits().to_le_bytes()),
        },
        Cell::Time(micros) => push_tagged(key, 4, micros.to_le_bytes()),
        Cell::Text(text) => push_bytes(key, 5, text.as_bytes()),
        Cell::Bytes(bytes) => push_bytes(key, 6, bytes),
        Cell::Media(media) => {
            push_bytes(key, 7, media.mime.as_bytes());
            push_bytes(key, 7, &media.bytes);
        }
        Cell::Nested(Value::Object(fields)) => {
            push_tagged(key, 9, (fields.len() as u64).to_le_bytes());
            for (name, value) in fields {
                push_bytes(key, 5, name.as_bytes());
                push_key(Cell::from(value), key);
            }
        }
        Cell::Nested(Value::List(items)) => {
            push_tagged(key, 8, (items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| push_key(Cell::from(item), key));
        }
        Cell::Nested(scalar) => push_key(Cell::from(scalar), key),
    }
}

fn push_tagged(key: &mut Vec<u8>, tag: u8, bytes: [u8; 8]) {
    key.push(tag);
    key.extend(bytes);
}

fn push_bytes(key: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    push_tagged(key, tag, (bytes.len() as u64).to_le_bytes());
    key.extend(bytes);
}

/// The whole number that equals a float exactly, if 64 bits hold it.
fn whole(value: f64) -> Option<i64> {
    let fits = value.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    fits.then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (-2_i64..3).prop_map(Value::Int),
            prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, f64::NAN, -f64::NAN, f64::INFINITY, 9.3e18])
                .prop_map(Value::Float),
            any::<i64>().prop_map(Value::Int),
            any::<i64>().prop_map(|i| Value::Float(i as f64)),
            "[a\\x00]{0,2}".prop_map(Value::Text),
        ];
        scalar.prop_recursive(2, 6, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::List))
    }

    proptest! {
        #[test]
        fn keys_are_equal_where_values_are(a in value(), b in value()) {
            let key = |value: &Value| {
                let mut key = Vec::new();
                push_key(Cell::from(value), &mut key);
                key
            };
            prop_assert_eq!(key(&a) == key(&b), a.total_cmp(&b).is_eq(), "{:?} {:?}", a, b);
        }
    }
}
