//! What a live query says, and the facts of a column, read by their reader.
//!
//! The fields are taken from plain values: a reader of rows has the code for those already, and a browser has to load it.

use model::Value;

use super::decode::{parse, untag};
use crate::WireError;
use crate::api::{ColumnFacts, ColumnInfo, ErrorDetail, QueryAnswer};

/// A row's cells by name.
pub type NamedCells = Vec<(String, Value)>;

/// A text message of a live query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryText {
    /// What was asked last, as it is now.
    Answer {
        /// The asker's number for the request.
        request: Option<u64>,
        /// What is told of the view.
        answer: QueryAnswer,
        /// The rows' cells by name; each row has the same names in the same order.
        rows: Vec<NamedCells>,
    },
    /// What was asked cannot be shown, or no longer.
    Error {
        /// The asker's number for the request.
        request: Option<u64>,
        /// The reason.
        error: ErrorDetail,
    },
}

/// Reads a message of a live query.
///
/// # Errors
/// [`WireError::Json`], also of a message that is neither an answer nor an error; [`WireError::Tag`].
pub fn decode_query_text(json: &str) -> Result<QueryText, WireError> {
    let mut fields = Fields::of(parse(json)?)?;
    let request = fields.take("request").ok().as_ref().map(number).transpose()?;
    if text(fields.take("type")?)? == "error" {
        let mut error = Fields::of(fields.take("error")?)?;
        let error = ErrorDetail { code: text(error.take("code")?)?, message: text(error.take("message")?)? };
        return Ok(QueryText::Error { request, error });
    }
    let (answer, rows) = answer_of(&mut fields)?;
    Ok(QueryText::Answer { request, answer, rows })
}

/// Reads the answer to a query, and its rows as [`QueryText::Answer`] has them.
///
/// # Errors
/// As [`decode_query_text`].
pub fn decode_query_answer(json: &str) -> Result<(QueryAnswer, Vec<NamedCells>), WireError> {
    answer_of(&mut Fields::of(parse(json)?)?)
}

fn answer_of(fields: &mut Fields) -> Result<(QueryAnswer, Vec<NamedCells>), WireError> {
    // Plain loops: a reader in a browser has to load them.
    let mut answer = QueryAnswer {
        next_offset: number(&fields.take("next_offset")?)?,
        n_rows: number(&fields.take("n_rows")?)?,
        first: number(&fields.take("first")?)?,
        row_ids: numbers(fields.take("row_ids")?)?,
        columns: columns(fields.take("columns")?)?,
        ..QueryAnswer::default()
    };
    if let Ok(of_rows) = fields.take("row_columns") {
        answer.row_columns = columns(of_rows)?;
    }
    for name in list(fields.take("estimates")?)? {
        answer.estimates.push(text(name)?);
    }
    let mut rows = Vec::new();
    for row in list(fields.take("rows")?)? {
        let Fields(mut cells) = Fields::of(row)?;
        for (_, cell) in &mut cells {
            *cell = untag(std::mem::replace(cell, Value::Null))?;
        }
        rows.push(cells);
    }
    Ok((answer, rows))
}

/// Reads what a column holds, with the values and how many rows have each.
///
/// # Errors
/// As [`decode_query_text`].
pub fn decode_column_facts(json: &str) -> Result<(ColumnFacts, Vec<(Value, u64)>), WireError> {
    let mut fields = Fields::of(parse(json)?)?;
    let range = match fields.take("range")? {
        Value::Null => None,
        range => match &list(range)?[..] {
            [least, greatest] => Some((float(least)?, float(greatest)?)),
            _ => return Err(unknown("range")),
        },
    };
    let facts = ColumnFacts {
        range,
        histogram: numbers(fields.take("histogram")?)?,
        is_complete: fields.take("is_complete")? == Value::Bool(true),
    };
    let mut values = Vec::new();
    for value in list(fields.take("values")?)? {
        let mut value = Fields::of(value)?;
        values.push((untag(value.take("value")?)?, number(&value.take("n_rows")?)?));
    }
    Ok((facts, values))
}

/// The fields of an object.
struct Fields(Vec<(String, Value)>);

impl Fields {
    fn of(value: Value) -> Result<Self, WireError> {
        if let Value::Object(fields) = value { Ok(Self(fields)) } else { Err(unknown("object")) }
    }

