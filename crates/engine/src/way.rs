//! The way in which a sort key orders cells: its direction, where nulls stand, and how texts compare.

use std::cmp::Ordering;

use expr::{Locale, SortKey};

use crate::cell::Cell;
use crate::collate;

/// The way in which a sort key orders cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
    /// `None` orders texts by code point.
    pub(crate) locale: Option<Locale>,
}

impl Way {
    pub(crate) fn of(key: &SortKey) -> Self {
        Self { descending: key.descending, nulls_first: key.nulls_first, locale: key.locale }
    }

    /// Orders two cells, nulls first or last whatever the direction.
    pub(crate) fn compare(self, a: Cell<'_>, b: Cell<'_>) -> Ordering {
        let order = match (a, b, self.locale) {
            (Cell::Text(a), Cell::Text(b), Some(locale)) => collate::compare(a, b, locale),
            // Null is the greatest.
            _ => a.total_cmp(b),
        };
        let is_reversed = if a.is_null() || b.is_null() { self.nulls_first } else { self.descending };
        if is_reversed { order.reverse() } else { order }
    }
}
