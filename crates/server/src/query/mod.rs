//! Queries: views of whole tables, by the engine that the board runs in the browser.
//!
//! Tables are read from the journal when somebody asks about them and stay in memory while they are used
//! ([`held`]), within one budget ([`tables`]); views are shared by all who ask for the same ([`views`]). Knows nothing of
//! HTTP. Questions are answered on blocking threads.

mod answer;
mod error;
mod facts;
mod held;
mod question;
mod tables;
mod views;

use std::sync::Arc;
use std::time::Duration;

pub use error::QueryError;

pub(crate) use facts::FactsQuestion;
pub(crate) use held::{Answer, HeldTable, Shown};
pub(crate) use question::Question;

use self::tables::Tables;
use crate::config::Limits;
use crate::hub::Hub;
use crate::journal::{Journal, JournalError};
use model::TableName;

/// The longest and the shortest time between two looks for tables that nobody uses.
const MAX_SWEEP_INTERVAL: Duration = Duration::from_secs(10);
const MIN_SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// Answers questions about tables.
pub struct Queries {
    journal: Arc<dyn Journal>,
    hub: Arc<Hub>,
    tables: Tables,
    idle: Duration,
}

impl Queries {
    /// Tables of the journal, of which the hub tells news.
    #[must_use]
    pub fn new(journal: Arc<dyn Journal>, hub: Arc<Hub>, limits: &Limits) -> Self {
        let tables = Tables::new(limits.max_query_memory_bytes);
        Self { journal, hub, tables, idle: Duration::from_secs(limits.max_query_idle_seconds) }
    }

    /// How much memory tables and views take, in bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.tables.n_bytes()
    }

    /// A table that stays in memory while it is held, and for a time after. It need not exist yet.
    pub(crate) fn hold(self: &Arc<Self>, name: &TableName) -> Arc<HeldTable> {
        let (table, starts_sweep) = self.tables.hold(name, || HeldTable::new(name.clone(), self.hub.subscribe(name)));
        if starts_sweep {
            self.sweep();
        }
        table
    }

    /// Answers a question once.
    pub(crate) async fn ask(self: &Arc<Self>, question: Question) -> Result<Answer, QueryError> {
        let question = Arc::new(question);
        let mut answer = Ok(None);
        // What is in memory may have been deleted, or dropped on disk, since it was read. It is not held again.
        for _ in 0..2 {
            if self.journal.table(&question.table).is_none() {
                return Err(QueryError::UnknownTable(question.table.clone()));
            }
            let table = self.hold(&question.table);
            answer = self.look(&table, &question, None).await;
            let is_gone = |error: &JournalError| matches!(error.code(), "table_deleted" | "rows_dropped");
            if !matches!(&answer, Err(QueryError::Journal(error)) if is_gone(error)) {
                break;
            }
        }
        let answer = answer.map_err(|error| match error {
            QueryError::Journal(JournalError::TableDeleted) => QueryError::UnknownTable(question.table.clone()),
            QueryError::Journal(error @ JournalError::RowsDropped { .. }) => {
                JournalError::Store(error.to_string()).into()
            }
            error => error,
        })?;
        // Only what is known already has no answer.
        answer.ok_or_else(|| JournalError::Internal("no answer".to_owned()).into())
    }

    /// Tells what a column holds, as a JSON object.
    pub(crate) async fn facts(self: &Arc<Self>, question: FactsQuestion) -> Result<String, QueryError> {
        if self.journal.table(&question.table).is_none() {
            return Err(QueryError::UnknownTable(question.table));
        }
        let (queries, table) = (Arc::clone(self), self.hold(&question.table));
        blocking(&table, move |table| table.facts(&*queries.journal, &queries.tables, &question)).await
    }

    /// Answers a question about a table that is held, unless what is known shows the view as it is.
    pub(crate) async fn look(
        self: &Arc<Self>,
        table: &Arc<HeldTable>,
        question: &Arc<Question>,
        known: Option<Shown>,
    ) -> Result<Option<Answer>, QueryError> {
        let (queries, question) = (Arc::clone(self), Arc::clone(question));
        blocking(table, move |table| table.answer(&*queries.journal, &queries.tables, &question, known.as_ref())).await
    }

    /// Lets a view do what it has put off.
    pub(crate) async fn settle(&self, table: &Arc<HeldTable>, shown: Shown) -> Result<(), QueryError> {
        blocking(table, move |table| table.settle(&shown)).await
    }

    /// Lets go of tables that nobody uses any more, for as long as there is a table.
    fn sweep(self: &Arc<Self>) {
        let (queries, idle) = (Arc::downgrade(self), self.idle);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep((idle / 4).clamp(MIN_SWEEP_INTERVAL, MAX_SWEEP_INTERVAL)).await;
                let Some(queries) = queries.upgrade() else { return };
                let (tables, is_last) = queries.tables.take_idle(idle);
                for table in &tables {
                    tracing::debug!(table = %table.name(), n_bytes = table.n_bytes(), "a table nobody asks about goes");
                }
                // Much memory takes a while to give back.
                drop(tokio::task::spawn_blocking(move || drop(tables)));
                if is_last {
                    return;
                }
            }
        });
    }
}

/// Does something with a table when it is its turn, on a thread of its own.
async fn blocking<T: Send + 'static>(
    table: &Arc<HeldTable>,
    work: impl FnOnce(&HeldTable) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, QueryError> {
    let internal = |reason: String| QueryError::from(JournalError::Internal(reason));
    let table = Arc::clone(table);
    let turn = Arc::clone(&table.turns).acquire_owned().await.map_err(|error| internal(error.to_string()))?;
    let done = tokio::task::spawn_blocking(move || {
        let outcome = work(&table);
        drop(turn);
        outcome
    });
    done.await.unwrap_or_else(|error| Err(internal(error.to_string())))
}
