//! The ways of a row from JavaScript into wasm, for `cargo xtask bench client`: as text, through a buffer that both sides
//! see, and as an object. Each leaves a copy of the row here; nothing is sent.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

/// Where the rows come to.
#[wasm_bindgen]
#[derive(Default)]
pub struct Store {
    bytes: Vec<u8>,
    buffer: Vec<u8>,
    rows: Vec<Vec<(String, Cell)>>,
}

#[wasm_bindgen]
impl Store {
    /// An empty one.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in rows as JSON.
    pub fn push_json(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'\n');
    }

    /// Makes a buffer of `n_bytes` for JavaScript to write to, and says where it is. It stays there.
    pub fn buffer(&mut self, n_bytes: usize) -> *const u8 {
        if self.buffer.len() < n_bytes {
            self.buffer.resize(n_bytes, 0);
        }
        self.buffer.as_ptr()
    }

    /// Takes in the row that JavaScript wrote to the first `n_bytes` of the buffer.
    pub fn push_buffer(&mut self, n_bytes: usize) {
        self.bytes.extend_from_slice(&self.buffer[..n_bytes]);
    }

    /// Takes in a row as the object it is.
    ///
    /// # Errors
    ///
    /// When a cell is not null, a boolean, a number or text.
    pub fn push_object(&mut self, row: JsValue) -> Result<(), JsError> {
        let Fields(fields) = serde_wasm_bindgen::from_value(row)?;
        self.rows.push(fields);
        Ok(())
    }

    /// The bytes and the fields that were taken in: zero where a way did nothing.
    pub fn n_taken(&self) -> usize {
        self.bytes.len() + self.rows.iter().map(Vec::len).sum::<usize>()
    }

    /// Forgets the rows, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
}

/// A cell of a row.
#[derive(Debug)]
#[allow(dead_code, reason = "the rows are kept, and nobody reads them")]
enum Cell {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

/// A row's fields, in their order.
struct Fields(Vec<(String, Cell)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("null, a boolean, a number or text")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
                Ok(Cell::Bool(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell::Number(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell::Number(value as f64))
            }

            fn visit_string<E>(self, value: String) -> Result<Cell, E> {
                Ok(Cell::Text(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<Cell, E> {
                Ok(Cell::Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
