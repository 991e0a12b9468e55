//! The table that a Rust program logs to and reads from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::Stream;
use model::{LOCAL_ENTITY, Offset, Row, TIMESTAMP_COLUMN, TableName, Timestamp, Value, WriterId};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;

use super::chance;
use super::driver::Shared;
use super::http::Http;
use super::keeper::Keeper;
use super::queue::Queue;
use super::read::{RowsQuery, read};
use super::spool::{Head, Spool};
use super::status::{Notice, Status};
use super::tail::{TailEvent, follow};
use super::tls;
use crate::error::Error;
use crate::options::Options;

/// How many notices a listener may fall behind before it misses some.
const MAX_NOTICES: usize = 1_024;

/// A table that rows are streamed to.
///
/// ```no_run
/// # async fn example() -> Result<(), streamtable::Error> {
/// use streamtable::{Options, Row, StreamTable};
///
/// let options = Options { outbox: Some("outbox".into()), ..Options::default() };
/// let table = StreamTable::new("my_entity/my_project/my_table", options)?;
/// table.log(Row::from_iter([("loss", 0.25)]))?;
/// table.finish().await;
/// # Ok(())
/// # }
/// ```
///
/// With an [outbox](Options::outbox), a row is in a file when [`StreamTable::log`] returns, and is sent until the server has
/// dealt with it: by this program or, if that ends before, by the next that opens a table with the same folder. Without
/// one, rows wait in memory, and those not settled when the program ends are lost; end with [`StreamTable::finish`] then.
/// Dropping a table lets its rows go out as long as the runtime lives.
///
/// What is not promised: that a row outlives a loss of power, unless [`Options::durability`] asks for that; that it is kept
/// when the disk is full ([`Status::volatile`] counts such rows); that rows are in one order with those of other writers.
pub struct StreamTable {
    shared: Arc<Shared>,
    keeping: Option<(Arc<Keeper>, AbortHandle)>,
    client: reqwest::Client,
    options: Options,
    name: TableName,
    url: String,
    notices: broadcast::Sender<Notice>,
}

impl fmt::Debug for StreamTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTable").field("name", &self.name).field("status", &self.status()).finish_non_exhaustive()
    }
}

