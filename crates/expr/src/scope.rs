//! The columns that rows have at a place of a query, each as an expression over the table's own.

use model::{SYSTEM_COLUMNS, Value};

use crate::aggregate::Aggregate;
use crate::expr::Expr;
use crate::query::{NamedExpr, SortKey};
use crate::replace::TooLarge;

/// How many nodes of computed columns may be put in the place of their names, in all expressions of a query together.
const MAX_REPLACED_NODES: usize = 1 << 14;

/// The columns that rows have: the table's, and others in their place or beside them, or those others alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowColumns {
    /// Those that are computed, in order, each of another name and over the table's columns.
    pub computed: Vec<NamedExpr>,
    /// Whether rows have no columns but these.
    pub only_computed: bool,
}

impl RowColumns {
    /// Whether rows have the table's columns and no others.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.computed.is_empty() && !self.only_computed
    }

    /// What takes the place of a column; `None` where it is the table's own. The system's columns belong to the row, whatever
    /// becomes of its cells.
    #[must_use]
    pub fn replacement(&self, name: &str) -> Option<&Expr> {
        const NULL: &Expr = &Expr::Literal(Value::Null);
        let found = self.computed.iter().find(|column| column.name == name).map(|column| &column.expr);
        found.or_else(|| (self.only_computed && !SYSTEM_COLUMNS.contains(&name)).then_some(NULL))
    }
}

/// A walk along a query's operations: what the columns of the rows are by now.
#[derive(Debug)]
pub struct Scope {
    /// The columns.
    pub columns: RowColumns,
    n_nodes: usize,
}

impl Default for Scope {
    fn default() -> Self {
        Self { columns: RowColumns::default(), n_nodes: MAX_REPLACED_NODES }
    }
}

impl Scope {
    /// An expression over the rows as one over the table's columns.
    ///
    /// # Errors
    /// [`TooLarge`], where the columns were built on each other too often.
    #[inline(never)]
    pub fn resolve(&mut self, expr: &Expr) -> Result<Expr, TooLarge> {
        let columns = &self.columns;
        if columns.is_plain() {
            return Ok(expr.clone());
        }
        expr.replace_columns(|name| columns.replacement(name), &mut self.n_nodes)
    }

    /// The keys of a sort, over the table's columns, before those of an earlier one, which decides between its equals.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    #[inline(never)]
    pub fn sort(&mut self, keys: &[SortKey], earlier: Vec<SortKey>) -> Result<Vec<SortKey>, TooLarge> {
        let mut sort = keys.to_vec();
        for key in &mut sort {
            key.expr = self.resolve(&key.expr)?;
        }
        let n_keys = sort.len();
        for key in earlier {
            if !sort[..n_keys].iter().any(|known| known.expr == key.expr) {
                sort.push(key);
            }
        }
        Ok(sort)
    }

    /// The keys and figures of a grouping, over the table's columns.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    #[inline(never)]
    pub fn grouping(
        &mut self,
        keys: &[Expr],
        aggregates: &[Aggregate],
    ) -> Result<(Vec<Expr>, Vec<Aggregate>), TooLarge> {
        let keys = keys.iter().map(|key| self.resolve(key)).collect::<Result<_, _>>()?;
        let mut aggregates = aggregates.to_vec();
        for column in aggregates.iter_mut().filter_map(|aggregate| aggregate.column.as_mut()) {
            *column = self.resolve(column)?;
        }
        Ok((keys, aggregates))
    }

    /// Goes on to rows that have these columns as well, or alone. Each is computed from the row before.
    ///
    /// # Errors
    /// As [`Scope::resolve`].
    #[inline(never)]
    pub fn add(&mut self, columns: &[NamedExpr], alone: bool) -> Result<(), TooLarge> {
        let mut added = columns.to_vec();
        for column in &mut added {
            column.expr = self.resolve(&column.expr)?;
        }
        if alone {
            self.columns = RowColumns { computed: Vec::new(), only_computed: true };
        }
        for column in added {
            match self.columns.computed.iter_mut().find(|known| known.name == column.name) {
                Some(known) => *known = column,
                None => self.columns.computed.push(column),
            }
        }
        Ok(())
    }
}
