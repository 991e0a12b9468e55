//! What the server says in text, read by JavaScript's own parser. Whatever it says, nothing here panics.

use js_sys::{JSON, Reflect};
use model::Offset;
use wasm_bindgen::JsValue;
use wire::api::ErrorDetail;

use crate::tail::Hello;

/// A text message of the tail.
pub(crate) enum TailText {
    /// Where the table starts and ends now, and what its rows take on the server's disk, in bytes.
    Hello(Hello, u64),
    /// Rows before this offset were dropped.
    Dropped(Offset),
    /// The tail ends, and why.
    Error(ErrorDetail),
}

/// Reads a text message of the tail; the error is a sentence.
pub(crate) fn tail_text(text: &str) -> Result<TailText, String> {
    let message = JSON::parse(text).map_err(|error| describe(&error))?;
    let number = |name| get(&message, name).as_f64().filter(|number| *number >= 0.0);
    let read = match get(&message, "type").as_string().as_deref() {
        Some("hello") => {
            let n_bytes = number("n_bytes").unwrap_or_default();
            let hello = |next_offset| Hello {
                first_offset: number("first_offset").unwrap_or_default() as Offset,
                next_offset: next_offset as Offset,
                created_micros: number("created_micros").map(|micros| micros as i64),
            };
            number("next_offset").map(|next_offset| TailText::Hello(hello(next_offset), n_bytes as u64))
        }
        Some("dropped") => number("first_offset").map(|first_offset| TailText::Dropped(first_offset as Offset)),
        Some("error") => {
            let error = get(&message, "error");
            let text = |name| get(&error, name).as_string();
            let detail = |message| ErrorDetail { code: text("code").unwrap_or_default(), message };
            text("message").map(|message| TailText::Error(detail(message)))
        }
        _ => None,
    };
    read.ok_or_else(|| "the server sent a message that is not known".to_owned())
}

/// A field of a value, which may be anything.
fn get(value: &JsValue, name: &str) -> JsValue {
    Reflect::get(value, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// What a thrown value says of itself, whatever it is.
pub(crate) fn describe(thrown: &JsValue) -> String {
    let message = thrown.is_object().then(|| get(thrown, "message").as_string()).flatten();
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| "an unknown error".to_owned())
}