/// One row or several.
///
/// ```
/// use streamtable::{Row, Rows};
///
/// let one = Row::from_iter([("step", 1)]);
/// let rows: [Rows; 2] = [one.clone().into(), vec![one.clone(), one].into()];
/// ```
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
    /// Names a table and starts sending what will be logged, and what earlier runs left in the outbox.
    ///
    /// `name` is `table`, `project/table` or `entity/project/table`; parts that it lacks come from the options. A project
    /// that neither says is `default`; an entity, that of the key, or `local` where there is none.
    ///
    /// # Errors
    /// [`Error::Name`] when the name and the options' parts name no table. [`Error::Outbox`] when the outbox's folder cannot
    /// be made or written.
    ///
    /// # Panics
    /// Outside a tokio runtime, and where the system has no random numbers to give.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), streamtable::Error> {
    /// use streamtable::{Options, StreamTable};
    ///
    /// let options = Options { entity: Some("my_team".to_owned()), ..Options::default() };
    /// let table = StreamTable::new("training/loss", options)?;
    /// assert_eq!(table.name().to_string(), "my_team/training/loss");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(name: &str, options: Options) -> Result<Self, Error> {
        let own_entity = options.key.as_deref().and_then(wire::key::entity).unwrap_or(LOCAL_ENTITY);
        let name = TableName::from_parts(name, options.project.as_deref(), options.entity.as_deref(), own_entity)?;
        let writer = chance::new_writer();
        let spool = options.outbox.as_deref().map(|folder| open(folder, writer, &name, &options)).transpose()?;
        let (notices, _) = broadcast::channel(MAX_NOTICES);
        let sender = notices.clone();
        let shared = Shared::new(Queue::new(writer, &options, spool), move |notice| {
            // Nobody listening is no error.
            let _ = sender.send(notice);
        });
        let client = tls::client();
        let timeout = Duration::from_millis(options.request_timeout_millis.into());
        let http = Http::new(client.clone(), &options.server, &name, timeout);
        let driven = Arc::clone(&shared);
        tokio::spawn(async move { driven.drive(&http, u32::MAX).await });
        let keeping = options.outbox.clone().map(|folder| {
            let (options, client, shared) = (options.clone(), client.clone(), Arc::clone(&shared));
            let keeper = Keeper::new(folder, writer, name.clone(), options, client, shared);
            let looking = tokio::spawn(Arc::clone(&keeper).keep());
            (keeper, looking.abort_handle())
        });
        let board = options.board.as_ref().unwrap_or(&options.server).trim_end_matches('/');
        let url = format!("{board}/table/{name}");
        Ok(Self { shared, keeping, client, options, name, url, notices })
    }

    /// The table's full name.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), streamtable::Error> {
    /// # use streamtable::{Options, StreamTable};
    /// let table = StreamTable::new("loss", Options::default())?;
    /// assert_eq!(table.name().table(), "loss");
    /// assert_eq!(table.name().to_string(), "local/default/loss");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Where the board shows the table.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), streamtable::Error> {
    /// # use streamtable::{Options, StreamTable};
    /// let table = StreamTable::new("loss", Options::default())?;
    /// assert_eq!(table.url(), "http://127.0.0.1:7700/table/local/default/loss");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes a row, or rows in order, each with the time of this call unless it brings a `timestamp`. Says where the board
    /// shows the table.
    ///
    /// It waits for no network. With an outbox the rows are in a file when it returns, see [`Durability`](crate::Durability);
    /// rows that cannot be written wait in memory and are told by [`StreamTable::notices`] and [`StreamTable::status`], for
    /// they are on their way all the same.
    ///
    /// # Errors
    /// [`Error::Row`] of the first row that may not be stored: it and its like are left out, the others are taken.
    /// [`DeliveryError::QueueFull`](crate::DeliveryError::QueueFull) when some of the rows were dropped because too many
    /// wait, [`DeliveryError::Finished`](crate::DeliveryError::Finished) after [`StreamTable::finish`].
    ///
    /// ```no_run
    /// # fn example(table: streamtable::StreamTable) -> Result<(), streamtable::Error> {
    /// use streamtable::{Row, Value};
    ///
    /// table.log(Row::from_iter([("step", Value::Int(1)), ("note", Value::Text("warm-up".to_owned()))]))?;
    /// table.log((2..5).map(|step| Row::from_iter([("step", step)])).collect::<Vec<Row>>())?;
    /// # Ok(())
    /// # }
    /// ```
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
        let pushed = self.shared.with(|queue| queue.push(&lines));
        self.shared.wake();
        pushed?;
        refused.map_or(Ok(&self.url), |error| Err(error.into()))
    }

    /// Settles when the server has dealt with every row logged so far: each is stored, refused or dropped.
    ///
    /// ```no_run
    /// # async fn example(table: streamtable::StreamTable) -> Result<(), streamtable::Error> {
    /// # use streamtable::Row;
    /// table.log(Row::from_iter([("epoch", 1)]))?;
    /// table.flush().await;
    /// assert_eq!(table.status().queued, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Takes no more rows from now on, and settles when the server has dealt with those there are.
    ///
    /// Rows of earlier runs that were found in the outbox are waited for as well, for one request's time and as far as their
    /// servers answer, so that programs that run for a moment only do not leave them for ever.
    ///
    /// ```no_run
    /// # async fn example(table: streamtable::StreamTable) {
    /// # use std::time::Duration;
    /// // With an outbox it does no harm to give up waiting: the next run delivers what is left.
    /// let in_time = tokio::time::timeout(Duration::from_secs(5), table.finish()).await;
    /// if in_time.is_err() {
    ///     eprintln!("{} rows wait for the next run", table.status().queued);
    /// }
    /// # }
    /// ```
    pub async fn finish(&self) {
        self.shared.finish().await;
        if let Some((keeper, looking)) = &self.keeping {
            let timeout = Duration::from_millis(self.options.request_timeout_millis.into());
            // Those that are not delivered in time stay for the next run.
            let _ = tokio::time::timeout(timeout, keeper.settled()).await;
            looking.abort();
        }
    }

    /// How the rows logged so far are doing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), streamtable::Error> {
    /// # use streamtable::{Options, Row, State, Storage, StreamTable};
    /// let table = StreamTable::new("loss", Options::default())?;
    /// table.log(Row::from_iter([("loss", 0.25)]))?;
    /// let status = table.status();
    /// assert_eq!((status.state, status.queued), (State::Sending, 1));
    /// assert_eq!((status.storage, status.volatile), (Storage::Memory, 1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.with(|queue| queue.status())
    }

    /// What happens from now on: acks, errors, changes of the status. A listener who falls far behind misses some.
    ///
    /// ```no_run
    /// # async fn example(table: streamtable::StreamTable) {
    /// use streamtable::Notice;
    ///
    /// let mut notices = table.notices();
    /// tokio::spawn(async move {
    ///     while let Ok(notice) = notices.recv().await {
    ///         if let Notice::Error(error) = notice {
    ///             eprintln!("{}: {error}", error.code());
    ///         }
    ///     }
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Reads stored rows back, oldest first. A row has every column of the table, null where it has no cell.
    ///
    /// ```no_run
    /// # async fn example(table: streamtable::StreamTable) -> Result<(), streamtable::Error> {
    /// use futures::TryStreamExt;
    /// use streamtable::RowsQuery;
    ///
    /// let query = RowsQuery { filter: Some(r#"row["loss"] < 0.5"#.to_owned()), ..RowsQuery::default() };
    /// let mut rows = table.rows(query);
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{:?}", row.get("step"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn rows(&self, query: RowsQuery) -> impl Stream<Item = Result<Row, Error>> + Send + Unpin + use<> {
        Box::pin(read(&self.client, &self.options, &self.name, query))
    }

    /// Follows the rows from offset `from`, or from the end the table has once the connection stands.
    ///
    /// A lost connection is taken up again where it ended. The stream never ends by itself; dropping it closes it.
    ///
    /// ```no_run
    /// # async fn example(table: streamtable::StreamTable) {
    /// use futures::StreamExt;
    /// use streamtable::TailEvent;
    ///
    /// let mut tail = table.subscribe(Some(0));
    /// while let Some(event) = tail.next().await {
    ///     if let TailEvent::Batch(stored) = event {
    ///         println!("{} rows from offset {}", stored.batch.n_rows(), stored.first_offset);
    ///     }
    /// }
    /// # }
    /// ```
    pub fn subscribe(&self, from: Option<Offset>) -> impl Stream<Item = TailEvent> + Send + Unpin + use<> {
        follow(&self.options.server, self.options.key.as_deref(), &self.name, from)
    }
}

impl Drop for StreamTable {
    fn drop(&mut self) {
        if let Some((_, looking)) = &self.keeping {
            looking.abort();
        }
        self.shared.with(Queue::finish);
        self.shared.wake();
    }
}

fn open(folder: &Path, writer: WriterId, name: &TableName, options: &Options) -> Result<Spool, Error> {
    let head = Head {
        writer: writer.to_string(),
        table: name.to_string(),
        server: options.server.clone(),
        key: options.key.clone(),
    };
    Spool::create(folder, writer, &head, options.durability)
        .map_err(|error| Error::Outbox(format!("{}: {error}", folder.display())))
}

/// A clock before 1970 counts as 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
