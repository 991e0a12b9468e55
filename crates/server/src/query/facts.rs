//! What a column holds, as JSON.

use engine::{Table, ViewSpec};
use model::{SYSTEM_COLUMNS, TableName};
use wire::api::ColumnFacts;
use wire::json::encode_value;

use super::QueryError;
use super::question::view_of;

/// How many parts of a histogram, and how many values, an answer has at most.
const MAX_PARTS: u64 = 10_000;

/// A column, and how much is to be told of it.
#[derive(Clone, Debug)]
pub(crate) struct FactsQuestion {
    pub(crate) table: TableName,
    column: String,
    /// What computes columns, if anything does.
    spec: Option<ViewSpec>,
    n_bins: usize,
    n_values: usize,
}

impl FactsQuestion {
    /// Asks for a histogram of so many parts and for so many values of a column: the table's, or of that name in a query.
    pub(crate) fn new(
        table: TableName,
        column: String,
        query: Option<&str>,
        n_bins: u64,
        n_values: u64,
    ) -> Result<Self, QueryError> {
        if let Some(asked) = [n_bins, n_values].into_iter().find(|n| *n > MAX_PARTS) {
            return Err(QueryError::TooManyRows { asked, max: MAX_PARTS });
        }
        let view = query.map(view_of).transpose()?;
        let spec = match view {
            Some((other, _)) if other != table => return Err(QueryError::OtherTable(other)),
            view => view.map(|(_, spec)| spec),
        };
        Ok(Self { table, column, spec, n_bins: n_bins as usize, n_values: n_values as usize })
    }
}

/// The answer, as a JSON object. Looks at the whole column.
pub(super) fn encode(table: &Table, question: &FactsQuestion) -> Result<String, QueryError> {
    let FactsQuestion { column, n_bins, n_values, .. } = question;
    let spec = question.spec.clone().unwrap_or_default();
    let is_known = SYSTEM_COLUMNS.contains(&&**column) || spec.row_columns(table).iter().any(|c| c.name == *column);
    if !is_known {
        return Err(QueryError::UnknownColumn(column.clone()));
    }
    let of = &*spec.row_column(column);
    let range = table.range(of);
    let mut values = table.distinct(of, n_values + 1);
    let is_complete = values.len() <= *n_values;
    values.truncate(*n_values);
    let histogram = range.map_or_else(Vec::new, |range| table.histogram(of, range, *n_bins));
    // Serialising plain structs to a string has no way to fail.
    let mut out = serde_json::to_string(&ColumnFacts { range, histogram, is_complete }).unwrap_or_default();
    // The values are one more field of the object.
    out.pop();
    out.push_str(",\"values\":[");
    for (place, (value, n_rows)) in values.iter().enumerate() {
        out.push_str(if place == 0 { "{\"value\":" } else { ",{\"value\":" });
        encode_value(value, &mut out);
        out.push_str(&format!(",\"n_rows\":{n_rows}}}"));
        if out.len() > super::answer::MAX_BYTES {
            return Err(QueryError::AnswerTooLarge(super::answer::MAX_BYTES));
        }
    }
    out.push_str("]}");
    Ok(out)
}
