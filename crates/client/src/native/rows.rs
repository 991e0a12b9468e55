//! Rows as the way out has them: lines of JSON, numbered.

use model::{Row, Seq};

use crate::outbox::Span;

/// Rows that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The number of the first.
    pub(crate) first_seq: Seq,
    /// How many there are; never 0.
    pub(crate) n_rows: u64,
    /// A JSON object a line, each with its line end.
    pub(crate) lines: String,
}

impl Chunk {
    /// Numbers lines; none where there is no line.
    pub(crate) fn new(first_seq: Seq, lines: String) -> Option<Self> {
        let n_rows = count(&lines);
        (n_rows > 0).then_some(Self { first_seq, n_rows, lines })
    }

    /// The number of the last row.
    pub(crate) fn last_seq(&self) -> Seq {
        self.first_seq + self.n_rows - 1
    }

    /// How many bytes the lines have.
    pub(crate) fn n_bytes(&self) -> u64 {
        self.lines.len() as u64
    }

    /// What the machine knows of it.
    pub(crate) fn span(&self) -> Span {
        Span { first_seq: self.first_seq, n_rows: self.n_rows, n_bytes: self.n_bytes() }
    }

    /// The lines of those of its rows that are above `seq` and at most `last_seq`.
    pub(crate) fn lines_of(&self, seq: Seq, last_seq: Seq) -> &str {
        let from = (seq + 1).saturating_sub(self.first_seq).min(self.n_rows);
        let to = (last_seq + 1).saturating_sub(self.first_seq).clamp(from, self.n_rows);
        if (from, to) == (0, self.n_rows) {
            return &self.lines;
        }
        let start = end_of(&self.lines, from);
        &self.lines[start..start + end_of(&self.lines[start..], to - from)]
    }

    /// Its rows above `seq`; none where there is none.
    pub(crate) fn above(self, seq: Seq) -> Option<Self> {
        if seq < self.first_seq {
            return Some(self);
        }
        let lines = self.lines_of(seq, self.last_seq()).to_owned();
        Self::new(seq + 1, lines)
    }
}

/// How many lines there are.
pub(crate) fn count(lines: &str) -> u64 {
    lines.bytes().filter(|&byte| byte == b'\n').count() as u64
}

/// Where the line of that number, from 1, ends.
fn end_of(lines: &str, n_lines: u64) -> usize {
    lines.split_inclusive('\n').take(n_lines as usize).map(str::len).sum()
}

/// Cuts lines into pieces of at most `max_bytes`; a line that is larger is a piece of its own.
pub(crate) fn pieces(lines: &str, max_bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let fitting = rest.as_bytes().get(..max_bytes).unwrap_or(rest.as_bytes());
        let end = if fitting.len() == rest.len() { rest.len() } else { last_end(rest, fitting) };
        let piece;
        (piece, rest) = rest.split_at(end);
        Some(piece)
    })
}

/// Where the last line ends that ends in `fitting`, or else the first line of all.
fn last_end(lines: &str, fitting: &[u8]) -> usize {
    let last = fitting.iter().rposition(|&byte| byte == b'\n');
    last.map_or_else(|| end_of(lines, 1), |at| at + 1)
}

/// Reads lines back to rows. They were rows once, so that all are.
pub(crate) fn decode(lines: &str) -> Vec<Row> {
    lines.lines().filter_map(|line| wire::json::decode_row(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_out_by_their_numbers() {
        let chunk = Chunk::new(5, "a\nbb\nccc\n".to_owned()).unwrap();
        assert_eq!((chunk.n_rows, chunk.last_seq()), (3, 7));
        let cases =
            [(0, 99, "a\nbb\nccc\n"), (5, 99, "bb\nccc\n"), (4, 5, "a\n"), (5, 6, "bb\n"), (7, 9, ""), (0, 4, "")];
        for (seq, last_seq, lines) in cases {
            assert_eq!(chunk.lines_of(seq, last_seq), lines, "{seq} {last_seq}");
        }
        assert_eq!(chunk.clone().above(4).unwrap(), chunk);
        assert_eq!(chunk.clone().above(6).unwrap(), Chunk::new(7, "ccc\n".to_owned()).unwrap());
        assert_eq!(chunk.above(7), None);
    }

    #[test]
    fn pieces_hold_whole_lines() {
        let cut = |max_bytes| pieces("a\nbb\nccc\nd\n", max_bytes).collect::<Vec<_>>();
        assert_eq!(cut(5), ["a\nbb\n", "ccc\n", "d\n"]);
        assert_eq!(cut(1), ["a\n", "bb\n", "ccc\n", "d\n"]);
        assert_eq!(cut(99), ["a\nbb\nccc\nd\n"]);
        assert_eq!(pieces("", 5).count(), 0);
    }
}
