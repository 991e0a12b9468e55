//! The journal on NATS JetStream: many servers, one order of rows, no row on one machine only.
//!
//! ```text
//! append   -> parts -> publish (a quorum has it on disk) -> the stream of the table
//! stream   -> fold (each node, the stream's order) -> the local copy, an SqliteJournal -> the hub, and who waits
//! ```
//!
//! The streams are the truth. The local copy holds what this node folded, with the place in each stream in the same
//! transaction; it may be deleted, and is then made again. An append is answered when the stream has acknowledged it and
//! this node has folded it, for only the fold knows which of its rows were new, and where they are.

mod assemble;
mod connect;
mod fold;
mod options;
mod partition;
mod parts;
mod place;
mod publish;
mod setup;
mod waiting;

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::Stream;
use model::{Offset, TableName};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use wire::stream::{Change, Message};

use self::fold::Fold;
use self::partition::Partition;
use self::parts::Parts;
use self::publish::Publish;
use self::setup::{Setup, away};
use self::waiting::{Folded, Lanes, Outcome, Waiting};
use super::{
    Append, Appended, Budget, Frame, Journal, JournalError, JournalFuture, OnEvent, Reservation, Retention,
    SqliteJournal, TableState,
};
use crate::clock::now_micros;
use crate::config::Limits;

pub use options::EngineOptions;

/// How long the cluster may take to answer what is asked again if need be.
const API_TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of messages that may wait for the local copy.
const MAX_FOLD_BYTES: usize = 64 << 20;
/// An append larger than this is encoded off the request's thread.
const LARGE_APPEND_BYTES: usize = 128 << 10;
/// Tables of which rows are to be dropped that wait for it.
const MAX_EXPIRED: usize = 64;
/// How long a cluster that is starting is waited for at least.
const SETUP_TIME: Duration = Duration::from_secs(60);
/// At the start a fold that does not get on for so long is given up.
const MAX_STANDSTILL: Duration = Duration::from_secs(60);
/// Between two looks at how far the folds are.
const LOOK: Duration = Duration::from_millis(20);
/// Between two reports of it.
const REPORT: Duration = Duration::from_secs(5);

/// A journal in a JetStream cluster, with a local copy to read from.
pub struct JetStreamJournal {
    shared: Arc<Shared>,
    runtime: Handle,
    tasks: Mutex<Vec<AbortHandle>>,
}

struct Shared {
    client: Client,
    timeout: Duration,
    copy: Arc<SqliteJournal>,
    partitions: Vec<Arc<Partition>>,
    waiting: Arc<Waiting>,
    lanes: Lanes,
    budget: Budget,
}

