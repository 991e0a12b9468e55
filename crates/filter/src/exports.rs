//! What the npm package's TypeScript calls.

use rlsf::SmallGlobalTlsf;
use wasm_bindgen::prelude::*;

use crate::{Chunk, Filter};

/// As fast as the default allocator and smaller.
#[global_allocator]
static ALLOCATOR: SmallGlobalTlsf = SmallGlobalTlsf::new();

/// A filter of rows; see [`Filter`].
#[wasm_bindgen(js_name = Filter)]
pub struct JsFilter(Filter);

#[wasm_bindgen(js_class = Filter)]
impl JsFilter {
    /// Reads an expression.
    ///
    /// # Errors
    /// A sentence that says where the fault is.
    #[wasm_bindgen(constructor)]
    pub fn new(text: &str) -> Result<JsFilter, String> {
        let sentence =
            |error: expr::ParseError| format!("the filter cannot be read at character {}: {error}", error.at.start);
        Filter::parse(text).map(JsFilter).map_err(sentence)
    }

    /// The places of the rows that pass. Numbers are `f64`, which holds every count exactly up to 2^53.
    pub fn places(
        &self,
        lines: &str,
        first_offset: f64,
        writer: &str,
        first_seq: f64,
        received_micros: f64,
    ) -> Vec<u32> {
        self.0.places(Chunk {
            lines,
            first_offset: first_offset as u64,
            writer,
            first_seq: first_seq as u64,
            received_micros: received_micros as i64,
        })
    }
}
