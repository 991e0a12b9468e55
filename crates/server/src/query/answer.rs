//! An answer's JSON: what is told of a view, and some of its rows.

use engine::{Table, View};
use model::{ColumnSchema, SYSTEM_COLUMNS};
use wire::api::{ColumnInfo, QueryAnswer};
use wire::json::{encode_text, encode_value};

use super::{QueryError, Question};

/// How many bytes an answer has at most, about: rows may hold pictures.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// The answer to a question, as a JSON object. The view has taken in the table's rows.
pub(super) fn encode(view: &mut View, table: &Table, question: &Question) -> Result<String, QueryError> {
    let columns = shown_columns(view, question)?;
    let first = if question.is_at_end {
        view.n_rows().saturating_sub(question.n_rows)
    } else {
        let ranked =
            question.around.and_then(|(row_id, n_above)| Some(view.rank_of(table, row_id)?.saturating_sub(n_above)));
        ranked.unwrap_or(question.first).min(view.n_rows())
    };
    let row_ids = view.row_ids(table, first..first.saturating_add(question.n_rows));
    let column = |c: &ColumnSchema| ColumnInfo { name: c.name.clone(), column_type: c.column_type.name().to_owned() };
    let spec = view.spec();
    let row_columns = if spec.is_grouped() { spec.row_columns(table) } else { Vec::new() };
    let head = QueryAnswer {
        next_offset: table.next_offset(),
        n_rows: view.n_rows() as u64,
        columns: view.columns().iter().map(column).collect(),
        row_columns: row_columns.iter().map(column).collect(),
        estimates: view.estimates(),
        first: first as u64,
        row_ids,
    };
    // Serialising plain structs to a string has no way to fail.
    let mut out = serde_json::to_string(&head).unwrap_or_default();
    // The rows are one more field of the object.
    out.pop();
    out.push_str(",\"rows\":[");
    for (place, row_id) in head.row_ids.iter().enumerate() {
        out.push_str(if place == 0 { "{" } else { ",{" });
        for (place, (name, key)) in columns.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(key);
            encode_value(&view.value(table, *row_id, name), &mut out);
        }
        out.push('}');
        if out.len() > MAX_BYTES {
            return Err(QueryError::AnswerTooLarge(MAX_BYTES));
        }
    }
    out.push_str("]}");
    Ok(out)
}

/// The columns of the rows, each with its name as JSON and a colon after it.
fn shown_columns(view: &View, question: &Question) -> Result<Vec<(String, String)>, QueryError> {
    let with_key = |name: &str| {
        let mut key = String::new();
        encode_text(name, &mut key);
        key.push(':');
        (name.to_owned(), key)
    };
    let Some(names) = &question.columns else {
        return Ok(view.columns().iter().map(|column| with_key(&column.name)).collect());
    };
    let is_known = |name: &str| {
        let is_system = !question.spec.is_grouped() && SYSTEM_COLUMNS.contains(&name);
        is_system || view.columns().iter().any(|column| column.name == name)
    };
    match names.iter().find(|name| !question.is_live && !is_known(name)) {
        Some(name) => Err(QueryError::UnknownColumn(name.clone())),
        None => Ok(names.iter().map(|name| with_key(name)).collect()),
    }
}