impl JetStreamJournal {
    /// Connects, makes what the cluster lacks, and folds what this node has not seen: when it returns, every row that was
    /// acknowledged before can be read.
    ///
    /// `dir` gets the local copy, in a folder named by the cluster's id; `limits` bound the rows that wait, and the copy;
    /// `retention` is that of tables for which none was set, and should be the same on every server: the strictest counts.
    ///
    /// # Errors
    /// [`JournalError::Engine`] when the cluster does not answer in time, [`JournalError::EngineRefused`] when rows may not
    /// be trusted to it, and as [`SqliteJournal::open`].
    pub async fn open(
        dir: &Path,
        options: &EngineOptions,
        limits: &Limits,
        retention: Retention,
        on_event: OnEvent,
    ) -> Result<Self, JournalError> {
        let client = connect::connect(options, Instant::now() + options.timeout()).await?;
        // A cluster that answers may still be choosing its first leaders.
        let deadline = Instant::now() + options.timeout().max(SETUP_TIME);
        // Where a node died, who asks soon again hears first of the one that took its place.
        let context = ContextBuilder::new().timeout(API_TIMEOUT).build(client.clone());
        let Setup { cluster, n_replicas } = setup::setup(&context, options, deadline).await?;
        if dir.join("streamtable.db").exists() {
            tracing::warn!(dir = %dir.display(), "the rows that a server without --engine kept here are not served");
        }
        let (expired, to_drop) = mpsc::channel(MAX_EXPIRED);
        let on_expired = Box::new(move |table: &TableState, first_offset| {
            let (table, created_micros) = (table.name.clone(), table.created_micros);
            // Where there is no room it will be told again.
            let _ = expired.try_send(Expired { table, created_micros, first_offset });
        });
        let dir = dir.join(format!("cluster-{}", cluster.id));
        let copy = Arc::new(SqliteJournal::open_following(&dir, limits, retention, on_event, on_expired)?);
        let (waiting, fold_budget) = (Arc::new(Waiting::default()), Arc::new(Budget::new(MAX_FOLD_BYTES)));
        let (mut partitions, mut tasks, mut probed) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..cluster.partitions {
            let stream = context.get_stream_no_info(place::stream(number)).await.map_err(away)?;
            let end = end_of(&stream, deadline).await?;
            let partition = Arc::new(Partition::new(number, copy.place_in(number), end));
            probed.push((Arc::clone(&partition), stream.clone()));
            partitions.push(Arc::clone(&partition));
            let (copy, waiting, budget) = (Arc::clone(&copy), Arc::clone(&waiting), Arc::clone(&fold_budget));
            let fold = Fold::new(partition, cluster.partitions, stream, copy, waiting, budget);
            tasks.push(tokio::spawn(fold.run()).abort_handle());
        }
        tasks.push(tokio::spawn(partition::probe(client.clone(), probed)).abort_handle());
        let (timeout, lanes, budget) = (options.timeout(), Lanes::default(), Budget::new(limits.max_queue_bytes));
        let shared = Shared { client, timeout, copy, partitions, waiting, lanes, budget };
        let shared = Arc::new(shared);
        tasks.push(tokio::spawn(drop_expired(Arc::clone(&shared), to_drop)).abort_handle());
        let journal = Self { shared, runtime: Handle::current(), tasks: Mutex::new(tasks) };
        journal.catch_up().await?;
        tracing::info!(id = cluster.id, partitions = cluster.partitions, n_replicas, "the engine is there");
        Ok(journal)
    }

