//! Rows that earlier runs left in the folder of an outbox: looks for them, at once and from time to time, and delivers
//! them in their writers' names.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{TableName, WriterId};
use tokio::sync::{Semaphore, watch};

use super::chance;
use super::driver::{Shared, blocking};
use super::http::Http;
use super::queue::Queue;
use super::spool::{Adopted, Head, Spool, writers};
use super::status::Notice;
use crate::error::DeliveryError;
use crate::options::Options;

/// How many writers' rows are sent at a time.
const MAX_ADOPTIONS: usize = 4;
/// Rows that could not be sent so many times in a row are let go of, for others to have their turn, and are found again.
const MAX_FAILURES: u32 = 4;
/// The least time from one look into the folder to the next; up to half of it comes on top, so that programs that
/// started together do not look together.
const LOOK_MILLIS: u64 = 8_000;

/// Delivers what earlier runs left, for as long as a table is open.
pub(crate) struct Keeper {
    folder: PathBuf,
    own: WriterId,
    table: TableName,
    options: Options,
    client: reqwest::Client,
    shared: Arc<Shared>,
    /// The writers whose rows are being sent, or wait for their turn.
    under_way: Mutex<BTreeSet<WriterId>>,
    told: Mutex<Vec<DeliveryError>>,
    turns: Semaphore,
    /// How many writers' rows may still be delivered soon; none before the first look.
    n_promising: watch::Sender<Option<usize>>,
}

impl Keeper {
    /// Gets ready to deliver what is in `folder`, beside the rows of the writer `own` of `table`.
    pub(crate) fn new(
        folder: PathBuf,
        own: WriterId,
        table: TableName,
        options: Options,
        client: reqwest::Client,
        shared: Arc<Shared>,
    ) -> Arc<Self> {
        Arc::new(Self {
            folder,
            own,
            table,
            options,
            client,
            shared,
            under_way: Mutex::default(),
            told: Mutex::default(),
            turns: Semaphore::new(MAX_ADOPTIONS),
            n_promising: watch::Sender::new(None),
        })
    }

    /// Looks for rows until it is dropped. What it found is delivered even then.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            self.look().await;
            let millis = LOOK_MILLIS + (chance::unit() * LOOK_MILLIS as f64 / 2.0) as u64;
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    /// Settles when what was found is delivered, as far as servers answer.
    pub(crate) async fn settled(&self) {
        // The sender lives as long as `self`.
        let _ = self.n_promising.subscribe().wait_for(|n| *n == Some(0)).await;
    }

    async fn look(self: &Arc<Self>) {
        let folder = self.folder.clone();
        // A folder that cannot be looked into now is looked into again.
        let found = blocking(move || writers(&folder)).await.and_then(Result::ok).unwrap_or_default();
        let new: Vec<WriterId> =
            found.into_iter().filter(|&writer| writer != self.own && lock(&self.under_way).insert(writer)).collect();
        self.n_promising.send_modify(|n| *n = Some(n.unwrap_or(0) + new.len()));
        for writer in new {
            let keeper = Arc::clone(self);
            tokio::spawn(async move {
                keeper.adopt(writer).await;
                lock(&keeper.under_way).remove(&writer);
            });
        }
    }

    async fn adopt(self: &Arc<Self>, writer: WriterId) {
        let promise = Promise(self);
        // Nobody closes it.
        let _turn = self.turns.acquire().await;
        let folder = self.folder.clone();
        match blocking(move || Spool::adopt(&folder, writer)).await {
            Some(Ok(Adopted::Rows(spool, head))) => self.deliver(writer, *spool, head, promise).await,
            Some(Ok(Adopted::Unreadable(error))) => self.tell_once(error),
            // A file that cannot be read now is read again; where that stays so, its rows stay.
            Some(Ok(Adopted::Nothing) | Err(_)) | None => {}
        }
    }

    async fn deliver(self: &Arc<Self>, writer: WriterId, spool: Spool, head: Head, promise: Promise<'_>) {
        let Ok(table) = TableName::parse(&head.table) else { return };
        let is_ours = table == self.table && head.server == self.options.server;
        // A key may have been changed for another since.
        let key = self.options.key.clone().filter(|_| is_ours).or(head.key);
        let options = Options { server: head.server, key, ..self.options.clone() };
        let timeout = Duration::from_millis(options.request_timeout_millis.into());
        let http = Http::new(self.client.clone(), &options.server, &table, timeout);
        let keeper = Arc::clone(self);
        let observer = move |notice| keeper.pass_on(notice, &table, is_ours);
        let shared = Shared::new(Queue::left_behind(writer, &options, spool), observer);
        shared.drive(&http, 1).await;
        drop(promise);
        shared.drive(&http, MAX_FAILURES).await;
    }

    /// Tells the table's own listeners what they may want to know of other runs' rows.
    fn pass_on(&self, notice: Notice, table: &TableName, is_ours: bool) {
        match notice {
            Notice::Acked(ack) => self.shared.with(|queue| {
                if is_ours {
                    queue.count_recovered(ack.n_stored);
                }
                queue.notify(Notice::Recovered { table: table.clone(), n_rows: ack.n_stored });
            }),
            Notice::Error(error) if !error.is_retried() => self.shared.with(|queue| queue.tell(error)),
            Notice::Error(_) | Notice::Recovered { .. } | Notice::Status => {}
        }
    }

    fn tell_once(&self, error: DeliveryError) {
        let mut told = lock(&self.told);
        if !told.contains(&error) {
            told.push(error.clone());
            self.shared.with(|queue| queue.tell(error));
        }
    }
}

/// Rows that may be delivered soon, while it is held.
struct Promise<'a>(&'a Keeper);

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.0.n_promising.send_modify(|n| *n = n.map(|n| n.saturating_sub(1)));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
