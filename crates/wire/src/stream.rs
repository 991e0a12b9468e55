//! The messages of a replicated stream: what changes a table, as every node reads it back.
//!
//! ```text
//! piece     "StJ", version 1, lane (16 bytes), number (u64), index (u16), count (u16), a piece of the body
//! body      kind, received (i64), table, what is of the kind
//! table     length (u16), text
//! 1 rows    origin, batches
//! 2 delete  nothing
//! 3 retain  0, or 1 and three limits, of age in seconds, rows, bytes: 0, or 1 and a number (u64)
//! 4 drop    when the table was made (i64), the first offset that stays (u64)
//! origin    0, or 1, writer (16 bytes), last seq (u64), n (u32) runs of seqs: first (u64), count (u32)
//! batches   n (u32), and for each its length (u32) and an Arrow frame
//! ```
//!
//! Numbers are little-endian. A body is cut into pieces of at most [`MAX_PIECE_BYTES`], each a message of the stream.

use std::ops::Range;

use model::{Batch, Offset, Seq, TableName, WriterId, system_column};

use crate::WireError;
use crate::arrow::{decode_frame, encode_frame};

/// The most bytes of a body that a message carries.
pub const MAX_PIECE_BYTES: usize = 512 << 10;
/// The most pieces of a body: what NATS takes in one atomic batch.
pub const MAX_PIECES: usize = 1000;

const MAGIC: [u8; 3] = *b"StJ";
const VERSION: u8 = 1;
const KIND_ROWS: u8 = 1;
const KIND_DELETE: u8 = 2;
const KIND_RETAIN: u8 = 3;
const KIND_DROP: u8 = 4;

/// Tells a message from all others. A lane's numbers ascend, and it has one message on its way at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// Who published it: random, and one of many that a node has.
    pub lane: [u8; 16],
    /// The lane's number for it, from 1.
    pub number: u64,
}

/// A piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// The message it belongs to.
    pub id: MessageId,
    /// Its place among the pieces, from 0.
    pub index: usize,
    /// How many pieces there are.
    pub n_pieces: usize,
    /// Its part of the body.
    pub bytes: &'a [u8],
}

/// What happens to a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// When it came to the server, in microseconds since 1970-01-01T00:00:00Z.
    pub received_micros: i64,
    /// The table.
    pub table: TableName,
    /// What it is.
    pub change: Change,
}

/// A change of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Rows come.
    Rows {
        /// Who numbered them, if anybody did.
        origin: Option<RowsOrigin>,
        /// The rows, at least one in each batch.
        batches: Vec<Batch>,
    },
    /// The table is deleted.
    Delete,
    /// It is said what is kept of the table: its age in seconds, its rows and its bytes at most; `None` leaves it to the
    /// servers.
    Retain(Option<[Option<u64>; 3]>),
    /// The oldest rows go.
    Drop {
        /// When the table was made that is meant, in microseconds since 1970-01-01T00:00:00Z.
        created_micros: i64,
        /// The first row that stays.
        first_offset: Offset,
    },
}

/// A writer's numbers for rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowsOrigin {
    /// The writer.
    pub writer: WriterId,
    /// A number for each row, ascending.
    pub seqs: Vec<Seq>,
    /// The highest number that is dealt with.
    pub last_seq: Seq,
}

/// Cuts a body into the messages that carry it.
///
/// # Panics
/// When the body is larger than [`MAX_PIECES`] pieces.
#[must_use]
pub fn cut(id: MessageId, body: &[u8]) -> Vec<Vec<u8>> {
    let pieces = body.chunks(MAX_PIECE_BYTES);
    let n_pieces = pieces.len();
    assert!(n_pieces <= MAX_PIECES, "a body has at most {MAX_PIECES} pieces");
    let message = |(index, bytes): (usize, &[u8])| {
        let mut out = Vec::with_capacity(32 + bytes.len());
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&id.lane);
        out.extend_from_slice(&id.number.to_le_bytes());
        out.extend_from_slice(&(index as u16).to_le_bytes());
        out.extend_from_slice(&(n_pieces as u16).to_le_bytes());
        out.extend_from_slice(bytes);
        out
    };
    pieces.enumerate().map(message).collect()
}

