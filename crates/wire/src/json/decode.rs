//! JSON text to values.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Media, Row, Timestamp, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{BYTES, F64, I64, MEDIA, OBJ, TS};
use crate::WireError;

/// Numbers below this are whole without gaps in a float.
const MAX_EXACT_FLOAT: u64 = 1 << 53;

/// Reads one row and checks that it may be stored.
///
/// # Errors
/// [`WireError::Json`], [`WireError::NotARow`], [`WireError::Tag`] or [`WireError::Row`].
pub fn decode_row(json: &str) -> Result<Row, WireError> {
    row_of(parse(json)?)
}

/// Cuts one row or a list of rows into the JSON of each row, to be judged by [`decode_row`] on its own.
///
/// # Errors
/// [`WireError::Json`] when the text is not JSON, [`WireError::NotARow`] when it is neither an object nor a list.
pub fn split_rows(json: &str) -> Result<Vec<&str>, WireError> {
    let bad = |error: serde_json::Error| WireError::Json(error.to_string());
    if json.trim_start().starts_with('[') {
        let rows: Vec<&RawValue> = serde_json::from_str(json).map_err(bad)?;
        return Ok(rows.into_iter().map(RawValue::get).collect());
    }
    let row: &RawValue = serde_json::from_str(json).map_err(bad)?;
    match row.get() {
        row if row.starts_with('{') => Ok(vec![row]),
        other => Err(WireError::NotARow(kind(&parse(other)?))),
    }
}

/// Reads one value.
///
/// # Errors
/// [`WireError::Json`] or [`WireError::Tag`].
pub fn decode_value(json: &str) -> Result<Value, WireError> {
    untag(parse(json)?)
}

/// Reads media from a base64 data URL; `None` when the text is none.
#[must_use]
pub fn media_from_data_url(url: &str) -> Option<Media> {
    let (mime, data) = url.strip_prefix("data:")?.split_once(";base64,")?;
    let bytes = STANDARD.decode(data).ok()?;
    is_media_type(mime).then(|| Media { mime: mime.to_owned(), bytes })
}

/// Whether a text may be the type of media: then its data URL reads back as it.
pub(crate) fn is_media_type(mime: &str) -> bool {
    mime.chars().all(|c| c.is_ascii_alphanumeric() || "/+.-_;= ".contains(c))
}

pub(super) fn parse(json: &str) -> Result<Value, WireError> {
    serde_json::from_str::<Plain>(json).map(|plain| plain.0).map_err(|error| WireError::Json(error.to_string()))
}

fn row_of(value: Value) -> Result<Row, WireError> {
    let Value::Object(fields) = value else {
        return Err(WireError::NotARow(kind(&value)));
    };
    let mut row = Row::new();
    for (name, value) in fields {
        row.push(name, untag(value)?);
    }
    row.check()?;
    Ok(row)
}

/// Turns tags, however deep, into the values they mean.
pub(super) fn untag(value: Value) -> Result<Value, WireError> {
    match value {
        Value::List(items) => Ok(Value::List(items.into_iter().map(untag).collect::<Result<_, _>>()?)),
        Value::Object(fields) => match <[_; 1]>::try_from(fields) {
            Ok([(name, value)]) if name.starts_with('$') => untag_one(&name, value),
            Ok([field]) => untag_fields(vec![field]),
            Err(fields) => untag_fields(fields),
        },
        scalar => Ok(scalar),
    }
}

fn untag_fields(fields: Vec<(String, Value)>) -> Result<Value, WireError> {
    let untag_field = |(name, value)| Ok((name, untag(value)?));
    Ok(Value::Object(fields.into_iter().map(untag_field).collect::<Result<_, WireError>>()?))
}

