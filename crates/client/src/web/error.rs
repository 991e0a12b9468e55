//! Our errors as JavaScript has them: an object with code and sentence, of which the npm package makes an `Error`.

use serde::Serialize;
use wasm_bindgen::JsValue;

use super::convert::to_js;
use crate::error::Error;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fault<'a> {
    code: &'a str,
    message: String,
    is_retried: bool,
    seq: Option<u64>,
}

/// `{ code, message, isRetried, seq }`.
pub(crate) fn to_fault(error: &Error) -> JsValue {
    let seq = match error {
        Error::RowRefused { seq, .. } => Some(*seq),
        _ => None,
    };
    to_js(&Fault { code: error.code(), message: error.to_string(), is_retried: error.is_retried(), seq })
}
