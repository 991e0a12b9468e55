//! Places in streams: how far a journal that follows streams has come, kept in the transaction of the rows.
//!
//! A job with a place is written only when it comes right after the one before it in its stream. So whoever feeds the
//! journal may send ahead, and after a failure nothing that was sent behind it slips in.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::JournalError;

/// These stand beside the journal's own tables, and only in a journal that follows streams.
const DDL: &str = "
CREATE TABLE IF NOT EXISTS stream_places (
    stream INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS stream_lanes (
    stream INTEGER NOT NULL,
    lane BLOB NOT NULL,
    last_number INTEGER NOT NULL,
    PRIMARY KEY (stream, lane)
) STRICT, WITHOUT ROWID;
";

/// Where a message stands in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The stream's number.
    pub stream: u32,
    /// The stream's number for the message that was dealt with before; 0 before the first.
    pub after: u64,
    /// The stream's number for this message.
    pub seq: u64,
    /// When its rows came, in microseconds since 1970-01-01T00:00:00Z: the same on every node.
    pub received_micros: i64,
    /// A lane and its number for the message. What is not numbered by a writer is dropped when the number is not above
    /// the lane's last.
    pub lane: Option<([u8; 16], u64)>,
}

/// How far a transaction follows streams: the last message of each that is in it.
pub(super) type Ahead = HashMap<u32, u64>;

/// How far each stream was followed.
#[derive(Default)]
pub(super) struct Places {
    done: HashMap<u32, u64>,
}

impl Places {
    /// Reads the places of a journal; there are none in one that follows no stream.
    pub(super) fn load(conn: &Connection) -> rusqlite::Result<Self> {
        let exists = "SELECT count(*) FROM sqlite_schema WHERE name = 'stream_places'";
        if conn.query_row(exists, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(Self::default());
        }
        let mut statement = conn.prepare("SELECT stream, seq FROM stream_places")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(Self { done: rows.collect::<rusqlite::Result<_>>()? })
    }

    pub(super) fn of(&self, stream: u32) -> u64 {
        self.done.get(&stream).copied().unwrap_or(0)
    }

    /// Whether a message comes right after the last of its stream, those in `ahead` counted, and counts it there.
    pub(super) fn admit(&self, place: Option<&Place>, ahead: &mut Ahead) -> Result<(), JournalError> {
        let Some(place) = place else { return Ok(()) };
        let done = ahead.get(&place.stream).copied().unwrap_or_else(|| self.of(place.stream));
        if place.after != done || place.seq <= done {
            return Err(JournalError::OutOfPlace { stream: place.stream, done, after: place.after });
        }
        ahead.insert(place.stream, place.seq);
        Ok(())
    }

    /// Puts the places of a transaction into it.
    pub(super) fn store(tx: &Transaction<'_>, ahead: &Ahead) -> rusqlite::Result<()> {
        for (stream, seq) in ahead {
            tx.prepare_cached("INSERT OR REPLACE INTO stream_places (stream, seq) VALUES (?1, ?2)")?
                .execute(params![stream, *seq as i64])?;
        }
        Ok(())
    }

    /// Takes in the places of a transaction that was committed.
    pub(super) fn advance(&mut self, ahead: Ahead) {
        self.done.extend(ahead);
    }

    /// Moves the lane of a message on; says whether the number is above its last. What has no lane is always new.
    pub(super) fn advance_lane(tx: &Transaction<'_>, place: Option<&Place>) -> rusqlite::Result<bool> {
        let Some((place, (lane, number))) = place.and_then(|place| Some((place, place.lane?))) else {
            return Ok(true);
        };
        let last = tx
            .prepare_cached("SELECT last_number FROM stream_lanes WHERE stream = ?1 AND lane = ?2")?
            .query_row(params![place.stream, lane], |row| row.get::<_, i64>(0))
            .optional()?;
        if last.is_some_and(|last| last as u64 >= number) {
            return Ok(false);
        }
        tx.prepare_cached("INSERT OR REPLACE INTO stream_lanes (stream, lane, last_number) VALUES (?1, ?2, ?3)")?
            .execute(params![place.stream, lane, number as i64])?;
        Ok(true)
    }
}