fn untag_one(tag: &str, value: Value) -> Result<Value, WireError> {
    let bad = |expect: &str| WireError::Tag(format!("{tag} takes {expect}"));
    match (tag, value) {
        (F64, Value::Text(text)) => match text.as_str() {
            "NaN" => Ok(Value::Float(f64::NAN)),
            "Infinity" => Ok(Value::Float(f64::INFINITY)),
            "-Infinity" => Ok(Value::Float(f64::NEG_INFINITY)),
            "-0" => Ok(Value::Float(-0.0)),
            other => other.parse().map(Value::Float).map_err(|_| bad("a number as text")),
        },
        (F64, Value::Float(float)) => Ok(Value::Float(float)),
        (F64, Value::Int(int)) => Ok(Value::Float(int as f64)),
        (I64, Value::Text(text)) => text.parse().map(Value::Int).map_err(|_| bad("a 64-bit whole number as text")),
        (I64 | TS, Value::Float(float)) if float.fract() == 0.0 && float.abs() <= MAX_EXACT_FLOAT as f64 => {
            Ok(if tag == I64 { Value::Int(float as i64) } else { Value::Time(Timestamp(float as i64)) })
        }
        (I64, Value::Int(int)) => Ok(Value::Int(int)),
        (TS, Value::Int(micros)) => Ok(Value::Time(Timestamp(micros))),
        (BYTES, Value::Text(text)) => STANDARD.decode(text).map(Value::Bytes).map_err(|_| bad("base64 text")),
        (MEDIA, Value::Text(url)) => {
            media_from_data_url(&url).map(Value::Media).ok_or_else(|| bad("a base64 data URL"))
        }
        (OBJ, Value::Object(fields)) => untag_fields(fields),
        (F64, _) => Err(bad("a number as text")),
        (I64, _) => Err(bad("a 64-bit whole number as text")),
        (TS, _) => Err(bad("microseconds since 1970 as a whole number")),
        (BYTES, _) => Err(bad("base64 text")),
        (MEDIA, _) => Err(bad("a base64 data URL")),
        (OBJ, _) => Err(bad("an object")),
        _ => Err(WireError::Tag(format!("{tag:?} is no tag; write the object as {{\"$obj\": …}}"))),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::List(_) => "a list",
        Value::Object(_) => "an object",
        _ => "text",
    }
}

/// A value as JSON has it, its tags not yet read.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor).map(Plain)
    }
}

struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(if value.unsigned_abs() <= MAX_EXACT_FLOAT { Value::Float(value as f64) } else { Value::Int(value) })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(match i64::try_from(value) {
            Ok(int) if value > MAX_EXACT_FLOAT => Value::Int(int),
            _ => Value::Float(value as f64),
        })
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0));
        while let Some(Plain(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Fields::default();
        while let Some((name, Plain(value))) = map.next_entry::<String, Plain>()? {
            fields.set(name, value);
        }
        Ok(Value::Object(fields.fields))
    }
}

/// So many fields are looked through one by one; of more there is an index, for an object may have any number of them.
const MAX_SEARCHED_FIELDS: usize = 32;

/// The fields of an object.
#[derive(Default)]
struct Fields {
    fields: Vec<(String, Value)>,
    places: HashMap<String, usize>,
}

