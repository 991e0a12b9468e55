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
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::fold::Fold;
use self::partition::Partition;
use self::parts::Parts;
use self::publish::Publish;
use self::setup::{Setup, away};
use self::waiting::{Lanes, Waiting};
use super::{
    Append, AppendFuture, Appended, Budget, Frame, Journal, JournalError, OnCommit, Reservation, SqliteJournal,
    TableState,
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
/// At the start a fold that does not get on for so long is given up.
const MAX_STANDSTILL: Duration = Duration::from_secs(60);
/// Between two looks at how far the folds are.
const LOOK: Duration = Duration::from_millis(20);
/// Between two reports of it.
const REPORT: Duration = Duration::from_secs(5);

/// A journal in a JetStream cluster, with a local copy to read from.
pub struct JetStreamJournal {
    shared: Arc<Shared>,
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
    /// `dir` gets the local copy, in a folder named by the cluster's id; `limits` bound the rows that wait, and the copy.
    ///
    /// # Errors
    /// [`JournalError::Engine`] when the cluster does not answer in time, [`JournalError::EngineRefused`] when rows may not
    /// be trusted to it, and as [`SqliteJournal::open`].
    pub async fn open(
        dir: &Path,
        options: &EngineOptions,
        limits: &Limits,
        on_commit: OnCommit,
    ) -> Result<Self, JournalError> {
        let deadline = Instant::now() + options.timeout();
        let client = connect::connect(options, deadline).await?;
        // Where a node died, who asks soon again hears first of the one that took its place.
        let context = ContextBuilder::new().timeout(API_TIMEOUT).build(client.clone());
        let Setup { cluster, n_replicas } = setup::setup(&context, options, deadline).await?;
        if dir.join("streamtable.db").exists() {
            tracing::warn!(dir = %dir.display(), "the rows that a server without --engine kept here are not served");
        }
        let copy = SqliteJournal::open_following(&dir.join(format!("cluster-{}", cluster.id)), limits, on_commit)?;
        let copy = Arc::new(copy);
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
        let journal = Self { shared: Arc::new(shared), tasks: Mutex::new(tasks) };
        journal.catch_up().await?;
        tracing::info!(id = cluster.id, partitions = cluster.partitions, n_replicas, "the engine is there");
        Ok(journal)
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

impl Shared {
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
            let appended = self.append_part(partition, subject.clone(), body, deadline).await?;
            sum.n_stored += appended.n_stored;
            sum.n_duplicate += appended.n_duplicate;
            sum.first_offset = sum.first_offset.or(appended.first_offset);
        }
    }

    async fn append_part(
        &self,
        partition: u32,
        subject: String,
        body: Vec<u8>,
        deadline: Instant,
    ) -> Result<Appended, JournalError> {
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
        self.shared.budget.reserve(n_bytes).ok_or(JournalError::Overloaded)
    }

    fn append(&self, append: Append) -> AppendFuture {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.append(append).await })
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
