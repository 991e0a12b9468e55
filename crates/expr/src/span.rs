//! Moving windows: how far back, and by which column.

use std::fmt::{self, Display, Formatter};

/// The column whose time counts where none is named.
pub const TIMESTAMP: &str = "timestamp";

/// `.last("5m")`: the rows whose time is less than a span before now. A row whose time is still to come is among them, since
/// the clock of who logged it may be ahead; one without a time is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// How far back.
    pub span: Span,
    /// The column that tells a row's time.
    pub column: String,
}

/// A length of time, as it was written: `90s` is not `1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    n: i64,
    unit: usize,
}

/// The units, each with its name for people and its length in microseconds.
const UNITS: [(&str, &str, i64); 6] = [
    ("ms", "millisecond", 1_000),
    ("s", "second", 1_000_000),
    ("m", "minute", 60_000_000),
    ("h", "hour", 3_600_000_000),
    ("d", "day", 86_400_000_000),
    ("w", "week", 604_800_000_000),
];

impl Span {
    /// Reads a whole number above 0 and a unit: `ms`, `s`, `m`, `h`, `d` or `w`. `None` for anything else, and for more
    /// microseconds than 63 bits hold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let n_digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, name) = text.split_at(n_digits);
        let unit = UNITS.iter().position(|(unit, ..)| *unit == name)?;
        let n: i64 = digits.parse().ok().filter(|n| *n > 0)?;
        n.checked_mul(UNITS[unit].2)?;
        Some(Self { n, unit })
    }

    /// Its length in microseconds, from 1,000 on.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.n * UNITS[self.unit].2
    }

    /// It as people read it: `5 minutes`, `hour`.
    #[must_use]
    pub fn words(self) -> String {
        let name = UNITS[self.unit].1;
        if self.n == 1 { name.to_owned() } else { format!("{} {name}s", self.n) }
    }
}

/// The text that reads back.
impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.n, UNITS[self.unit].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_said() {
        let check = |text: &str, expect: Option<(i64, &str)>| {
            let span = Span::parse(text);
            let said = span.map(|span| (span.micros(), span.words()));
            assert_eq!(said, expect.map(|(micros, words)| (micros, words.to_owned())), "{text}");
            if let Some(span) = span {
                assert_eq!(Span::parse(&span.to_string()), Some(span));
            }
        };
        check("1ms", Some((1_000, "millisecond")));
        check("90s", Some((90_000_000, "90 seconds")));
        check("5m", Some((300_000_000, "5 minutes")));
        check("01h", Some((3_600_000_000, "hour")));
        check("24h", Some((86_400_000_000, "24 hours")));
        check("7d", Some((604_800_000_000, "7 days")));
        check("2w", Some((1_209_600_000_000, "2 weeks")));
        check("9223372036854775ms", Some((9_223_372_036_854_775_000, "9223372036854775 milliseconds")));
        for wrong in
            ["", "5", "m", "0s", "-5m", "1.5h", "5 m", "5M", "5min", "9223372036854776ms", "99999999999999999999s"]
        {
            check(wrong, None);
        }
    }
}
