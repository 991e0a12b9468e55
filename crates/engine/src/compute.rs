//! The columns of rows: the table's, and those that a query computes of them.

use std::borrow::Cow;

use expr::{Expr, NamedExpr};
use model::{ColumnSchema, ColumnType, Value};

use crate::spec::ViewSpec;
use crate::table::{RowId, Source, Table, TableRow};
use crate::window::WindowColumn;

impl ViewSpec {
    /// A column of the rows, as an expression over the table's columns; of a grouped view, those that it groups.
    #[must_use]
    pub fn row_column(&self, name: &str) -> Cow<'_, Expr> {
        self.columns.replacement(name).map_or_else(|| Cow::Owned(Expr::column(name)), Cow::Borrowed)
    }

    /// The columns of the rows without the system's: a computed one stands in the place of the table's of its name, or after
    /// those. Of a grouped view, the columns of the rows that it groups.
    #[must_use]
    #[inline(never)]
    pub fn row_columns(&self, table: &Table) -> Vec<ColumnSchema> {
        let own = if self.columns.only_computed { &[] } else { table.schema().columns() };
        let mut columns = own.to_vec();
        for NamedExpr { name, expr } in &self.columns.computed {
            let column = ColumnSchema { name: name.clone(), column_type: table.type_of(expr) };
            match own.iter().position(|known| known.name == *name) {
                Some(idx) => columns[idx] = column,
                None => columns.push(column),
            }
        }
        columns
    }

    /// The cells of a column for some rows.
    #[inline(never)]
    pub(crate) fn window_column(&self, table: &Table, rows: &[u32], name: &str) -> WindowColumn {
        let column = self.row_column(name);
        let column_type = table.type_of(&column);
        if let Expr::Column(own) = &*column {
            let source = table.source(own);
            return WindowColumn::of(name, column_type, &mut rows.iter().map(|row| table.cell(source, *row)));
        }
        let sources = table.sources(&column);
        let value = |row: &u32| column.eval(&TableRow { table, sources: &sources, row: *row });
        let values: Vec<Value> = rows.iter().map(value).collect();
        WindowColumn::of(name, column_type, &mut values.iter().map(Into::into))
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
