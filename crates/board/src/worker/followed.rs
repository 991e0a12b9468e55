//! A table that is followed live: its rows, its connection and how fast it grows.

use engine::{SEGMENT_ROWS, Table};
use futures::StreamExt;
use model::{Offset, StoredBatch};
use streamtable::web::tail::{TailEvent, TailHandle, follow_table};
use wasm_bindgen_futures::spawn_local;

use super::TableKey;
use super::browser::{BrowserTail, follow_browser_table};
use crate::protocol::{Connection, Place};
use crate::state::rate::Rate;

/// A table and the link to where it lives. The link closes with it.
pub(super) struct Followed {
    pub(super) table: Table,
    /// Which table this is: grows when the rows were thrown away because the table was made anew.
    pub(super) generation: u64,
    pub(super) rate: Rate,
    connection: Connection,
    /// Where the table ended when the link was made, and what its rows took on the server's disk then, in bytes.
    next_offset_at_hello: Offset,
    stored_bytes: u64,
    /// What the whole table will take, by its first segment, in bytes; 0 until that is full.
    foreseen_bytes: u64,
    _link: Link,
}

/// What keeps rows coming for as long as it is held.
#[expect(dead_code, reason = "it is held, and dropped in the end")]
enum Link {
    Server(TailHandle),
    Browser(BrowserTail),
}

impl Followed {
    /// Follows the table from its first row on; `take` is given whatever comes, until the link closes.
    pub(super) fn start(key: &TableKey, take: impl Fn(TableKey, TailEvent) + 'static) -> Self {
        let link = match &key.place {
            Place::Server(base_url) => {
                let (mut events, handle) = follow_table(base_url, &key.name, Some(0));
                let key = key.clone();
                spawn_local(async move {
                    while let Some(event) = events.next().await {
                        take(key.clone(), event);
                    }
                });
                Link::Server(handle)
            }
            Place::Browser => {
                let of_event = key.clone();
                Link::Browser(follow_browser_table(&key.name, move |event| take(of_event.clone(), event)))
            }
        };
        Self {
            table: Table::new(),
            generation: 0,
            rate: Rate::default(),
            connection: Connection::Connecting,
            next_offset_at_hello: 0,
            stored_bytes: 0,
            foreseen_bytes: 0,
            _link: link,
        }
    }

    /// How the link stands.
    pub(super) fn connection(&self) -> Connection {
        match &self.connection {
            Connection::CatchingUp { n_rows } if self.table.next_offset() >= *n_rows => Connection::Live,
            connection => connection.clone(),
        }
    }

    /// Takes in what came over the link.
    pub(super) fn take(&mut self, event: TailEvent) {
        match event {
            TailEvent::Connecting => {
                // A link that is tried again stays as it is until the server answers.
                if !matches!(self.connection, Connection::Lost { .. } | Connection::Deleted) {
                    self.connection = Connection::Connecting;
                }
            }
            TailEvent::Hello { first_offset, next_offset, n_bytes, is_anew } => {
                let held = self.table.next_offset();
                let is_another = is_anew || next_offset < held;
                // What lies between what is held and what is there was dropped by the table's retention.
                if is_another || first_offset > held {
                    self.start_over(first_offset);
                } else {
                    self.table.drop_before(first_offset);
                }
                (self.next_offset_at_hello, self.stored_bytes) = (next_offset, n_bytes);
                self.connection = match next_offset {
                    0 if is_another => Connection::Deleted,
                    // The next hello says whether it is still so.
                    0 if matches!(self.connection, Connection::Deleted) => Connection::Deleted,
                    _ => Connection::CatchingUp { n_rows: next_offset },
                };
            }
            TailEvent::Batch(batch) => self.append(&batch),
            TailEvent::Dropped { first_offset } => drop(self.table.drop_before(first_offset)),
            TailEvent::Reconnecting { reason, code, .. } => self.connection = lost(reason, code.as_deref()),
        }
    }

    /// Lets go of the oldest rows until the table takes at most so many bytes. The newest stay, whatever they take.
    pub(super) fn make_room(&mut self, max_bytes: u64) {
        while self.table.memory_bytes() as u64 > max_bytes && self.table.n_rows() > SEGMENT_ROWS {
            let next = self.table.first_offset() + SEGMENT_ROWS as u64;
            self.table.drop_before(next);
        }
    }

    /// How many rows there are when all of them have come.
    pub(super) fn n_rows_in_all(&self) -> u64 {
        self.next_offset_at_hello.max(self.table.next_offset()) - self.table.first_offset()
    }

    /// What the whole table will take when all of it has come, going by what has, in bytes.
    pub(super) fn expected_bytes(&self) -> u64 {
        let (n_bytes, n_rows) = (self.table.memory_bytes() as f64, self.table.n_rows().max(1) as f64);
        (n_bytes / n_rows * self.n_rows_in_all() as f64) as u64
    }

    /// What the table is known to come to, in bytes: what it takes, or will by what its first segment takes.
    pub(super) fn foreseen_bytes(&self) -> u64 {
        self.foreseen_bytes.max(self.table.memory_bytes() as u64)
    }

    fn append(&mut self, batch: &StoredBatch) {
        match self.table.append(batch) {
            Ok(new) => {
                let is_new = batch.first_offset >= self.next_offset_at_hello;
                if self.foreseen_bytes == 0 && self.table.n_rows() >= SEGMENT_ROWS {
                    // The first rows may be larger than the others: the size on disk must allow for it, too.
                    let expected_bytes = self.expected_bytes();
                    self.foreseen_bytes = if self.stored_bytes > expected_bytes / 4 { expected_bytes } else { 1 };
                }
                if matches!(self.connection, Connection::Deleted) {
                    // It was made anew while it was waited for.
                    self.connection = Connection::Live;
                }
                if is_new {
                    self.rate.add(js_sys::Date::now(), new.end - new.start);
                }
            }
            Err(error) => self.connection = lost(error.to_string(), None),
        }
    }

    /// What is held goes: the table is another one, or has only rows that do not join it.
    fn start_over(&mut self, first_offset: Offset) {
        self.table = Table::starting_at(first_offset);
        self.rate = Rate::default();
        self.foreseen_bytes = 0;
        self.generation += 1;
    }
}

/// A link that is lost for this reason, of which the server's code is known where it says so.
pub(super) fn lost(reason: String, code: Option<&str>) -> Connection {
    Connection::Lost { reason, is_refused: code.is_some_and(wire::key::is_refusal) }
}