    /// Starts something that goes on if nobody waits for it.
    fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, JournalError>> + Send + 'static,
    ) -> JournalFuture<T> {
        let task = self.runtime.spawn(work);
        Box::pin(async move { task.await.unwrap_or(Err(JournalError::Closed)) })
    }

    /// Waits until what the streams held at the start is folded.
    async fn catch_up(&self) -> Result<(), JournalError> {
        let behind = || self.shared.partitions.iter().map(|partition| partition.behind()).sum::<u64>();
        let (mut least, mut since, mut told) = (behind(), Instant::now(), Instant::now());
        loop {
            let left = behind();
            if left == 0 {
                return Ok(());
            }
            if left < least {
                (least, since) = (left, Instant::now());
            }
            if since.elapsed() > MAX_STANDSTILL {
                self.check()?;
                return Err(JournalError::Engine(format!("{left} messages cannot be folded")));
            }
            if told.elapsed() > REPORT {
                tracing::info!(n_messages = left, "folding what this node has not seen");
                told = Instant::now();
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// The number of the last message that the stream holds.
async fn end_of(stream: &Stream<()>, deadline: Instant) -> Result<u64, JournalError> {
    loop {
        match stream.get_info().await {
            Ok(info) => return Ok(info.state.last_sequence),
            Err(error) if Instant::now() > deadline => return Err(JournalError::Engine(error.to_string())),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Rows that are beyond their table's retention.
struct Expired {
    table: TableName,
    created_micros: i64,
    /// The first that stays.
    first_offset: Offset,
}

/// Has the streams say what is to be dropped. Several servers may say the same, and the first is heeded.
async fn drop_expired(shared: Arc<Shared>, mut expired: mpsc::Receiver<Expired>) {
    while let Some(Expired { table, created_micros, first_offset }) = expired.recv().await {
        let is_due = |now: &Arc<TableState>| now.created_micros == created_micros && now.first_offset < first_offset;
        if shared.copy.table(&table).as_ref().is_some_and(is_due) {
            let dropped = shared.change(table, Change::Drop { created_micros, first_offset }).await;
            if let Err(error) = dropped {
                tracing::warn!(%error, "rows that retention drops stay for now");
            }
        }
    }
}

impl Shared {
    /// Changes a table otherwise than by rows.
    async fn change(&self, table: TableName, change: Change) -> Result<bool, JournalError> {
        let deadline = Instant::now() + self.timeout;
        let partition = place::partition(&table, self.partitions.len() as u32);
        let subject = place::subject(&table, partition);
        let body = Message { received_micros: now_micros(), table, change }.encode();
        match self.fold_body(partition, subject, body, deadline).await? {
            Folded::Other(done) => Ok(done),
            Folded::Rows(_) => Err(JournalError::Internal("it was taken for rows".to_owned())),
        }
    }

    async fn append(&self, append: Append) -> Result<Appended, JournalError> {
        let deadline = Instant::now() + self.timeout;
        let partition = place::partition(&append.table, self.partitions.len() as u32);
        let subject = place::subject(&append.table, partition);
        let is_large = append.reservation.n_bytes() > LARGE_APPEND_BYTES;
        let mut parts = Parts::new(append, now_micros());
        let mut sum = Appended { n_stored: 0, n_duplicate: 0, first_offset: None };
        loop {
            let part;
            (parts, part) = next_part(parts, is_large).await?;
            let Some(body) = part else { return Ok(sum) };
            let Folded::Rows(appended) = self.fold_body(partition, subject.clone(), body, deadline).await? else {
                return Err(JournalError::Internal("its rows were not taken for rows".to_owned()));
            };
            sum.n_stored += appended.n_stored;
            sum.n_duplicate += appended.n_duplicate;
            sum.first_offset = sum.first_offset.or(appended.first_offset);
        }
    }

    /// Publishes a body and waits until it was folded here.
    async fn fold_body(&self, partition: u32, subject: String, body: Vec<u8>, deadline: Instant) -> Outcome {
        let id = self.lanes.take()?;
        let mut wait = self.waiting.wait(id);
        Publish { partition, subject, id, body }.run(&self.client, deadline).await?;
        let outcome = tokio::time::timeout_at(deadline, wait.outcome()).await;
        let outcome = outcome.map_err(|_| JournalError::Engine("this node has not seen the rows yet".to_owned()))?;
        if outcome.is_ok() {
            self.lanes.give_back(id);
        }
        outcome
    }
}

async fn next_part(mut parts: Parts, is_large: bool) -> Result<(Parts, Option<Vec<u8>>), JournalError> {
    let next = move || {
        let part = parts.next();
        (parts, part)
    };
    if !is_large {
        return Ok(next());
    }
    tokio::task::spawn_blocking(next).await.map_err(|error| JournalError::Internal(error.to_string()))
}

impl Journal for JetStreamJournal {
    fn reserve(&self, n_bytes: usize) -> Result<Reservation, JournalError> {
        self.shared.copy.check()?;
        self.shared.budget.reserve(n_bytes).ok_or(JournalError::Overloaded)
    }

    fn append(&self, append: Append) -> JournalFuture<Appended> {
        let shared = Arc::clone(&self.shared);
        self.start(async move { shared.append(append).await })
    }

    fn read(&self, table: &TableName, range: Range<Offset>, max_bytes: usize) -> Result<Vec<Frame>, JournalError> {
        self.shared.copy.read(table, range, max_bytes)
    }

    fn tables(&self) -> Vec<Arc<TableState>> {
        self.shared.copy.tables()
    }

    fn table(&self, name: &TableName) -> Option<Arc<TableState>> {
        self.shared.copy.table(name)
    }

    fn delete(&self, table: &TableName) -> JournalFuture<bool> {
        let (shared, table) = (Arc::clone(&self.shared), table.clone());
        self.start(async move { shared.change(table, Change::Delete).await })
    }

    fn set_retention(&self, table: &TableName, retention: Option<Retention>) -> JournalFuture<bool> {
        let (shared, table) = (Arc::clone(&self.shared), table.clone());
        let limits = retention.map(|kept| [kept.max_age_seconds, kept.max_rows, kept.max_bytes]);
        self.start(async move { shared.change(table, Change::Retain(limits)).await })
    }

    fn default_retention(&self) -> Retention {
        self.shared.copy.default_retention()
    }

    /// Also fails while the cluster, or a stream of it, is away: a proxy may then ask another server.
    fn check(&self) -> Result<(), JournalError> {
        self.shared.copy.check()?;
        if !connect::is_connected(&self.shared.client) {
            return Err(JournalError::Engine("no node of the cluster can be reached".to_owned()));
        }
        self.shared.partitions.iter().try_for_each(|partition| partition.check())
    }

    fn close(&self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.shared.copy.close();
    }
}

impl Drop for JetStreamJournal {
    fn drop(&mut self) {
        self.close();
    }
}
