//! The values of an expression, segment by segment: a column's cells where they stand, anything else evaluated.

use expr::Expr;

use crate::cell::Cell;
use crate::column::{Cells, Chunk};
use crate::segment::SEGMENT_ROWS;
use crate::table::{Source, Table, TableRow};

/// The values of an expression within one segment.
pub(crate) enum CellsOf<'a> {
    Chunk(&'a Chunk),
    Null,
    Computed { expr: &'a Expr, table: &'a Table, sources: Vec<(&'a str, Source)>, first: usize },
}

impl<'a> CellsOf<'a> {
    pub(crate) fn new(expr: &'a Expr, table: &'a Table, segment_idx: usize) -> Self {
        if let Expr::Column(name) = expr {
            match table.source(name) {
                Source::Offset => {}
                source => return table.chunk(source, segment_idx).map_or(CellsOf::Null, CellsOf::Chunk),
            }
        }
        let sources = expr.columns().into_iter().map(|name| (name, table.source(name))).collect();
        CellsOf::Computed { expr, table, sources, first: segment_idx * SEGMENT_ROWS }
    }

    /// The cells, where all are floats and none is null.
    pub(crate) fn floats(&self) -> Option<&'a [f64]> {
        match self {
            CellsOf::Chunk(Chunk { cells: Cells::Float(floats), validity: None, .. }) => Some(floats),
            _ => None,
        }
    }

    pub(crate) fn with<T>(&self, idx: usize, see: impl FnOnce(Cell<'_>) -> T) -> T {
        match self {
            CellsOf::Chunk(chunk) => see(chunk.cell(idx)),
            CellsOf::Null => see(Cell::Null),
            CellsOf::Computed { expr, table, sources, first } => {
                see(Cell::from(&expr.eval(&TableRow { table, sources, row: (first + idx) as u32 })))
            }
        }
    }
}
