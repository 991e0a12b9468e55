//! Cutting an append into the bodies that are published one after another.
//!
//! A body is stored whole or not at all. An append that is larger than a body may be is cut by rows, and what follows is
//! published when what is before it is stored: so after a failure the rows that are there are the first of it, as many as
//! whole bodies hold. Whoever numbered them sends all of them again and gets the others stored.

use std::mem::take;

use model::{Batch, TableName};
use wire::stream::{Change, Message, RowsOrigin};

use crate::journal::{Append, Reservation};

/// The largest body of more than one row.
const MAX_BODY_BYTES: usize = 8 << 20;

/// Rows to publish.
pub(super) struct Parts {
    received_micros: i64,
    table: TableName,
    /// What is not published yet, the next last.
    rest: Vec<Rows>,
    /// Held until all is published.
    _reservation: Reservation,
}

/// Rows of one body.
struct Rows {
    origin: Option<RowsOrigin>,
    batches: Vec<Batch>,
}

impl Parts {
    pub(super) fn new(append: Append, received_micros: i64) -> Self {
        let Append { table, origin, batches, reservation } = append;
        let origin =
            origin.map(|origin| RowsOrigin { writer: origin.writer, seqs: origin.seqs, last_seq: origin.last_seq });
        Self { received_micros, table, rest: vec![Rows { origin, batches }], _reservation: reservation }
    }

    /// The next body.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let Rows { origin, batches } = self.rest.pop()?;
            let n_rows: usize = batches.iter().map(Batch::n_rows).sum();
            let (received_micros, table) = (self.received_micros, self.table.clone());
            let message = Message { received_micros, table, change: Change::Rows { origin, batches } };
            let body = message.encode();
            if body.len() <= MAX_BODY_BYTES || n_rows < 2 {
                return Some(body);
            }
            if let Change::Rows { origin, batches } = message.change {
                let (first, second) = halve(Rows { origin, batches }, n_rows / 2);
                self.rest.extend([second, first]);
            }
        }
    }
}

/// Cuts rows in two; the first part has `n_first` rows.
fn halve(mut rows: Rows, n_first: usize) -> (Rows, Rows) {
    let (mut first, mut second, mut n_left) = (Vec::new(), Vec::new(), n_first);
    for batch in take(&mut rows.batches) {
        let n_rows = batch.n_rows();
        let n = n_left.min(n_rows);
        n_left -= n;
        match (n, n_rows - n) {
            (_, 0) => first.push(batch),
            (0, _) => second.push(batch),
            _ => {
                first.push(batch.slice(0..n));
                second.push(batch.slice(n..n_rows));
            }
        }
    }
    let (mut origin_first, mut origin_second) = (None, None);
    if let Some(RowsOrigin { writer, mut seqs, last_seq }) = rows.origin.take() {
        let rest = seqs.split_off(n_first);
        // What was refused between the two is dealt with by the second.
        let last_first = seqs.last().copied().unwrap_or_default();
        origin_first = Some(RowsOrigin { writer, seqs, last_seq: last_first });
        origin_second = Some(RowsOrigin { writer, seqs: rest, last_seq });
    }
    (Rows { origin: origin_first, batches: first }, Rows { origin: origin_second, batches: second })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Budget, Origin};
    use model::{Row, Value, WriterId};

    fn parts(sizes: &[usize], n_cell_bytes: usize) -> Vec<Rows> {
        let mut n = 0;
        let mut row = || {
            n += 1;
            let text = "x".repeat(n_cell_bytes);
            [("n", Value::Int(n)), ("t", Value::Text(text))].into_iter().collect::<Row>()
        };
        let batches: Vec<Batch> = sizes.iter().map(|n_rows| (0..*n_rows).map(|_| row()).collect()).collect();
        let n_rows: usize = sizes.iter().sum();
        // Every second number was refused before.
        let seqs = (1..=n_rows as u64).map(|n| n * 2).collect();
        let origin = Some(Origin { writer: WriterId::from_bytes([1; 16]), seqs, last_seq: n_rows as u64 * 2 + 1 });
        let reservation = Budget::new(1).reserve(1).expect("it is empty");
        let mut parts = Parts::new(Append { table: TableName::parse("t").unwrap(), origin, batches, reservation }, 7);
        let rows = |body: Vec<u8>| match Message::decode(&body).expect("it is whole").change {
            Change::Rows { origin, batches } => Rows { origin, batches },
            other => panic!("no rows: {other:?}"),
        };
        std::iter::from_fn(|| parts.next()).map(rows).collect()
    }

    #[test]
    fn what_fits_stays_whole() {
        let parts = parts(&[2, 3], 10);
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].origin.as_ref().map(|origin| origin.last_seq), Some(11));
    }

    #[test]
    fn what_does_not_is_cut_by_rows_in_order() {
        let parts = parts(&[5, 1, 3], 3 << 20);
        assert!(parts.len() > 3);
        let (mut n, mut last) = (0, 0);
        for part in &parts {
            let origin = part.origin.as_ref().expect("it has one");
            let mut seqs = origin.seqs.iter();
            for batch in &part.batches {
                for idx in 0..batch.n_rows() {
                    n += 1;
                    assert_eq!(batch.value(idx, "n"), Value::Int(n));
                    assert_eq!(seqs.next(), Some(&(n as u64 * 2)));
                }
            }
            assert!(origin.last_seq > last, "a body never takes back what one before it dealt with");
            last = origin.last_seq;
        }
        assert_eq!((n, last), (9, 19));
    }
}
