//! JavaScript values to ours and back. Whatever a server or a page hands over, nothing here panics.

use model::Offset;
use wasm_bindgen::{JsCast, JsValue};
use wire::api::TailMessage;

/// A text message of the tail.
pub(crate) enum TailText {
    /// Where the table ends now.
    Hello(Offset),
    /// Rows, each an object of tagged JSON.
    Rows(Offset, js_sys::Array),
    /// The tail ends, and why.
    Error(String),
}

/// Reads a text message of the tail; the error is a sentence.
pub(crate) fn tail_text(text: &str) -> Result<TailText, String> {
    let message = js_sys::JSON::parse(text).map_err(|error| describe(&error))?;
    if field(&message, "type").as_string().as_deref() == Some("rows") {
        let first_offset = field(&message, "first_offset").as_f64().ok_or("rows without their offset")?;
        let rows = field(&message, "rows").dyn_into().map_err(|_| "rows that are no list")?;
        return Ok(TailText::Rows(first_offset as Offset, rows));
    }
    match serde_wasm_bindgen::from_value(message).map_err(|error| describe(&error.into()))? {
        TailMessage::Hello { next_offset } => Ok(TailText::Hello(next_offset)),
        TailMessage::Error { error } => Ok(TailText::Error(error.message)),
    }
}

fn field(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// What a thrown value says of itself, whatever it is.
pub(crate) fn describe(thrown: &JsValue) -> String {
    let message = field_if_object(thrown, "message").or_else(|| thrown.as_string());
    message.unwrap_or_else(|| "an unknown error".to_owned())
}

fn field_if_object(value: &JsValue, name: &str) -> Option<String> {
    value.is_object().then(|| field(value, name).as_string()).flatten()
}
