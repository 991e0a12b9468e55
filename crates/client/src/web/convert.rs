//! JavaScript values to ours and back. Whatever a server or a page hands over, nothing here panics.

use model::Offset;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use wire::api::{Ack, ErrorBody, ErrorDetail, TailMessage};

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

/// The ack that a body is, if it is one.
pub(crate) fn ack(body: &str) -> Option<Ack> {
    parse(body)
}

/// The reason that a body gives, if it gives one.
pub(crate) fn error_detail(body: &str) -> Option<ErrorDetail> {
    parse::<ErrorBody>(body).map(|body| body.error)
}

fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    let value = js_sys::JSON::parse(json).ok()?;
    serde_wasm_bindgen::from_value(value).ok()
}

/// One of our small structures as an object. Only for those whose fields all have a JavaScript counterpart.
pub(crate) fn to_js(value: &impl Serialize) -> JsValue {
    serde_wasm_bindgen::to_value(value).unwrap_or(JsValue::UNDEFINED)
}

fn field(object: &JsValue, name: &str) -> JsValue {
    js_sys::Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// What a thrown value says of itself, whatever it is.
pub(crate) fn describe(thrown: &JsValue) -> String {
    let message = thrown.is_object().then(|| field(thrown, "message").as_string()).flatten();
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| "an unknown error".to_owned())
}
