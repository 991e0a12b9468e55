//! JavaScript values to ours and back. Whatever a server or a page hands over, nothing here panics.
//!
//! Fields are read one by one: `serde` would more than double the size of the package.

use js_sys::{Array, JSON, Object, Reflect};
use model::Offset;
use wasm_bindgen::{JsCast, JsValue};
use wire::api::{Ack, ErrorDetail, Refusal};

/// A text message of the tail.
pub(crate) enum TailText {
    /// Where the table ends now.
    Hello(Offset),
    /// Rows, each an object of tagged JSON.
    Rows(Offset, Array),
    /// The tail ends, and why.
    Error(String),
}

/// Reads a text message of the tail; the error is a sentence.
pub(crate) fn tail_text(text: &str) -> Result<TailText, String> {
    let message = Fields(JSON::parse(text).map_err(|error| describe(&error))?);
    let read = match message.text("type").as_deref() {
        Some("hello") => message.whole("next_offset").map(TailText::Hello),
        Some("rows") => {
            message.whole("first_offset").zip(message.list("rows")).map(|(at, rows)| TailText::Rows(at, rows))
        }
        Some("error") => message.error_detail().map(|detail| TailText::Error(detail.message)),
        _ => None,
    };
    read.ok_or_else(|| "the server sent a message that is not known".to_owned())
}

/// The ack that a body is, if it is one.
pub(crate) fn ack(body: &str) -> Option<Ack> {
    let body = Fields(JSON::parse(body).ok()?);
    let refused = body.list("refused").unwrap_or_default();
    let refusal = |item: JsValue| {
        let item = Fields(item);
        Some(Refusal { index: item.whole("index")?, code: item.text("code")?, message: item.text("message")? })
    };
    Some(Ack {
        acked_seq: body.whole("acked_seq")?,
        n_stored: body.whole("n_stored")?,
        n_duplicate: body.whole("n_duplicate")?,
        first_offset: body.whole("first_offset"),
        refused: refused.iter().filter_map(refusal).collect(),
    })
}

/// The reason that a body gives, if it gives one.
pub(crate) fn error_detail(body: &str) -> Option<ErrorDetail> {
    Fields(JSON::parse(body).ok()?).error_detail()
}

/// Reads the fields of a value, which may be anything.
pub(crate) struct Fields(pub(crate) JsValue);

impl Fields {
    pub(crate) fn get(&self, name: &str) -> JsValue {
        Reflect::get(&self.0, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).as_string()
    }

    /// A number that counts something.
    pub(crate) fn whole(&self, name: &str) -> Option<u64> {
        self.get(name).as_f64().filter(|number| *number >= 0.0).map(|number| number as u64)
    }

    fn list(&self, name: &str) -> Option<Array> {
        self.get(name).dyn_into().ok()
    }

    fn error_detail(&self) -> Option<ErrorDetail> {
        let error = Fields(self.get("error"));
        Some(ErrorDetail { code: error.text("code")?, message: error.text("message")? })
    }
}

/// An object of these fields.
pub(crate) fn object<const N: usize>(fields: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in fields {
        // A new object takes any field.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &value);
    }
    object.into()
}

/// What a thrown value says of itself, whatever it is.
pub(crate) fn describe(thrown: &JsValue) -> String {
    let message = thrown.is_object().then(|| Fields(thrown.clone()).text("message")).flatten();
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| "an unknown error".to_owned())
}
