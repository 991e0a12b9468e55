//! How much is kept of a table. What goes by it is decided in [`upkeep`](super::upkeep).

use model::Offset;

use super::TableState;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// What is kept of a table. The oldest rows beyond any of these go; what is `None` has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How old a row may grow, by the time it was received, in seconds.
    pub max_age_seconds: Option<u64>,
    /// How many rows are kept at least.
    pub max_rows: Option<u64>,
    /// How many bytes the stored rows may have, encoded.
    pub max_bytes: Option<u64>,
}

/// What cannot be a retention.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetentionError {
    /// A limit of nothing, which would delete every row as it comes.
    #[error("{0} must be at least 1; to have no limit, leave it out")]
    Zero(&'static str),
}

impl Retention {
    /// Checks that something can be kept.
    ///
    /// # Errors
    /// [`RetentionError::Zero`].
    pub fn check(self) -> Result<Self, RetentionError> {
        let limits = [("age_seconds", self.max_age_seconds), ("rows", self.max_rows), ("bytes", self.max_bytes)];
        match limits.iter().find(|(_, limit)| *limit == Some(0)) {
            Some((name, _)) => Err(RetentionError::Zero(name)),
            None => Ok(self),
        }
    }

    /// Whether nothing ever goes.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        *self == Self::default()
    }

    /// The time before which rows are too old at `now`, both in microseconds.
    pub(super) fn cutoff_micros(&self, now: i64) -> Option<i64> {
        let age = i64::try_from(self.max_age_seconds?).unwrap_or(i64::MAX);
        Some(now.saturating_sub(age.saturating_mul(MICROS_PER_SECOND)))
    }

    /// Whether a frame that starts a table may go: its rows end at `end_offset`, the newest was received at
    /// `received_micros`, and it has `n_bytes`.
    pub(super) fn drops(&self, table: &TableState, frame: OldestFrame, now: i64) -> bool {
        let too_old = self.cutoff_micros(now).is_some_and(|cutoff| frame.received_micros < cutoff);
        let too_many = self.max_rows.is_some_and(|max| table.next_offset - frame.end_offset >= max);
        let too_large = self.max_bytes.is_some_and(|max| table.n_bytes > max) && frame.end_offset < table.next_offset;
        too_old || too_many || too_large
    }
}

/// The frame that a table starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OldestFrame {
    /// The offset that follows its last row.
    pub(super) end_offset: Offset,
    /// When its newest row was received, in microseconds.
    pub(super) received_micros: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::TableName;

    fn table(first_offset: Offset, next_offset: Offset, n_bytes: u64) -> TableState {
        TableState {
            name: TableName::parse("t").expect("it is a name"),
            created_micros: 0,
            first_offset,
            next_offset,
            n_bytes,
            last_received_micros: None,
            schema: std::sync::Arc::default(),
            retention: None,
        }
    }

    #[test]
    fn the_oldest_frame_goes_only_where_enough_is_left() {
        let frame = OldestFrame { end_offset: 40, received_micros: 5_000_000 };
        let check = |retention: Retention, expect: bool| {
            assert_eq!(retention.drops(&table(0, 100, 1000), frame, 10_000_000), expect, "{retention:?}");
        };
        let none = Retention::default();
        check(none, false);
        check(Retention { max_rows: Some(60), ..none }, true);
        check(Retention { max_rows: Some(61), ..none }, false);
        check(Retention { max_bytes: Some(999), ..none }, true);
        check(Retention { max_bytes: Some(1000), ..none }, false);
        check(Retention { max_age_seconds: Some(4), ..none }, true);
        check(Retention { max_age_seconds: Some(5), ..none }, false);
        check(Retention { max_age_seconds: Some(u64::MAX), ..none }, false);
    }

    #[test]
    fn the_last_frame_goes_by_age_alone() {
        let frame = OldestFrame { end_offset: 100, received_micros: 0 };
        let drops = |retention: Retention| retention.drops(&table(60, 100, 1000), frame, 10_000_000);
        assert!(!drops(Retention { max_rows: Some(1), max_bytes: Some(1), ..Retention::default() }));
        assert!(drops(Retention { max_age_seconds: Some(1), ..Retention::default() }));
    }

    #[test]
    fn a_limit_of_nothing_is_none() {
        assert!(Retention::default().check().is_ok());
        let zero = Retention { max_rows: Some(0), ..Retention::default() };
        assert_eq!(zero.check(), Err(RetentionError::Zero("rows")));
    }
}
