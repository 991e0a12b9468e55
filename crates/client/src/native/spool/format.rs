//! The bytes of a segment, a file of an outbox: a head that says whose rows they are, then records. Numbers are
//! little-endian.
//!
//! | part | bytes | holds |
//! | --- | --- | --- |
//! | head | 8 | `STOUTBOX` |
//! | | 1 | version, now 1 |
//! | | 4 | length of the text below |
//! | | 4 | CRC-32 of the text |
//! | | 4 | CRC-32 of the 17 bytes so far |
//! | | | the text: [`Head`] as JSON |
//! | record | 4 | length of the lines |
//! | | 4 | how many rows |
//! | | 8 | the first row's number |
//! | | 4 | CRC-32 of the lines |
//! | | 4 | CRC-32 of the 20 bytes so far |
//! | | | the lines: a JSON object each, with its line end |
//!
//! Whoever is stopped in the middle of writing leaves the start of a record, which the second checksum tells from damage:
//! a record whose start is sound and whose end is missing was never whole.

use model::WriterId;
use serde::{Deserialize, Serialize};

use crate::native::rows::{Chunk, count};

const MAGIC: [u8; 8] = *b"STOUTBOX";
/// The version that this code writes.
const VERSION: u8 = 1;
/// The bytes before a head's text, and before a record's lines.
const HEAD_BYTES: usize = 21;
pub(crate) const RECORD_BYTES: usize = 24;

/// Whose rows a segment holds, and where they go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The writer, as text.
    pub(crate) writer: String,
    /// The table's full name.
    pub(crate) table: String,
    /// The server's origin.
    pub(crate) server: String,
    /// The key that allows writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// Why bytes do not read as what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The end is missing: whoever wrote was stopped, and has not said that it was written.
    Torn,
    /// They are not what was written. The next record starts after so many bytes, where that can be known.
    Damaged(Option<usize>),
    /// A newer program wrote them.
    Newer(u8),
}

impl Head {
    /// Appends the head to `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let text = serde_json::to_vec(self).expect("texts can be written as JSON");
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&text).to_le_bytes());
        let checksum = crc32fast::hash(&out[start..]);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&text);
    }

    /// Reads the head at the start of a segment; says how long it is.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, usize), Fault> {
        if bytes.len() < HEAD_BYTES {
            return Err(Fault::Torn);
        }
        if bytes[..8] != MAGIC {
            return Err(Fault::Damaged(None));
        }
        if bytes[8] != VERSION {
            return Err(Fault::Newer(bytes[8]));
        }
        if crc32fast::hash(&bytes[..17]) != number(bytes, 17) {
            return Err(Fault::Damaged(None));
        }
        let end = HEAD_BYTES + number(bytes, 9) as usize;
        let text = bytes.get(HEAD_BYTES..end).ok_or(Fault::Torn)?;
        if crc32fast::hash(text) != number(bytes, 13) {
            return Err(Fault::Damaged(None));
        }
        let head: Self = serde_json::from_slice(text).map_err(|_| Fault::Damaged(None))?;
        Ok((head, end))
    }

    /// The writer.
    pub(crate) fn writer(&self) -> Option<WriterId> {
        self.writer.parse().ok()
    }
}

/// Appends a record to `out`.
pub(crate) fn encode_record(chunk: &Chunk, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&(chunk.lines.len() as u32).to_le_bytes());
    out.extend_from_slice(&(chunk.n_rows as u32).to_le_bytes());
    out.extend_from_slice(&chunk.first_seq.to_le_bytes());
    out.extend_from_slice(&crc32fast::hash(chunk.lines.as_bytes()).to_le_bytes());
    let checksum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(chunk.lines.as_bytes());
}

/// How long the record is that starts with these bytes, where they are enough to tell.
pub(crate) fn record_bytes(bytes: &[u8]) -> Option<usize> {
    let is_sound = bytes.len() >= RECORD_BYTES && crc32fast::hash(&bytes[..20]) == number(bytes, 20);
    is_sound.then(|| RECORD_BYTES + number(bytes, 0) as usize)
}

/// Reads the record that starts with these bytes; says how long it is.
pub(crate) fn decode_record(bytes: &[u8]) -> Result<(Chunk, usize), Fault> {
    if bytes.len() < RECORD_BYTES {
        return Err(Fault::Torn);
    }
    let end = record_bytes(bytes).ok_or(Fault::Damaged(None))?;
    let lines = bytes.get(RECORD_BYTES..end).ok_or(Fault::Torn)?;
    let damaged = Fault::Damaged(Some(end));
    if crc32fast::hash(lines) != number(bytes, 16) {
        return Err(damaged);
    }
    let lines = String::from_utf8(lines.to_vec()).map_err(|_| damaged.clone())?;
    let mut first_seq = [0; 8];
    first_seq.copy_from_slice(&bytes[8..16]);
    let chunk = Chunk { first_seq: u64::from_le_bytes(first_seq), n_rows: number(bytes, 4).into(), lines };
    let is_whole = chunk.first_seq > 0 && chunk.n_rows > 0 && chunk.n_rows == count(&chunk.lines);
    if is_whole { Ok((chunk, end)) } else { Err(damaged) }
}

/// The number at `at`.
fn number(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn head() -> Head {
        Head {
            writer: WriterId::from_bytes([7; 16]).to_string(),
            table: "e/p/t".to_owned(),
            server: "http://127.0.0.1:7700".to_owned(),
            key: Some("st_\"key".to_owned()),
        }
    }

    #[test]
    fn a_head_reads_back_and_no_part_of_it_does() {
        let mut bytes = Vec::new();
        head().encode(&mut bytes);
        assert_eq!(Head::decode(&bytes), Ok((head(), bytes.len())));
        assert!((0..bytes.len()).all(|n| Head::decode(&bytes[..n]) == Err(Fault::Torn)));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Head::decode(&bytes), Err(Fault::Damaged(None) | Fault::Newer(_))), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    proptest! {
        /// A record reads back; of one that is cut no row does, and of one with a flipped bit none either.
        #[test]
        fn a_record_is_whole_or_nothing(
            first_seq in 1..=u64::MAX / 2,
            rows in prop::collection::vec("[a-zé\"{}]{0,12}", 1..6),
            flipped in any::<prop::sample::Index>(),
        ) {
            let chunk = Chunk::new(first_seq, rows.iter().map(|row| format!("{row}\n")).collect()).unwrap();
            let mut bytes = Vec::new();
            encode_record(&chunk, &mut bytes);
            prop_assert_eq!(decode_record(&bytes), Ok((chunk, bytes.len())));
            for n in 0..bytes.len() {
                prop_assert_eq!(decode_record(&bytes[..n]), Err(Fault::Torn));
            }
            let bit = flipped.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let known_end = (bit / 8 >= RECORD_BYTES).then_some(bytes.len());
            prop_assert_eq!(decode_record(&bytes), Err(Fault::Damaged(known_end)));
        }
    }
}
