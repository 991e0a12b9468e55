//! The views of one table, by what they show: shared by all who ask for the same, kept for a while after.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{EngineError, Table, View, ViewSpec};
use model::Timestamp;

/// How many views that nobody uses are kept of a table.
const MAX_IDLE: usize = 8;

/// A view that several may use, one at a time.
pub(crate) struct SharedView {
    spec: ViewSpec,
    n_bytes: AtomicUsize,
    /// How often the view was made: anew after a failure.
    n_made: AtomicUsize,
    /// `None` until somebody has made it.
    view: Mutex<Option<View>>,
}

impl SharedView {
    /// What the view shows.
    pub(super) fn spec(&self) -> &ViewSpec {
        &self.spec
    }

    /// The view, for whoever asked first to make.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<View>> {
        self.view.lock().unwrap_or_else(|poisoned| {
            // Whatever broke off in the middle of a change left a view that is good for nothing.
            self.view.clear_poison();
            let mut view = poisoned.into_inner();
            *view = None;
            view
        })
    }

    /// A view of the table, whose groups take at most so many bytes.
    pub(super) fn make(&self, table: &Table, now: Timestamp, max_bytes: usize) -> Result<View, EngineError> {
        self.n_made.fetch_add(1, Ordering::Relaxed);
        View::new_within(table, self.spec.clone(), now, max_bytes)
    }

    /// How often the view was made.
    pub(super) fn n_made(&self) -> usize {
        self.n_made.load(Ordering::Relaxed)
    }

    /// Says what the view takes.
    pub(super) fn set_bytes(&self, n_bytes: usize) {
        self.n_bytes.store(n_bytes, Ordering::Relaxed);
    }

    /// What the view was last said to take.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes.load(Ordering::Relaxed)
    }
}

/// The views of a table, the last used last.
#[derive(Default)]
pub(super) struct Views(Mutex<Vec<Arc<SharedView>>>);

impl Views {
    /// The view of a spec, which the first to ask for it has to make.
    pub(super) fn of(&self, spec: &ViewSpec) -> Arc<SharedView> {
        let mut views = self.lock();
        let found = views.iter().position(|view| view.spec == *spec).map(|idx| views.remove(idx));
        let view = found.unwrap_or_else(|| {
            let (n_bytes, n_made, view) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(None));
            Arc::new(SharedView { spec: spec.clone(), n_bytes, n_made, view })
        });
        views.push(Arc::clone(&view));
        while views.iter().filter(|view| is_idle(view)).count() > MAX_IDLE {
            take_idle(&mut views);
        }
        view
    }

    /// What all views take.
    pub(super) fn n_bytes(&self) -> usize {
        self.lock().iter().map(|view| view.n_bytes()).sum()
    }

    /// Takes out the view that nobody has used for longest.
    pub(super) fn take_idle(&self) -> Option<Arc<SharedView>> {
        take_idle(&mut self.lock())
    }

    /// Forgets every view.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SharedView>>> {
        // Every change under this lock is a single push or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nobody but the list has it; only the list gives it out.
fn is_idle(view: &Arc<SharedView>) -> bool {
    Arc::strong_count(view) == 1
}

fn take_idle(views: &mut Vec<Arc<SharedView>>) -> Option<Arc<SharedView>> {
    let idx = views.iter().position(is_idle)?;
    Some(views.remove(idx))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expr::SortKey;

    fn spec(column: &str) -> ViewSpec {
        ViewSpec { sort: vec![SortKey::column(column, false)], ..ViewSpec::default() }
    }

    #[test]
    fn a_view_in_use_is_never_taken_and_few_others_are_kept() {
        let views = Views::default();
        let used = views.of(&spec("a"));
        assert!(Arc::ptr_eq(&used, &views.of(&spec("a"))), "the same is shared");
        used.set_bytes(5);
        for idx in 0..20 {
            views.of(&spec(&format!("b{idx}"))).set_bytes(1);
        }
        assert_eq!(views.n_bytes(), 5 + MAX_IDLE + 1, "those before the last ones were forgotten");
        while let Some(view) = views.take_idle() {
            assert!(!Arc::ptr_eq(&used, &view));
        }
        assert_eq!(views.n_bytes(), 5);
        drop(used);
        assert!(views.take_idle().is_some());
    }
}
