//! Cells as the text a grid shows.

use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Media, Value};

use crate::cell::Cell;

/// How many bytes of a bytes cell are shown.
const SHOWN_BYTES: usize = 32;

/// Adds what a window carries as a cell's text: texts themselves, whole numbers with every digit, media as a data URL, the
/// first bytes in hexadecimal, lists and objects much as JSON. Nothing of cells that are numbers, times or booleans.
pub(crate) fn push_cell_text(cell: Cell<'_>, out: &mut String) {
    match cell {
        Cell::Null | Cell::Bool(_) | Cell::Float(_) | Cell::Time(_) => {}
        Cell::Int(number) => push(out, format_args!("{number}")),
        Cell::Text(text) => out.push_str(text),
        Cell::Bytes(bytes) => push_bytes(bytes, out),
        Cell::Media(media) => push_data_url(media, out),
        Cell::Nested(value) => push_value(value, out),
    }
}

/// A value within a list or an object.
fn push_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => push(out, format_args!("{value}")),
        Value::Int(number) => push(out, format_args!("{number}")),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => {
            let start = out.len();
            push(out, format_args!("{number:?}"));
            if out[start..].ends_with(".0") {
                out.truncate(out.len() - 2);
            }
        }
        Value::Text(text) => push_quoted(text, out),
        Value::Time(time) => push(out, format_args!("\"{time}\"")),
        Value::Bytes(bytes) => {
            out.push('<');
            push_bytes(bytes, out);
            out.push('>');
        }
        Value::Media(media) => push(out, format_args!("<{}, {} bytes>", media.mime, media.bytes.len())),
        Value::List(items) => {
            out.push('[');
            for (idx, item) in items.iter().enumerate() {
                out.push_str(if idx == 0 { "" } else { ", " });
                push_value(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (idx, (key, value)) in fields.iter().enumerate() {
                out.push_str(if idx == 0 { "" } else { ", " });
                push_quoted(key, out);
                out.push_str(": ");
                push_value(value, out);
            }
            out.push('}');
        }
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes any text.
    let _ = out.write_fmt(text);
}

fn push_bytes(bytes: &[u8], out: &mut String) {
    for byte in bytes.iter().take(SHOWN_BYTES) {
        push(out, format_args!("{byte:02x}"));
    }
    if bytes.len() > SHOWN_BYTES {
        push(out, format_args!("… {} bytes", bytes.len()));
    }
}

fn push_data_url(media: &Media, out: &mut String) {
    push(out, format_args!("data:{};base64,", media.mime));
    BASE64_STANDARD.encode_string(&media.bytes, out);
}

fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => push(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, expect: &str) {
        let mut out = String::new();
        push_cell_text(Cell::from(value), &mut out);
        assert_eq!(out, expect);
    }

    #[test]
    fn cells_as_text() {
        check(&Value::Int(1 << 60), "1152921504606846976");
        check(&Value::Text("a \"b\"".into()), "a \"b\"");
        check(&Value::Float(1.5), "");
        check(&Value::Bytes(vec![0, 171]), "00ab");
        check(&Value::Bytes(vec![1; 40]), &format!("{}… 40 bytes", "01".repeat(32)));
        check(&Value::Media(Media { mime: "image/png".into(), bytes: b"hi".to_vec() }), "data:image/png;base64,aGk=");
        let list =
            Value::List(vec![Value::Float(1.0), Value::Float(-0.0), Value::Float(f64::NAN), "a\n".into(), Value::Null]);
        check(&Value::Object(vec![("k\"".into(), list)]), r#"{"k\"": [1, -0, NaN, "a\n", null]}"#);
    }
}
