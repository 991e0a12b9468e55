//! Rows on their way: numbered, in order, bounded in rows and bytes, kept until the server has dealt with them.

use std::collections::VecDeque;

use model::Seq;

/// Where rows are kept beside memory, so that they outlive the page or the process.
///
/// The calls come in the order of the numbers. What a store cannot do at once it queues; the outbox does not wait.
pub trait Store {
    /// Keeps the rows of one task. Called before any of them is sent.
    fn put(&mut self, chunk: &Chunk);
    /// Lets go of every row up to and including `seq`.
    fn remove_through(&mut self, seq: Seq);
}

/// Keeps nothing beside memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory;

impl Store for Memory {
    fn put(&mut self, _chunk: &Chunk) {}
    fn remove_through(&mut self, _seq: Seq) {}
}

/// The rows that were logged together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    first_seq: Seq,
    /// A JSON object a line, each with its line end.
    lines: String,
    /// Where each line ends in `lines`.
    ends: Vec<usize>,
}

impl Chunk {
    /// The number of its first row.
    #[must_use]
    pub fn first_seq(&self) -> Seq {
        self.first_seq
    }

    /// A JSON object a line, each with its line end.
    #[must_use]
    pub fn lines(&self) -> &str {
        &self.lines
    }

    fn last_seq(&self) -> Seq {
        self.first_seq + self.ends.len() as Seq - 1
    }

    /// Where the row of that number, which is one of its own or the one that follows them, starts.
    fn start(&self, seq: Seq) -> usize {
        match seq.checked_sub(self.first_seq + 1) {
            Some(idx_before) => self.ends[idx_before as usize],
            None => 0,
        }
    }
}

/// Rows that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the first.
    pub first_seq: Seq,
    /// How many there are; never 0.
    pub n_rows: u64,
    /// Their size, line ends included.
    pub n_bytes: usize,
}

impl Span {
    /// The number of the last.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.first_seq + self.n_rows - 1
    }
}

/// What became of rows that were pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// How many wait now.
    pub n_queued: u64,
    /// How many were dropped, being the newest, because the outbox was full.
    pub n_dropped: u64,
}

/// The rows of one writer for one table.
#[derive(Debug)]
pub struct Outbox<S> {
    store: S,
    chunks: VecDeque<Chunk>,
    /// The number of the first row that waits, or that the next one will get.
    first_seq: Seq,
    next_seq: Seq,
    n_bytes: usize,
    max_rows: u64,
    max_bytes: usize,
}

impl<S: Store> Outbox<S> {
    /// An empty outbox whose first row gets the number 1.
    #[must_use]
    pub fn new(store: S, max_rows: usize, max_bytes: usize) -> Self {
        let chunks = VecDeque::new();
        Self { store, chunks, first_seq: 1, next_seq: 1, n_bytes: 0, max_rows: max_rows as u64, max_bytes }
    }

    /// Takes rows in: JSON objects, each with its line end. Rows that do not fit are dropped and get no number.
    pub fn push(&mut self, mut lines: String) -> Pushed {
        let ends: Vec<usize> =
            lines.bytes().enumerate().filter(|&(_, byte)| byte == b'\n').map(|(at, _)| at + 1).collect();
        let room_rows = self.max_rows.saturating_sub(self.n_rows());
        let room_bytes = self.max_bytes.saturating_sub(self.n_bytes);
        let n_given = ends.len();
        let n_fitting = ends.iter().take_while(|&&end| end <= room_bytes).count().min(room_rows as usize);
        let (n_queued, n_dropped) = (n_fitting as u64, (n_given - n_fitting) as u64);
        if n_queued > 0 {
            let mut ends = ends;
            ends.truncate(n_fitting);
            lines.truncate(ends[n_fitting - 1]);
            let chunk = Chunk { first_seq: self.next_seq, lines, ends };
            self.n_bytes += chunk.lines.len();
            self.next_seq += n_queued;
            self.store.put(&chunk);
            self.chunks.push_back(chunk);
        }
        Pushed { n_queued, n_dropped }
    }

