//! The table that a Rust program logs to and reads from.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::Stream;
use model::{LOCAL_ENTITY, Offset, Row, TIMESTAMP_COLUMN, TableName, Timestamp, Value};
use tokio::sync::broadcast;

use super::ports::{Broadcast, Http, SystemRandom, TokioClock, new_writer};
use super::read::{RowsQuery, read};
use super::tail::{TailEvent, follow};
use crate::error::Error;
use crate::options::Options;
use crate::outbox::Memory;
use crate::ports::Notice;
use crate::stream_table::{Machine, Shared, Status, drive};

/// How many notices a listener may fall behind before it misses some.
const MAX_NOTICES: usize = 1_024;

/// A table that rows are streamed to.
///
/// Rows wait in memory: those not settled when the program ends are lost, so end with [`StreamTable::finish`]. Dropping
/// it lets the rows go out as long as the runtime lives.
///
/// ```no_run
/// # async fn example() -> Result<(), streamtable::Error> {
/// use streamtable::{Options, Row, StreamTable};
///
/// let table = StreamTable::new("my_entity/my_project/my_table", Options::default())?;
/// table.log(Row::from_iter([("loss", 0.25)]))?;
/// table.finish().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct StreamTable {
    shared: Arc<Shared<Memory>>,
    client: reqwest::Client,
    options: Options,
    name: TableName,
    url: String,
    notices: broadcast::Sender<Notice>,
}

/// One row or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows(Vec<Row>);

impl From<Row> for Rows {
    fn from(row: Row) -> Self {
        Self(vec![row])
    }
}

impl From<Vec<Row>> for Rows {
    fn from(rows: Vec<Row>) -> Self {
        Self(rows)
    }
}

impl StreamTable {
    /// Names a table and starts sending what will be logged.
    ///
    /// # Errors
    /// [`Error::Name`] when the name and the options' parts name no table.
    ///
    /// # Panics
    /// Outside a tokio runtime, and where the system has no random numbers to give.
    pub fn new(name: &str, options: Options) -> Result<Self, Error> {
        let name = TableName::from_parts(name, options.project.as_deref(), options.entity.as_deref(), LOCAL_ENTITY)?;
        let writer = new_writer().expect("every system that runs tokio has random numbers");
        let shared = Arc::new(Shared::new(Machine::new(writer, &options, Memory)));
        let client = reqwest::Client::new();
        let board = options.board.as_ref().unwrap_or(&options.server).trim_end_matches('/');
        let url = format!("{board}/table/{name}");
        let (notices, _) = broadcast::channel(MAX_NOTICES);
        let (driven, transport) = (Arc::clone(&shared), Http::new(client.clone(), &options, &name));
        let observer = Broadcast(notices.clone());
        tokio::spawn(async move {
            drive(&*driven, &transport, &TokioClock::start(), &SystemRandom, &observer).await;
        });
        Ok(Self { shared, client, options, name, url, notices })
    }

    /// The table's full name.
    #[must_use]
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Where the board shows the table.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Queues a row, or rows in order, each with the time of this call unless it brings a `timestamp`. Waits for nothing.
    ///
    /// # Errors
    /// [`Error::Row`] of the first row that may not be stored: it and its like are left out, the others are queued.
    /// [`DeliveryError::QueueFull`](crate::DeliveryError::QueueFull) when some were dropped,
    /// [`DeliveryError::Finished`](crate::DeliveryError::Finished) after [`StreamTable::finish`].
    pub fn log(&self, rows: impl Into<Rows>) -> Result<&str, Error> {
        let now = Value::Time(now());
        let (mut lines, mut refused) = (String::new(), None);
        for row in rows.into().0 {
            if let Err(error) = row.check() {
                refused = refused.or(Some(error));
                continue;
            }
            let stamp = row.get(TIMESTAMP_COLUMN).is_none().then_some((TIMESTAMP_COLUMN, &now));
            wire::json::encode_row(row.iter().chain(stamp), &mut lines);
            lines.push('\n');
        }
        let pushed = self.shared.with(|machine| machine.push(lines));
        self.shared.wake();
        pushed?;
        refused.map_or(Ok(&self.url), |error| Err(error.into()))
    }

    /// Settles when the server has dealt with every row logged so far.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Takes no more rows from now on, and settles when the server has dealt with those there are.
    pub async fn finish(&self) {
        self.shared.with(Machine::finish);
        self.shared.flush().await;
    }

    /// How the rows logged so far are doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.with(|machine| machine.status())
    }

    /// What happens from now on: acks, errors, changes of the status. A listener who falls far behind misses some.
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Reads stored rows back, oldest first. A row has every column of the table, null where it has no cell.
    pub fn rows(&self, query: RowsQuery) -> impl Stream<Item = Result<Row, Error>> + Send + use<> {
        read(&self.client, &self.options, &self.name, query)
    }

    /// Follows the rows from offset `from`, or from the end the table has once the connection stands.
    ///
    /// A lost connection is taken up again where it ended. The stream never ends by itself; dropping it closes it.
    pub fn subscribe(&self, from: Option<Offset>) -> impl Stream<Item = TailEvent> + Send + Unpin + use<> {
        follow(&self.options.server, &self.name, from)
    }
}

impl Drop for StreamTable {
    fn drop(&mut self) {
        self.shared.with(Machine::finish);
        self.shared.wake();
    }
}

/// A clock before 1970 counts as 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