/// Makes the tables of places in a journal that is to follow streams.
pub(super) fn create(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch(DDL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Append, Appended, Budget, Journal, JournalEvent, Retention, SqliteJournal};
    use clap::Parser;
    use model::{Row, TableName, Value};

    const LANE: [u8; 16] = [7; 16];

    struct Folder(std::path::PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            // What cannot be removed is left to the system's own cleaning.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn open(folder: &Folder) -> SqliteJournal {
        let limits = crate::Config::try_parse_from(["streamtable-server"]).expect("every flag has a default").limits;
        let (on_event, on_expired) = (Box::new(|_: JournalEvent<'_>| {}), Box::new(|_: &_, _| {}));
        SqliteJournal::open_following(&folder.0, &limits, Retention::default(), on_event, on_expired)
            .expect("the folder can be written")
    }

    fn append(journal: &SqliteJournal, n_rows: usize) -> Append {
        let row = |n| [("n", Value::Int(n as i64))].into_iter().collect::<Row>();
        let batches = vec![(0..n_rows).map(row).collect()];
        let reservation = Budget::new(1).reserve(1).expect("it is empty");
        assert!(journal.check().is_ok());
        Append { table: TableName::parse("t").expect("a name"), origin: None, batches, reservation }
    }

    fn place(stream: u32, after: u64, seq: u64, number: u64) -> Place {
        Place { stream, after, seq, received_micros: 1000 + seq as i64, lane: Some((LANE, number)) }
    }

    #[tokio::test]
    async fn only_what_comes_next_is_written() {
        let folder = Folder(std::env::temp_dir().join(format!("streamtable-place-{}", std::process::id())));
        let journal = open(&folder);
        let stored = |n_stored, first_offset| Ok(Appended { n_stored, n_duplicate: 0, first_offset });
        // Sent ahead without waiting, as a fold does.
        let first = journal.append_at(Some(append(&journal, 2)), place(1, 0, 4, 1));
        let passed_over = journal.append_at(None, place(1, 4, 5, 2));
        let left_out = journal.append_at(Some(append(&journal, 9)), place(1, 6, 7, 3));
        let behind_it = journal.append_at(Some(append(&journal, 9)), place(1, 7, 8, 4));
        let other_stream = journal.append_at(Some(append(&journal, 1)), place(2, 0, 1, 1));
        assert_eq!(first.await, stored(2, Some(0)));
        assert_eq!(passed_over.await, stored(0, None));
        let out_of_place = |after| Err(JournalError::OutOfPlace { stream: 1, done: 5, after });
        assert_eq!(left_out.await, out_of_place(6));
        assert_eq!(behind_it.await, out_of_place(7));
        assert_eq!(other_stream.await, stored(1, Some(2)), "a lane belongs to its stream");
        assert_eq!((journal.place_in(1), journal.place_in(2), journal.place_in(3)), (5, 1, 0));
        drop(journal);

        let journal = open(&folder);
        assert_eq!((journal.place_in(1), journal.place_in(2)), (5, 1), "the places are on disk");
        let again = journal.append_at(Some(append(&journal, 2)), place(1, 0, 4, 1));
        assert_eq!(again.await, Err(JournalError::OutOfPlace { stream: 1, done: 5, after: 0 }));
        // The same message, published twice: its lane knows.
        let repeated = journal.append_at(Some(append(&journal, 2)), place(1, 5, 6, 1));
        assert_eq!(repeated.await, Ok(Appended { n_stored: 0, n_duplicate: 2, first_offset: None }));
        let next = journal.append_at(Some(append(&journal, 1)), place(1, 6, 9, 2));
        assert_eq!(next.await, stored(1, Some(3)));
        let state = journal.table(&TableName::parse("t").expect("a name")).expect("it has rows");
        assert_eq!((state.next_offset, state.last_received_micros), (4, Some(1009)), "the time is the message's");
    }
}