impl<'a> Piece<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`WireError::NewerMessage`] for one of a later version, [`WireError::Message`] for one that is none of ours.
    pub fn decode(message: &'a [u8]) -> Result<Self, WireError> {
        let mut bytes = Bytes(message);
        if bytes.array::<3>()? != MAGIC {
            return Err(bad("it does not start as one"));
        }
        match bytes.array::<1>()? {
            [VERSION] => {}
            [version] if version > VERSION => return Err(WireError::NewerMessage(version)),
            _ => return Err(bad("it has no version")),
        }
        let id = MessageId { lane: bytes.array()?, number: bytes.number()? };
        let (index, n_pieces) = (u16::from_le_bytes(bytes.array()?), u16::from_le_bytes(bytes.array()?));
        if index >= n_pieces {
            return Err(bad("it is a piece of nothing"));
        }
        Ok(Self { id, index: index.into(), n_pieces: n_pieces.into(), bytes: bytes.0 })
    }
}

impl Message {
    /// Writes a body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kind = match &self.change {
            Change::Rows { .. } => KIND_ROWS,
            Change::Delete => KIND_DELETE,
            Change::Retain(_) => KIND_RETAIN,
            Change::Drop { .. } => KIND_DROP,
        };
        let mut out = vec![kind];
        out.extend_from_slice(&self.received_micros.to_le_bytes());
        let table = self.table.to_string();
        // A name's three parts have 128 bytes each at most.
        out.extend_from_slice(&(table.len() as u16).to_le_bytes());
        out.extend_from_slice(table.as_bytes());
        match &self.change {
            Change::Rows { origin, batches } => encode_rows(origin.as_ref(), batches, &mut out),
            Change::Delete => {}
            Change::Retain(limits) => {
                out.push(limits.is_some().into());
                for limit in limits.iter().flatten() {
                    out.push(limit.is_some().into());
                    out.extend(limit.iter().flat_map(|limit| limit.to_le_bytes()));
                }
            }
            Change::Drop { created_micros, first_offset } => {
                out.extend_from_slice(&created_micros.to_le_bytes());
                out.extend_from_slice(&first_offset.to_le_bytes());
            }
        }
        out
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`WireError::NewerMessage`] for one of a kind that a later version made, else why it is none.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut bytes = Bytes(body);
        let [kind] = bytes.array()?;
        if !(KIND_ROWS..=KIND_DROP).contains(&kind) {
            return Err(WireError::NewerMessage(kind));
        }
        let received_micros = i64::from_le_bytes(bytes.array()?);
        let n_bytes = u16::from_le_bytes(bytes.array()?).into();
        let table = std::str::from_utf8(bytes.take(n_bytes)?).map_err(|error| WireError::Utf8(error.valid_up_to()))?;
        let table = TableName::parse(table)?;
        let change = match kind {
            KIND_ROWS => bytes.rows()?,
            KIND_DELETE => Change::Delete,
            KIND_RETAIN => Change::Retain(if bytes.flag()? {
                Some([bytes.limit()?, bytes.limit()?, bytes.limit()?])
            } else {
                None
            }),
            _ => Change::Drop { created_micros: i64::from_le_bytes(bytes.array()?), first_offset: bytes.number()? },
        };
        if !bytes.0.is_empty() {
            return Err(bad("it goes on after its end"));
        }
        Ok(Self { received_micros, table, change })
    }
}

