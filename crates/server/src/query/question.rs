//! What is asked: a request, read and checked.

use engine::{RowId, ViewSpec};
use expr::{BinaryOp, Expr};
use model::{TableName, Value, system_column};
use wire::api::QueryRequest;

use super::QueryError;

/// How many rows an answer has where the request does not say.
const DEFAULT_ROWS: u64 = 100;
/// How many rows an answer has at most.
const MAX_ROWS: u64 = 10_000;

/// A view of a table, and which rows of it.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) table: TableName,
    pub(super) spec: ViewSpec,
    /// The rank of the first row, unless there is a row to be around.
    pub(super) first: usize,
    /// A row, and how many rows stand above it.
    pub(super) around: Option<(RowId, usize)>,
    /// Whether the last rows are wanted, whatever `first` and `around` say.
    pub(super) is_at_end: bool,
    pub(super) n_rows: usize,
    /// The columns wanted, each once; `None` for all of the view's.
    pub(super) columns: Option<Vec<String>>,
    /// Whether tables and columns that are not there are waited for.
    pub(super) is_live: bool,
}

impl Question {
    /// Whether the answer changes as time goes by.
    pub(crate) fn moves(&self) -> bool {
        !self.spec.lasts.is_empty()
    }

    /// Reads a request. A live question is of a table and of columns that may be yet to come.
    pub(crate) fn of(request: QueryRequest, is_live: bool) -> Result<Self, QueryError> {
        let (table, mut spec) = view_of(&request.query)?;
        if let Some(end) = request.before.and_then(|before| Expr::literal(Value::Float(before as f64))) {
            spec.filters.push(Expr::binary(BinaryOp::Less, Expr::column(system_column::OFFSET), end));
        }
        let asked = request.rows.unwrap_or(DEFAULT_ROWS);
        if asked > MAX_ROWS {
            return Err(QueryError::TooManyRows { asked, max: MAX_ROWS });
        }
        let rank = |rank: u64| usize::try_from(rank).unwrap_or(usize::MAX);
        let mut columns = request.columns;
        if let Some(names) = &mut columns {
            let mut seen = std::collections::HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
        }
        Ok(Self {
            table,
            spec,
            first: rank(request.first),
            around: request.around.map(|row_id| (row_id, rank(request.above))),
            is_at_end: request.at_end,
            n_rows: rank(asked),
            columns,
            is_live,
        })
    }
}

/// The table that a query names, and the view of it.
pub(super) fn view_of(query: &str) -> Result<(TableName, ViewSpec), QueryError> {
    let query = expr::parse_query(query)
        .map_err(|error| QueryError::Syntax { position: error.at.start, reason: error.to_string() })?;
    let spec = ViewSpec::of(&query).map_err(QueryError::View)?;
    Ok((query.table, spec))
}
