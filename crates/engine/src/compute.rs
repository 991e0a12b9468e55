//! The columns of rows: the table's, and those that a query computes of them.

use std::borrow::Cow;

use expr::{Expr, NamedExpr};
use model::{ColumnSchema, ColumnType, SYSTEM_COLUMNS, Value};

use crate::error::EngineError;
use crate::spec::ViewSpec;
use crate::table::{RowId, Source, Table, TableRow};
use crate::window::WindowColumn;

/// How many nodes of computed columns may be put in the place of their names, in all expressions of a query together.
const MAX_REPLACED_NODES: usize = 1 << 14;

/// The columns that rows have at a place of a query, each computed from the table's own.
pub(crate) struct Scope {
    computed: Vec<NamedExpr>,
    only_computed: bool,
    n_nodes: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { computed: Vec::new(), only_computed: false, n_nodes: MAX_REPLACED_NODES }
    }
}

impl Scope {
    /// Whether rows have the table's columns and no others.
    pub(crate) fn is_plain(&self) -> bool {
        self.computed.is_empty() && !self.only_computed
    }

    /// An expression over the rows as one over the table's.
    pub(crate) fn resolve(&mut self, expr: &Expr) -> Result<Expr, EngineError> {
        let (computed, only_computed) = (&self.computed, self.only_computed);
        if self.is_plain() {
            return Ok(expr.clone());
        }
        let replacement = |name: &str| find(computed, only_computed, name);
        expr.replace_columns(replacement, &mut self.n_nodes).map_err(EngineError::from)
    }

    /// Goes on to rows that have these columns as well, or alone.
    pub(crate) fn add(&mut self, columns: &[NamedExpr], alone: bool) -> Result<(), EngineError> {
        let mut added = Vec::new();
        for column in columns {
            if SYSTEM_COLUMNS.contains(&column.name.as_str()) {
                return Err(EngineError::SystemColumn(column.name.clone()));
            }
            added.push(NamedExpr { name: column.name.clone(), expr: self.resolve(&column.expr)? });
        }
        if alone {
            (self.computed, self.only_computed) = (added, true);
            return Ok(());
        }
        for column in added {
            match self.computed.iter_mut().find(|known| known.name == column.name) {
                Some(known) => *known = column,
                None => self.computed.push(column),
            }
        }
        Ok(())
    }

    pub(crate) fn into_columns(self) -> (Vec<NamedExpr>, bool) {
        (self.computed, self.only_computed)
    }
}

/// What takes a column's place; `None` where it is the table's own.
fn find<'a>(computed: &'a [NamedExpr], only_computed: bool, name: &str) -> Option<&'a Expr> {
    const NULL: &Expr = &Expr::Literal(Value::Null);
    let found = computed.iter().find(|column| column.name == name).map(|column| &column.expr);
    // The system's columns belong to the row, whatever becomes of its cells.
    found.or_else(|| (only_computed && !SYSTEM_COLUMNS.contains(&name)).then_some(NULL))
}

impl ViewSpec {
    /// A column of the rows, as an expression over the table's columns; of a grouped view, those that it groups.
    #[must_use]
    pub fn row_column(&self, name: &str) -> Cow<'_, Expr> {
        find(&self.computed, self.only_computed, name).map_or_else(|| Cow::Owned(Expr::column(name)), Cow::Borrowed)
    }

    /// The columns of the rows without the system's: a computed one stands in the place of the table's of its name, or after
    /// those. Of a grouped view, the columns of the rows that it groups.
    #[must_use]
    pub fn row_columns(&self, table: &Table) -> Vec<ColumnSchema> {
        let own = if self.only_computed { &[] } else { table.schema().columns() };
        let is_own = |name: &str| own.iter().any(|column| column.name == name);
        let computed =
            |column: &NamedExpr| ColumnSchema { name: column.name.clone(), column_type: table.type_of(&column.expr) };
        let shown = |column: &ColumnSchema| {
            self.computed.iter().find(|known| known.name == column.name).map_or_else(|| column.clone(), computed)
        };
        let after = self.computed.iter().filter(|column| !is_own(&column.name)).map(computed);
        own.iter().map(shown).chain(after).collect()
    }

    /// Whether rows have the table's columns and no others.
    pub(crate) fn has_table_columns(&self) -> bool {
        self.computed.is_empty() && !self.only_computed
    }

    /// The cells of a column for some rows.
    pub(crate) fn window_column(&self, table: &Table, rows: &[u32], name: &str) -> WindowColumn {
        let column = self.row_column(name);
        let column_type = table.type_of(&column);
        if let Expr::Column(own) = &*column {
            let source = table.source(own);
            return WindowColumn::of(name, column_type, rows.iter().map(|row| table.cell(source, *row)));
        }
        let sources = table.sources(&column);
        let value = |row: &u32| column.eval(&TableRow { table, sources: &sources, row: *row });
        let values: Vec<Value> = rows.iter().map(value).collect();
        WindowColumn::of(name, column_type, values.iter().map(Into::into))
    }
}

impl Table {
    /// The type of an expression's values over the table's rows, told by the types of its columns: that of what the cells are
    /// so far.
    #[must_use]
    pub fn type_of(&self, expr: &Expr) -> ColumnType {
        expr.column_type(&|name| self.column_type(name))
    }

    /// What an expression comes to for a row; null where the table has no such row.
    #[must_use]
    pub fn value_of(&self, row_id: RowId, expr: &Expr) -> Value {
        let Some(row) = self.row_number(row_id) else { return Value::Null };
        match expr {
            Expr::Column(name) => self.cell(self.source(name), row).to_value(),
            expr => expr.eval(&TableRow { table: self, sources: &self.sources(expr), row }),
        }
    }

    /// The columns that an expression reads, with where their cells are.
    pub(crate) fn sources<'a>(&self, expr: &'a Expr) -> Vec<(&'a str, Source)> {
        expr.columns().into_iter().map(|name| (name, self.source(name))).collect()
    }
}