    /// The oldest rows, as many as fit; at least one where there is any.
    #[must_use]
    pub fn oldest(&self, max_rows: u64, max_bytes: usize) -> Option<Span> {
        let mut span = Span { first_seq: self.first_seq, n_rows: 0, n_bytes: 0 };
        for chunk in &self.chunks {
            let first_seq = chunk.first_seq.max(self.first_seq);
            let start = chunk.start(first_seq);
            let ends = &chunk.ends[(first_seq - chunk.first_seq) as usize..];
            let room_bytes = max_bytes.saturating_sub(span.n_bytes);
            let room_rows = max_rows.saturating_sub(span.n_rows) as usize;
            let mut n_rows = ends.iter().take_while(|&&end| end - start <= room_bytes).count().min(room_rows);
            if span.n_rows == 0 {
                n_rows = n_rows.max(1);
            }
            if n_rows > 0 {
                span.n_rows += n_rows as u64;
                span.n_bytes += ends[n_rows - 1] - start;
            }
            if n_rows < ends.len() {
                break;
            }
        }
        (span.n_rows > 0).then_some(span)
    }

    /// Appends the lines of a span that waits here to `out`.
    pub fn write(&self, span: Span, out: &mut String) {
        let (first, end) = (span.first_seq, span.first_seq + span.n_rows);
        for chunk in self.chunks.iter().filter(|chunk| chunk.last_seq() >= first && chunk.first_seq < end) {
            let range = chunk.start(first.max(chunk.first_seq))..chunk.start(end.min(chunk.last_seq() + 1));
            // Rows end at line ends, so this is never missing; slicing would bring its panic message into the package.
            out.push_str(chunk.lines.get(range).unwrap_or_default());
        }
    }

    /// Lets go of every row up to and including `seq`; says how many there were.
    pub fn remove_through(&mut self, seq: Seq) -> u64 {
        let first_left = (seq + 1).clamp(self.first_seq, self.next_seq);
        let n_removed = first_left - self.first_seq;
        while let Some(chunk) = self.chunks.front() {
            let from = chunk.start(self.first_seq);
            if chunk.last_seq() >= first_left {
                self.n_bytes -= chunk.start(first_left) - from;
                break;
            }
            self.n_bytes -= chunk.lines.len() - from;
            self.first_seq = chunk.last_seq() + 1;
            self.chunks.pop_front();
        }
        self.first_seq = first_left;
        if n_removed > 0 {
            self.store.remove_through(first_left - 1);
        }
        n_removed
    }

