//! The live tail as a machine: frames must join up, what is known is dropped, a lost connection is taken up again
//! where it ended. It reads no bytes and waits for nothing; the connections are in `web` and `native`.

use model::Offset;

use crate::backoff::Backoff;

const BASE_WAIT_MILLIS: u64 = 250;
const MAX_WAIT_MILLIS: u64 = 15_000;

/// Where a reader of the tail stands.
#[derive(Clone, Debug)]
pub struct Tail {
    next: Option<Offset>,
    /// When the table was made that is read, in microseconds since 1970; none while that is not known.
    created_micros: Option<i64>,
    backoff: Backoff,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// Take it without its first `n_skip` rows, which are known. What is left starts at `first_offset`.
    Take {
        /// How many rows at its start are known.
        n_skip: u64,
        /// The offset of the first row that is new.
        first_offset: Offset,
    },
    /// Drop it: every row of it is known.
    Known,
    /// Rows are missing between what is known and this frame: connect anew.
    Gap {
        /// The offset that should have come.
        expected: Offset,
    },
}

/// What the server says of a table before its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The offset of the first row that is there.
    pub first_offset: Offset,
    /// The offset that the next stored row will have.
    pub next_offset: Offset,
    /// When the table was made, in microseconds since 1970-01-01T00:00:00Z; none while there is no table.
    pub created_micros: Option<i64>,
}

impl Tail {
    /// Starts at `from`, or with the rows stored after the first connection when there is none.
    #[must_use]
    pub fn new(from: Option<Offset>) -> Self {
        Self { next: from, created_micros: None, backoff: Backoff::new(BASE_WAIT_MILLIS, MAX_WAIT_MILLIS) }
    }

    /// The offset to ask the server for when connecting.
    #[must_use]
    pub fn from(&self) -> Option<Offset> {
        self.next
    }

    /// The server said where the table starts and ends, and when it was made. True when it was made anew since it was last
    /// heard of, or deleted: it is read from its first row over a new connection.
    ///
    /// Rows before the first that is there were dropped by the table's retention, and are not waited for.
    #[must_use]
    pub fn on_hello(&mut self, hello: Hello) -> bool {
        let Hello { first_offset, next_offset, created_micros } = hello;
        self.backoff.succeed();
        let is_another = self.created_micros.zip(created_micros).is_some_and(|(known, told)| known != told);
        let is_anew = self.next.is_some_and(|next| next > next_offset) || (is_another && self.next > Some(0));
        self.created_micros = created_micros.or(self.created_micros.filter(|_| !is_anew));
        self.next = Some(if is_anew { first_offset } else { self.next.unwrap_or(next_offset).max(first_offset) });
        is_anew
    }

    /// Rows `first_offset .. first_offset + n_rows` came.
    pub fn on_frame(&mut self, first_offset: Offset, n_rows: u64) -> Joined {
        let expected = self.next.unwrap_or(first_offset);
        let end = first_offset + n_rows;
        if first_offset > expected {
            return Joined::Gap { expected };
        }
        if end <= expected {
            return Joined::Known;
        }
        self.next = Some(end);
        Joined::Take { n_skip: expected - first_offset, first_offset: expected }
    }

    /// The connection was lost or refused: says how many milliseconds to wait; `random` is in `0..1`.
    pub fn on_lost(&mut self, random: f64) -> u64 {
        self.backoff.fail(None, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hello(first_offset: Offset, next_offset: Offset, created_micros: i64) -> Hello {
        Hello { first_offset, next_offset, created_micros: (created_micros > 0).then_some(created_micros) }
    }

    #[test]
    fn frames_join_up() {
        let mut tail = Tail::new(Some(5));
        assert!(!tail.on_hello(hello(0, 20, 1)));
        assert_eq!(tail.from(), Some(5));
        assert_eq!(tail.on_frame(5, 3), Joined::Take { n_skip: 0, first_offset: 5 });
        assert_eq!(tail.on_frame(6, 4), Joined::Take { n_skip: 2, first_offset: 8 });
        assert_eq!(tail.on_frame(0, 10), Joined::Known);
        assert_eq!(tail.on_frame(11, 1), Joined::Gap { expected: 10 });
        assert_eq!(tail.from(), Some(10));
    }

    #[test]
    fn without_a_start_the_end_of_the_table_is_the_start() {
        let mut tail = Tail::new(None);
        assert_eq!(tail.from(), None);
        assert!(!tail.on_hello(hello(7, 42, 1)));
        assert_eq!(tail.from(), Some(42));
    }

    #[test]
    fn a_table_made_anew_is_read_from_its_first_row() {
        let mut tail = Tail::new(Some(100));
        assert!(tail.on_hello(hello(0, 3, 0)), "a server that does not say when");
        assert_eq!(tail.from(), Some(0));
        assert!(!tail.on_hello(hello(0, 3, 0)));
        assert_eq!(tail.on_frame(0, 3), Joined::Take { n_skip: 0, first_offset: 0 });
    }

    #[test]
    fn a_table_made_anew_is_known_though_it_has_more_rows() {
        let mut tail = Tail::new(Some(0));
        assert!(!tail.on_hello(hello(0, 3, 10)));
        assert_eq!(tail.on_frame(0, 3), Joined::Take { n_skip: 0, first_offset: 0 });
        assert!(!tail.on_hello(hello(0, 3, 10)), "the same after a lost connection");
        assert!(tail.on_hello(hello(0, 9, 20)));
        assert!(!tail.on_hello(hello(0, 9, 20)));
        assert_eq!(tail.from(), Some(0));
        assert_eq!(tail.on_frame(0, 9), Joined::Take { n_skip: 0, first_offset: 0 });
        // Deleted, and made anew while the reader waited for it.
        assert!(tail.on_hello(hello(0, 0, 0)));
        assert!(!tail.on_hello(hello(0, 0, 0)));
        assert!(!tail.on_hello(hello(0, 4, 30)));
        assert_eq!(tail.from(), Some(0));
    }

    #[test]
    fn rows_that_were_dropped_are_not_waited_for() {
        let mut tail = Tail::new(Some(2));
        assert!(!tail.on_hello(hello(50, 80, 1)));
        assert_eq!(tail.on_frame(50, 30), Joined::Take { n_skip: 0, first_offset: 50 });
        assert!(!tail.on_hello(hello(60, 90, 1)), "less is there, but nothing that is due");
        assert_eq!(tail.from(), Some(80));
        // Made anew and already without its first rows.
        assert!(tail.on_hello(hello(5, 90, 2)));
        assert_eq!(tail.from(), Some(5));
    }

    proptest! {
        /// Whatever is cut, doubled or sent again, each row is taken once and in order.
        #[test]
        fn every_row_is_taken_once(frames in prop::collection::vec((0_u64..60, 1_u64..8), 0..80)) {
            let mut tail = Tail::new(Some(0));
            let mut taken = Vec::new();
            for (first, n_rows) in frames {
                match tail.on_frame(first, n_rows) {
                    Joined::Take { n_skip, first_offset } => {
                        prop_assert_eq!(first + n_skip, first_offset);
                        taken.extend(first_offset..first + n_rows);
                    }
                    Joined::Known => prop_assert!(first + n_rows <= taken.len() as u64),
                    Joined::Gap { expected } => prop_assert_eq!(expected, taken.len() as u64),
                }
            }
            prop_assert_eq!(&taken, &(0..taken.len() as u64).collect::<Vec<_>>());
            prop_assert_eq!(tail.from(), Some(taken.len() as u64));
        }
    }
}
