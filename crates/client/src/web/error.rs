//! Our errors as JavaScript has them: an object with code and sentence, of which the npm package makes an `Error`.

use wasm_bindgen::JsValue;

use super::convert::object;
use crate::error::DeliveryError;

/// `{ code, message, isRetried }`.
pub(crate) fn to_fault(error: &DeliveryError) -> JsValue {
    let message = error.to_string();
    object([("code", error.code().into()), ("message", message.into()), ("isRetried", error.is_retried().into())])
}