fn encode_rows(origin: Option<&RowsOrigin>, batches: &[Batch], out: &mut Vec<u8>) {
    out.push(origin.is_some().into());
    if let Some(origin) = origin {
        out.extend_from_slice(origin.writer.as_bytes());
        out.extend_from_slice(&origin.last_seq.to_le_bytes());
        let runs: Vec<&[Seq]> = origin.seqs.chunk_by(|a, b| a.checked_add(1) == Some(*b)).collect();
        out.extend_from_slice(&length(runs.len()));
        for run in runs {
            out.extend_from_slice(&run[0].to_le_bytes());
            out.extend_from_slice(&length(run.len()));
        }
    }
    out.extend_from_slice(&length(batches.len()));
    for batch in batches {
        let frame = encode_frame(0, batch);
        out.extend_from_slice(&length(frame.len()));
        out.extend_from_slice(&frame);
    }
}

fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).expect("a body is smaller than 4 GiB").to_le_bytes()
}

fn bad(reason: &str) -> WireError {
    WireError::Message(reason.to_owned())
}

/// An origin as it is written.
struct RunsOrigin {
    writer: WriterId,
    runs: Vec<Range<Seq>>,
    last_seq: Seq,
}

impl RunsOrigin {
    /// Makes a number of each row. What is claimed is believed only where there are as many rows.
    fn number(self, n_rows: usize) -> Result<RowsOrigin, WireError> {
        let n_seqs = self.runs.iter().fold(0_u64, |sum, run| sum.saturating_add(run.end - run.start));
        if n_seqs != n_rows as u64 {
            return Err(bad("it has another number of seqs than of rows"));
        }
        Ok(RowsOrigin { writer: self.writer, seqs: self.runs.into_iter().flatten().collect(), last_seq: self.last_seq })
    }
}

