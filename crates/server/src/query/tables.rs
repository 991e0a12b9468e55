//! The tables in memory, the room they share, and who goes when it is full.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::TableName;

use super::QueryError;
use super::held::HeldTable;

/// The tables in memory, by name.
pub(super) struct Tables {
    held: Mutex<Held>,
    max_bytes: usize,
}

#[derive(Default)]
struct Held {
    by_name: HashMap<TableName, Arc<HeldTable>>,
    /// Whether somebody looks for tables that are idle.
    is_swept: bool,
}

impl Tables {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { held: Mutex::default(), max_bytes }
    }

    /// The table of a name; if there is none, or only one that is spent, that which `make` makes. Says also whether
    /// nobody looks for idle tables yet, and that the caller does from now on.
    pub(super) fn hold(&self, name: &TableName, make: impl FnOnce() -> HeldTable) -> (Arc<HeldTable>, bool) {
        let mut held = self.lock();
        let starts_sweep = !std::mem::replace(&mut held.is_swept, true);
        if let Some(table) = held.by_name.get(name).filter(|table| !table.is_spent()) {
            return (Arc::clone(table), starts_sweep);
        }
        let table = Arc::new(make());
        held.by_name.insert(name.clone(), Arc::clone(&table));
        (table, starts_sweep)
    }

    /// Takes out the tables that nobody has used for so long. Says also whether none is left, and nobody has to look again
    /// before the next is held.
    pub(super) fn take_idle(&self, idle: Duration) -> (Vec<Arc<HeldTable>>, bool) {
        let mut held = self.lock();
        let is_due = |table: &Arc<HeldTable>| is_idle(table) && table.last_used().elapsed() >= idle;
        let taken = held.by_name.extract_if(|_, table| is_due(table)).map(|(_, table)| table).collect();
        held.is_swept = !held.by_name.is_empty();
        (taken, !held.is_swept)
    }

    /// Makes room for so many bytes more of a table, by letting go of what nobody uses.
    ///
    /// # Errors
    /// As [`Tables::no_room`].
    pub(super) fn make_room(&self, of: &HeldTable, n_bytes: usize) -> Result<(), QueryError> {
        let mut held = self.lock();
        while held.n_bytes().saturating_add(n_bytes) > self.max_bytes {
            if !held.let_go() {
                drop(held);
                return Err(self.no_room(of, n_bytes));
            }
        }
        Ok(())
    }

    /// Lets go of all that nobody uses.
    pub(super) fn make_all_room(&self) {
        let mut held = self.lock();
        while held.let_go() {}
    }

    /// How many bytes tables and views take.
    pub(super) fn n_bytes(&self) -> usize {
        self.lock().n_bytes()
    }

    /// How many bytes are free.
    pub(super) fn n_free_bytes(&self) -> usize {
        self.max_bytes.saturating_sub(self.lock().n_bytes())
    }

    /// Why there is no room for so many bytes more: the table alone would take too much, or others take it.
    pub(super) fn no_room(&self, of: &HeldTable, n_bytes: usize) -> QueryError {
        let all_bytes = self.lock().n_bytes();
        let own_bytes = of.n_bytes();
        if own_bytes >= all_bytes || own_bytes.saturating_add(n_bytes) > self.max_bytes {
            QueryError::TableTooLarge { table: of.name().clone(), max_bytes: self.max_bytes }
        } else {
            QueryError::MemoryFull
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Every change under this lock is a single insert or removal.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn n_bytes(&self) -> usize {
        self.by_name.values().map(|table| table.n_bytes()).sum()
    }

    /// Lets go of one thing that nobody uses: a view, which is soon made again, before a table, of the table first that was
    /// last used longest ago.
    fn let_go(&mut self) -> bool {
        let mut tables: Vec<&Arc<HeldTable>> = self.by_name.values().collect();
        tables.sort_by_key(|table| table.last_used());
        if tables.iter().any(|table| table.views().take_idle().is_some()) {
            return true;
        }
        let name = tables.into_iter().find(|table| is_idle(table)).map(|table| table.name().clone());
        name.is_some_and(|name| self.by_name.remove(&name).is_some())
    }
}

/// Whether nobody but the list has it; only the list gives it out.
fn is_idle(table: &Arc<HeldTable>) -> bool {
    Arc::strong_count(table) == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;

    fn hold(tables: &Tables, name: &str, n_bytes: usize) -> Arc<HeldTable> {
        let name = TableName::parse(name).expect("a name");
        let (table, _) = tables.hold(&name, || HeldTable::new(name.clone(), Hub::default().subscribe(&name)));
        table.set_bytes(n_bytes);
        table
    }

    fn names(tables: &Tables) -> Vec<String> {
        let mut names: Vec<String> = tables.lock().by_name.keys().map(|name| name.table().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn tables_in_use_stay_and_the_one_used_longest_ago_goes() {
        let tables = Tables::new(100);
        let used = hold(&tables, "used", 30);
        for name in ["old", "older"] {
            drop(hold(&tables, name, 30));
        }
        let new = hold(&tables, "new", 40);
        assert_eq!(tables.make_room(&new, 0), Ok(()));
        assert_eq!((names(&tables).join(" "), tables.n_free_bytes()), ("new older used".to_owned(), 0));
        assert_eq!(tables.make_room(&new, 30), Ok(()));
        assert_eq!(names(&tables), ["new", "used"]);
        assert_eq!(tables.make_room(&new, 31), Err(QueryError::MemoryFull));
        assert_eq!(tables.make_room(&new, 61).unwrap_err().code(), "table_too_large");
        drop(used);
        assert_eq!(tables.make_room(&new, 31), Ok(()));
    }

    #[test]
    fn a_table_that_nobody_uses_goes_after_a_while() {
        let tables = Tables::new(100);
        let used = hold(&tables, "used", 1);
        drop(hold(&tables, "idle", 1));
        assert!(tables.take_idle(Duration::from_secs(60)).0.is_empty());
        let (idle, is_last) = tables.take_idle(Duration::ZERO);
        assert_eq!((idle.len(), is_last, names(&tables).join(" ")), (1, false, "used".to_owned()));
        drop(used);
        let (idle, is_last) = tables.take_idle(Duration::ZERO);
        assert_eq!((idle.len(), is_last), (1, true));
        let name = TableName::parse("next").expect("a name");
        let make = || HeldTable::new(name.clone(), Hub::default().subscribe(&name));
        assert!(tables.hold(&name, make).1, "somebody has to look again");
    }
}