    fn take(&mut self, name: &'static str) -> Result<Value, WireError> {
        let place = self.0.iter().position(|(known, _)| known == name).ok_or_else(|| unknown(name))?;
        Ok(self.0.swap_remove(place).1)
    }
}

fn columns(value: Value) -> Result<Vec<ColumnInfo>, WireError> {
    let mut columns = Vec::new();
    for column in list(value)? {
        let mut column = Fields::of(column)?;
        columns.push(ColumnInfo { name: text(column.take("name")?)?, column_type: text(column.take("type")?)? });
    }
    Ok(columns)
}

fn text(value: Value) -> Result<String, WireError> {
    if let Value::Text(text) = value { Ok(text) } else { Err(unknown("text")) }
}

fn float(value: &Value) -> Result<f64, WireError> {
    match value {
        Value::Float(float) => Ok(*float),
        // Past 2^53 a whole number is read as such.
        Value::Int(int) => Ok(*int as f64),
        _ => Err(unknown("number")),
    }
}

fn number(value: &Value) -> Result<u64, WireError> {
    match value {
        Value::Float(float) if *float >= 0.0 => Ok(*float as u64),
        Value::Int(int) => u64::try_from(*int).map_err(|_| unknown("number")),
        _ => Err(unknown("number")),
    }
}

fn list(value: Value) -> Result<Vec<Value>, WireError> {
    if let Value::List(items) = value { Ok(items) } else { Err(unknown("list")) }
}

fn numbers(value: Value) -> Result<Vec<u64>, WireError> {
    let mut numbers = Vec::new();
    for item in list(value)? {
        numbers.push(number(&item)?);
    }
    Ok(numbers)
}

fn unknown(what: &str) -> WireError {
    WireError::Json(format!("the server sent a message that is not known: no {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_head_and_its_rows_exactly() {
        let head = r#""next_offset":9,"n_rows":2,"columns":[{"name":"$f64","type":"int"}],"estimates":["x"],"first":1"#;
        let rows = r#""row_ids":[7,8],"rows":[{"$f64":{"$i64":"1"}},{"$f64":{"$ts":5}}]"#;
        let QueryText::Answer { request, answer, rows } =
            decode_query_text(&format!("{{\"type\":\"answer\",\"request\":3,{head},{rows}}}")).unwrap()
        else {
            panic!("it is an answer")
        };
        assert_eq!((request, answer.next_offset, answer.n_rows, answer.first), (Some(3), 9, 2, 1));
        assert_eq!((answer.columns[0].column_type.as_str(), &answer.row_ids[..]), ("int", &[7, 8][..]));
        assert_eq!(answer.estimates, ["x"]);
        let cell = |value| vec![("$f64".to_owned(), value)];
        assert_eq!(rows, [cell(Value::Int(1)), cell(Value::Time(model::Timestamp(5)))], "a row is never a tag");
    }

    #[test]
    fn an_error_has_its_code_and_what_is_neither_is_refused() {
        let error = ErrorDetail { code: "bad_query".into(), message: "no".into() };
        let json = r#"{"type":"error","error":{"code":"bad_query","message":"no"}}"#;
        assert_eq!(decode_query_text(json), Ok(QueryText::Error { request: None, error }));
        for json in ["", "[]", "{}", r#"{"type":"answer"}"#, r#"{"type":"error","error":[]}"#] {
            assert_eq!(decode_query_text(json).unwrap_err().code(), "bad_json", "{json}");
        }
    }

    #[test]
    fn facts_have_their_values() {
        let json = r#"{"range":[1,2.5],"histogram":[3,4],"is_complete":true,"values":[{"value":null,"n_rows":2}]}"#;
        let facts = ColumnFacts { range: Some((1.0, 2.5)), histogram: vec![3, 4], is_complete: true };
        assert_eq!(decode_column_facts(json), Ok((facts, vec![(Value::Null, 2)])));
        let none = r#"{"range":null,"histogram":[],"is_complete":false,"values":[]}"#;
        assert_eq!(decode_column_facts(none), Ok((ColumnFacts::default(), vec![])));
        assert!(decode_column_facts(r#"{"range":[1],"histogram":[],"is_complete":false,"values":[]}"#).is_err());
    }
}