/// What is not read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(|| bad("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(|| bad("it is cut short"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, WireError> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn flag(&mut self) -> Result<bool, WireError> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(bad("what is neither 0 nor 1 says neither no nor yes")),
        }
    }

    fn limit(&mut self) -> Result<Option<u64>, WireError> {
        Ok(if self.flag()? { Some(self.number()?) } else { None })
    }

    fn rows(&mut self) -> Result<Change, WireError> {
        let origin = if self.flag()? { Some(self.origin()?) } else { None };
        let n_batches = self.length()?;
        let batches = (0..n_batches).map(|_| self.batch()).collect::<Result<Vec<_>, _>>()?;
        let n_rows: usize = batches.iter().map(Batch::n_rows).sum();
        let origin = origin.map(|origin| origin.number(n_rows)).transpose()?;
        Ok(Change::Rows { origin, batches })
    }

    fn origin(&mut self) -> Result<RunsOrigin, WireError> {
        let writer = WriterId::from_bytes(self.array()?);
        let last_seq = self.number()?;
        let (mut runs, mut next) = (Vec::new(), 0);
        for _ in 0..self.length()? {
            let (first, n) = (self.number()?, self.length()? as u64);
            let end = first.checked_add(n).filter(|end| first >= next && *end <= last_seq.saturating_add(1));
            next = end.ok_or_else(|| bad("its seqs do not ascend to the last"))?;
            runs.push(first..next);
        }
        if i64::try_from(last_seq).is_err() {
            return Err(bad("its last seq is past 2^63"));
        }
        Ok(RunsOrigin { writer, runs, last_seq })
    }

    fn batch(&mut self) -> Result<Batch, WireError> {
        let n_bytes = self.length()?;
        let batch = decode_frame(self.take(n_bytes)?)?.batch;
        let is_system = |name: &str| {
            [system_column::WRITER, system_column::SEQ, system_column::OFFSET, system_column::RECEIVED].contains(&name)
        };
        match batch.columns().iter().find(|column| is_system(column.name())) {
            Some(column) => Err(bad(&format!("column {:?} is the system's", column.name()))),
            None if batch.n_rows() == 0 => Err(bad("it has a batch without rows")),
            None => Ok(batch),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Row, Value};
    use proptest::prelude::*;

    const ID: MessageId = MessageId { lane: [7; 16], number: 9 };

    fn rows(sizes: &[usize], seqs: Option<Vec<Seq>>, text: &str) -> Message {
        let row =
            |n: usize| [("n", Value::Int(n as i64)), ("t", Value::Text(text.into()))].into_iter().collect::<Row>();
        let batches = sizes.iter().map(|n_rows| (0..*n_rows).map(row).collect()).collect();
        let origin = seqs.map(|seqs| {
            let last_seq = seqs.last().copied().unwrap_or(0) + 3;
            RowsOrigin { writer: WriterId::from_bytes([3; 16]), seqs, last_seq }
        });
        message(Change::Rows { origin, batches })
    }

    fn message(change: Change) -> Message {
        Message { received_micros: -5, table: TableName::parse("e/p.q/t").unwrap(), change }
    }

    proptest! {
        #[test]
        fn a_body_reads_back(
            sizes in prop::collection::vec(1_usize..5, 0..4),
            gaps in prop::option::of(prop::collection::vec(1_u64..4, 20)),
        ) {
            let n_rows: usize = sizes.iter().sum();
            let seqs = gaps.map(|gaps| gaps.iter().scan(0, |seq, gap| { *seq += gap; Some(*seq) }).take(n_rows).collect());
            let rows = rows(&sizes, seqs, "x");
            prop_assert_eq!(Message::decode(&rows.encode()), Ok(rows));
        }

        #[test]
        fn damage_is_told_and_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut body = rows(&[3, 2], Some(vec![1, 2, 3, 7, 8]), "some text").encode();
            let at = at.index(body.len());
            if cut {
                body.truncate(at);
                prop_assert!(Message::decode(&body).is_err());
            } else {
                body[at] = byte;
                // Whatever it says now, it says it without a panic.
                let _ = Message::decode(&body);
            }
        }
    }

    #[test]
    fn other_changes_read_back() {
        for change in [
            Change::Delete,
            Change::Retain(None),
            Change::Retain(Some([Some(7), None, Some(u64::MAX)])),
            Change::Drop { created_micros: -1, first_offset: 9 },
        ] {
            let message = message(change);
            let body = message.encode();
            assert!(matches!(Message::decode(&body[..body.len() - 1]), Err(WireError::Message(_))));
            assert_eq!(Message::decode(&body), Ok(message));
        }
    }

    #[test]
    fn a_large_body_goes_in_pieces() {
        let body = rows(&[1], None, &"x".repeat(MAX_PIECE_BYTES * 2)).encode();
        let messages = cut(ID, &body);
        let pieces: Vec<Piece<'_>> = messages.iter().map(|message| Piece::decode(message).unwrap()).collect();
        let places: Vec<(usize, usize)> = pieces.iter().map(|piece| (piece.index, piece.n_pieces)).collect();
        assert_eq!(places, [(0, 3), (1, 3), (2, 3)]);
        assert!(pieces.iter().all(|piece| piece.id == ID));
        assert_eq!(pieces.iter().flat_map(|piece| piece.bytes).copied().collect::<Vec<_>>(), body);
    }

    #[test]
    fn what_is_of_a_later_version_is_told_from_what_is_none() {
        let mut message = cut(ID, b"x").remove(0);
        message[3] = VERSION + 1;
        assert_eq!(Piece::decode(&message), Err(WireError::NewerMessage(VERSION + 1)));
        message[0] = b'X';
        assert!(matches!(Piece::decode(&message), Err(WireError::Message(_))));
        assert!(matches!(Piece::decode(b"hello"), Err(WireError::Message(_))));
        assert_eq!(Message::decode(&[9, 0, 0]), Err(WireError::NewerMessage(9)));
    }

    #[test]
    fn a_body_that_no_node_would_write_is_refused() {
        let column = model::Column::new("_writer".to_owned(), model::Cells::Int(vec![1]), None);
        let sneaky = message(Change::Rows { origin: None, batches: vec![Batch::new(1, vec![column])] });
        assert!(matches!(Message::decode(&sneaky.encode()), Err(WireError::Message(_))));
        let backwards = rows(&[2], Some(vec![5, 4]), "x");
        assert!(matches!(Message::decode(&backwards.encode()), Err(WireError::Message(_))));
    }
}