    /// How many rows wait.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.next_seq - self.first_seq
    }

    /// Their size in bytes, line ends included.
    #[must_use]
    pub fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// The number of the newest row ever taken in; 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.next_seq - 1
    }

    /// The number up to which every row was dealt with.
    #[must_use]
    pub fn settled_seq(&self) -> Seq {
        self.first_seq - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(outbox: &Outbox<impl Store>, span: Span) -> String {
        let mut out = String::new();
        outbox.write(span, &mut out);
        assert_eq!(out.len(), span.n_bytes);
        out
    }

    #[test]
    fn rows_are_numbered_and_leave_in_order() {
        let mut outbox = Outbox::new(Memory, 100, 1_000);
        assert_eq!(outbox.push("{1}\n{2}\n".into()), Pushed { n_queued: 2, n_dropped: 0 });
        outbox.push("{3}\n".into());
        let all = outbox.oldest(100, 1_000).unwrap();
        assert_eq!(all, Span { first_seq: 1, n_rows: 3, n_bytes: 12 });
        assert_eq!(lines(&outbox, all), "{1}\n{2}\n{3}\n");
        assert_eq!(outbox.remove_through(1), 1);
        let rest = outbox.oldest(1, 1_000).unwrap();
        assert_eq!((rest.first_seq, lines(&outbox, rest)), (2, "{2}\n".to_owned()));
        assert_eq!(outbox.remove_through(99), 2);
        assert_eq!((outbox.oldest(1, 1), outbox.n_bytes(), outbox.last_seq()), (None, 0, 3));
    }

    #[test]
    fn a_row_larger_than_a_request_goes_alone() {
        let mut outbox = Outbox::new(Memory, 100, 1_000);
        outbox.push(format!("{}\n{{2}}\n", "x".repeat(50)));
        let span = outbox.oldest(100, 10).unwrap();
        assert_eq!((span.n_rows, span.n_bytes), (1, 51));
    }

    #[test]
    fn a_full_outbox_drops_the_newest_and_says_how_many() {
        let mut outbox = Outbox::new(Memory, 3, 1_000);
        assert_eq!(outbox.push("1\n2\n3\n4\n5\n".into()), Pushed { n_queued: 3, n_dropped: 2 });
        assert_eq!(outbox.push("6\n".into()), Pushed { n_queued: 0, n_dropped: 1 });
        outbox.remove_through(1);
        assert_eq!(outbox.push("7\n".into()), Pushed { n_queued: 1, n_dropped: 0 });
        assert_eq!(lines(&outbox, outbox.oldest(9, 99).unwrap()), "2\n3\n7\n");
        let mut outbox = Outbox::new(Memory, 99, 5);
        assert_eq!(outbox.push("1\n2\n3\n".into()), Pushed { n_queued: 2, n_dropped: 1 });
    }

    #[derive(Default)]
    struct Recording(Vec<(Seq, String)>);

    impl Store for &mut Recording {
        fn put(&mut self, chunk: &Chunk) {
            let rows = chunk.lines().lines().zip(chunk.first_seq()..);
            self.0.extend(rows.map(|(line, seq)| (seq, line.to_owned())));
        }
        fn remove_through(&mut self, seq: Seq) {
            self.0.retain(|row| row.0 > seq);
        }
    }

    proptest! {
        /// Against a plain list: the same rows, numbers and sizes after any pushes, reads and removals, within bounds;
        /// and the store holds just what waits.
        #[test]
        fn it_is_a_bounded_numbered_queue(
            steps in prop::collection::vec((0_u8..3, prop::collection::vec(0_usize..20, 0..6), 0_u64..12), 0..60),
        ) {
            const MAX_ROWS: usize = 20;
            const MAX_BYTES: usize = 200;
            let mut store = Recording::default();
            let mut outbox = Outbox::new(&mut store, MAX_ROWS, MAX_BYTES);
            let mut model: VecDeque<(Seq, String)> = VecDeque::new();
            let mut next_seq = 1;
            for (kind, sizes, n) in steps {
                match kind {
                    0 => {
                        let rows: Vec<String> = sizes.iter().map(|&size| format!("{}\n", "x".repeat(size))).collect();
                        let pushed = outbox.push(rows.concat());
                        prop_assert_eq!(pushed.n_queued + pushed.n_dropped, rows.len() as u64);
                        for row in rows.into_iter().take(pushed.n_queued as usize) {
                            model.push_back((next_seq, row));
                            next_seq += 1;
                        }
                    }
                    1 => {
                        let (max_rows, max_bytes) = (n, sizes.iter().sum::<usize>());
                        let span = outbox.oldest(max_rows, max_bytes);
                        prop_assert_eq!(span.is_none(), model.is_empty());
                        if let Some(span) = span {
                            prop_assert_eq!(span.first_seq, model[0].0);
                            prop_assert!(span.n_rows == 1 || (span.n_rows <= max_rows && span.n_bytes <= max_bytes));
                            let expect: String = model.iter().take(span.n_rows as usize).map(|row| &row.1[..]).collect();
                            prop_assert_eq!(lines(&outbox, span), expect);
                        }
                    }
                    _ => {
                        let seq = (outbox.settled_seq() + n).saturating_sub(3);
                        let before = model.len();
                        model.retain(|row| row.0 > seq);
                        prop_assert_eq!(outbox.remove_through(seq), (before - model.len()) as u64);
                    }
                }
                prop_assert_eq!(outbox.n_rows(), model.len() as u64);
                prop_assert_eq!(outbox.n_bytes(), model.iter().map(|row| row.1.len()).sum::<usize>());
                prop_assert!(model.len() <= MAX_ROWS && outbox.n_bytes() <= MAX_BYTES);
            }
            let kept: Vec<String> = store.0.iter().map(|row| format!("{}\n", row.1)).collect();
            prop_assert_eq!(kept, model.into_iter().map(|row| row.1).collect::<Vec<_>>());
        }
    }
}