impl Fields {
    /// As in JavaScript, the last of a name wins and keeps the first one's place.
    fn set(&mut self, name: String, value: Value) {
        if self.fields.len() < MAX_SEARCHED_FIELDS {
            match self.fields.iter_mut().find(|(known, _)| *known == name) {
                Some(field) => field.1 = value,
                None => self.fields.push((name, value)),
            }
            return;
        }
        if self.places.is_empty() {
            self.places.extend(self.fields.iter().enumerate().map(|(idx, (name, _))| (name.clone(), idx)));
        }
        match self.places.get(&name) {
            Some(idx) => self.fields[*idx].1 = value,
            None => {
                self.places.insert(name.clone(), self.fields.len());
                self.fields.push((name, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{encode_row, encode_value};
    use proptest::prelude::*;

    fn check(json: &str, expect: Value) {
        assert_eq!(decode_value(json), Ok(expect), "{json}");
    }

    /// Were it not so, a program's row could end its line and begin another one's.
    #[test]
    fn media_of_any_type_stays_one_text() {
        for mime in ["image/svg+xml; charset=utf-8", "", "a\"}\n{\"b\":1", "a\\", "é;base64,"] {
            let mut json = String::new();
            encode_value(&Value::Media(Media { mime: mime.to_owned(), bytes: vec![1] }), &mut json);
            assert!(!json.contains('\n') && serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
            let again = decode_value(&json);
            assert!(again.is_err() || again == Ok(Value::Media(Media { mime: mime.to_owned(), bytes: vec![1] })));
            assert_eq!(again.is_ok(), is_media_type(mime), "{mime:?}");
        }
    }

    #[test]
    fn of_many_fields_the_last_of_a_name_wins_and_none_costs_a_look_at_all() {
        // A look at all fields for each would take much longer.
        let n_fields = 50_000;
        let fields: Vec<String> =
            (0..n_fields).chain([7, n_fields - 1, 7]).enumerate().map(|(n, name)| format!("\"f{name}\":{n}")).collect();
        let row = decode_row(&format!("{{\"o\":{{{}}}}}", fields.join(","))).unwrap();
        let Some(Value::Object(fields)) = row.get("o") else { panic!("it is an object") };
        assert_eq!(fields.len(), n_fields);
        assert_eq!(fields[7], ("f7".to_owned(), Value::Float((n_fields + 2) as f64)));
        assert_eq!(fields[n_fields - 1].1, Value::Float((n_fields + 1) as f64));
        assert!((8..n_fields - 1).all(|n| fields[n] == (format!("f{n}"), Value::Float(n as f64))));
    }

    #[test]
    fn what_json_lacks_has_a_tag() {
        check(r#"{"$f64":"NaN"}"#, Value::Float(f64::NAN));
        check(r#"{"$f64":"-Infinity"}"#, Value::Float(f64::NEG_INFINITY));
        check(r#"{"$f64":"-0"}"#, Value::Float(-0.0));
        check("-0", Value::Float(-0.0));
        check(r#"{"$i64":"1152921504606846977"}"#, Value::Int((1 << 60) + 1));
        check("1152921504606846977", Value::Int((1 << 60) + 1));
        check("1152921504606846976.0", Value::Float((1_u64 << 60) as f64));
        check("9007199254740992", Value::Float(9_007_199_254_740_992.0));
        check(r#"{"$ts":1700000000000000}"#, Value::Time(Timestamp(1_700_000_000_000_000)));
        check(r#"{"$bytes":"aGk="}"#, Value::Bytes(b"hi".to_vec()));
        let media = Media { mime: "image/png".into(), bytes: b"hi".to_vec() };
        check(r#"{"$media":"data:image/png;base64,aGk="}"#, Value::Media(media));
        let literal = Value::Object(vec![("$f64".into(), Value::Text("NaN".into()))]);
        check(r#"{"$obj":{"$f64":"NaN"}}"#, literal);
        check(r#"[{"$obj":{"$f64":{"$i64":"1"}}}]"#, {
            Value::List(vec![Value::Object(vec![("$f64".into(), Value::Int(1))])])
        });
        check(r#"{"$a":1,"b":2}"#, {
            Value::Object(vec![("$a".into(), Value::Float(1.0)), ("b".into(), Value::Float(2.0))])
        });
    }

    #[test]
    fn faults_have_codes() {
        let code = |json| decode_row(json).unwrap_err().code();
        assert_eq!(code("{"), "bad_json");
        assert_eq!(code(r#"{"a":1e400}"#), "bad_json");
        assert_eq!(code("[1]"), "not_a_row");
        assert_eq!(code(r#"{"a":{"$f64":"x"}}"#), "bad_tag");
        assert_eq!(code(r#"{"a":{"$what":1}}"#), "bad_tag");
        assert_eq!(code(r#"{"a":{"$media":"data:text/<x>;base64,aGk="}}"#), "bad_tag");
        assert_eq!(code(r#"{"_seq":1}"#), "system_column");
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
        assert_eq!(code(&deep), "too_deep");
    }

    #[test]
    fn a_body_is_cut_into_rows() {
        let code = |json| split_rows(json).map_err(|error| error.code());
        assert_eq!(code(" {\"a\": 1}\n"), Ok(vec!["{\"a\": 1}"]));
        assert_eq!(code(" [ {\"a\":[1]} ,2,\"]\"]"), Ok(vec!["{\"a\":[1]}", "2", "\"]\""]));
        assert_eq!(code("[]"), Ok(vec![]));
        for json in ["", "{", "[{},", "[{}] {}", "{} {}"] {
            assert_eq!(code(json), Err("bad_json"), "{json}");
        }
        for json in ["1", "null", "\"[]\""] {
            assert_eq!(code(json), Err("not_a_row"), "{json}");
        }
    }

    #[test]
    fn a_row_is_never_a_tag() {
        let row = decode_row(r#"{"$f64":"NaN"}"#).unwrap();
        assert_eq!(row.get("$f64"), Some(&Value::Text("NaN".into())));
    }

    fn value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            prop::num::f64::ANY.prop_map(Value::Float),
            any::<i64>().prop_map(|int| Value::Float(int as f64)),
            any::<String>().prop_map(Value::Text),
            any::<i64>().prop_map(|micros| Value::Time(Timestamp(micros))),
            any::<Vec<u8>>().prop_map(Value::Bytes),
            any::<Vec<u8>>().prop_map(|bytes| Value::Media(Media { mime: "image/webp".into(), bytes })),
        ];
        let name = prop_oneof!["[a-b]", Just("$f64".to_owned()), Just("$obj".to_owned()), any::<String>()];
        scalar.prop_recursive(4, 32, 4, move |inner| {
            let fields = prop::collection::btree_map(name.clone(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::List),
                fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_comes_back_exactly(value in value()) {
            let mut json = String::new();
            encode_value(&value, &mut json);
            prop_assert!(!json.contains('\n'));
            prop_assert_eq!(decode_value(&json), Ok(value));
        }

        #[test]
        fn every_row_comes_back_exactly(cells in prop::collection::btree_map(any::<String>(), value(), 0..5)) {
            let row: Row = cells.into_iter().collect();
            prop_assume!(row.check().is_ok());
            let mut json = String::new();
            encode_row(row.iter(), &mut json);
            prop_assert_eq!(decode_row(&json), Ok(row));
        }

        #[test]
        fn no_text_makes_it_panic(json in any::<String>()) {
            let _ = decode_row(&json);
            let _ = split_rows(&json);
        }
    }
}
