//! Values to JSON text.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Media, Offset, Value};

use super::{BYTES, F64, I64, MEDIA, OBJ, TS};

/// Appends a row's JSON object to `out`, without a line end.
pub fn encode_row<'a>(cells: impl IntoIterator<Item = (&'a str, &'a Value)>, out: &mut String) {
    out.push('{');
    for (idx, (name, value)) in cells.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        encode_text(name, out);
        out.push(':');
        encode_value(value, out);
    }
    out.push('}');
}

/// The message with which a tail in JSON brings rows:
/// `{"type":"rows","first_offset":17,"rows":[{…},{…}]}`, where `rows` are the rows' own JSON.
#[must_use]
pub fn encode_rows_message<'a>(first_offset: Offset, rows: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = format!("{{\"type\":\"rows\",\"first_offset\":{first_offset},\"rows\":[");
    for (idx, row) in rows.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        out.push_str(row);
    }
    out.push_str("]}");
    out
}

/// Appends a value's JSON to `out`.
pub fn encode_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(int) => encode_tag(I64, &int.to_string(), out),
        Value::Float(float) => encode_f64(*float, out),
        Value::Text(text) => encode_text(text, out),
        Value::Time(time) => write_to(out, format_args!("{{\"{TS}\":{}}}", time.0)),
        Value::Bytes(bytes) => encode_tag(BYTES, &to_base64(bytes), out),
        Value::Media(media) => {
            // A program may log any text as the type. Whatever it is, the line stays one line of JSON, which may be refused.
            write_to(out, format_args!("{{\"{MEDIA}\":"));
            encode_text(&data_url(media), out);
            out.push('}');
        }
        Value::List(items) => {
            out.push('[');
            for (idx, item) in items.iter().enumerate() {
                if idx > 0 {
                    out.push(',');
                }
                encode_value(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let cells = fields.iter().map(|(name, value)| (name.as_str(), value));
            if looks_like_a_tag(fields) {
                write_to(out, format_args!("{{\"{OBJ}\":"));
                encode_row(cells, out);
                out.push('}');
            } else {
                encode_row(cells, out);
            }
        }
    }
}

fn looks_like_a_tag(fields: &[(String, Value)]) -> bool {
    matches!(fields, [(name, _)] if name.starts_with('$'))
}

fn encode_f64(float: f64, out: &mut String) {
    if float.is_nan() {
        encode_tag(F64, "NaN", out);
    } else if float.is_infinite() {
        encode_tag(F64, if float > 0.0 { "Infinity" } else { "-Infinity" }, out);
    } else if float == 0.0 {
        out.push_str(if float.is_sign_negative() { "-0.0" } else { "0" });
    } else if float.abs() >= 1e15 || float.abs() < 1e-5 {
        // The exponent keeps a large whole number from reading as a 64-bit one.
        write_to(out, format_args!("{float:e}"));
    } else {
        write_to(out, format_args!("{float}"));
    }
}

fn encode_tag(tag: &str, text: &str, out: &mut String) {
    write_to(out, format_args!("{{\"{tag}\":\"{text}\"}}"));
}

/// Appends a text's JSON to `out`.
pub fn encode_text(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (idx, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(start..idx).unwrap_or_default());
        start = idx + 1;
        if escape.is_empty() {
            write_to(out, format_args!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(text.get(start..).unwrap_or_default());
    out.push('"');
}

/// Bytes in base64, with padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn data_url(media: &Media) -> String {
    format!("data:{};base64,{}", media.mime, to_base64(&media.bytes))
}

fn write_to(out: &mut String, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("writing to a String cannot fail");
}
