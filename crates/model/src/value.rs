//! The values a cell can hold, and one total order over them.

use std::cmp::Ordering;
use std::fmt;

/// How deep lists and objects may nest: a row's own cells are at depth 1.
pub const MAX_DEPTH: usize = 64;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Year, month (1-12) and day (1-31) in UTC, and microseconds since midnight.
    ///
    /// Days are turned to a civil date by the era method of Howard Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms": years start in March, so that the leap day is a year's last.
    #[must_use]
    pub fn civil(self) -> (i64, u32, u32, i64) {
        const MICROS_PER_DAY: i64 = 86_400_000_000;
        let days_since_march_0000 = self.0.div_euclid(MICROS_PER_DAY) + 719_468;
        let era = days_since_march_0000.div_euclid(146_097);
        let day_of_era = days_since_march_0000.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months_since_march = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * months_since_march + 2) / 5 + 1) as u32;
        let month = if months_since_march < 10 { months_since_march + 3 } else { months_since_march - 9 } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day, self.0.rem_euclid(MICROS_PER_DAY))
    }
}

/// ISO 8601 in UTC, with as many of the six decimals as the time needs, by threes.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, micros) = self.civil();
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        match year {
            0..=9999 => write!(f, "{year:04}")?,
            _ => write!(f, "{year:+07}")?,
        }
        write!(f, "-{month:02}-{day:02}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match fraction {
            0 => {}
            _ if fraction % 1000 == 0 => write!(f, ".{:03}", fraction / 1000)?,
            _ => write!(f, ".{fraction:06}")?,
        }
        f.write_str("Z")
    }
}

/// A picture or other media, as its file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Media {
    /// The media type, such as `image/png`.
    pub mime: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

/// One cell.
///
/// `==` asks "did it come back exactly?": it tells `Int(1)` from `Float(1.0)` and `-0.0` from `0.0`, and holds `NaN`
/// equal to itself. To order values, use [`Value::total_cmp`].
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing: a null or a missing cell.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number given as such (a JavaScript bigint).
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// A point in time.
    Time(Timestamp),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// A picture.
    Media(Media),
    /// A list of values.
    List(Vec<Value>),
    /// Keys with values, in the order given; keys are unique.
    Object(Vec<(String, Value)>),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Media(a), Value::Media(b)) => a == b,
            (Value::List(a), Value::List(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// Whether the cell is empty.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value as a number, where it is one; whole numbers past 2^53 are rounded.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// A total order: by type, then by value.
    ///
    /// Types come as bool, numbers, time, text, bytes, media, list, object, and null last. Whole numbers and floats
    /// compare by their exact numeric value; `NaN` is greater than every number and equal to itself; `-0.0` equals
    /// `0.0`. Text compares by code point, lists and objects element by element.
    #[must_use]
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Float(a), Value::Float(b)) => cmp_f64(*a, *b),
            (Value::Int(a), Value::Float(b)) => cmp_i64_f64(*a, *b),
            (Value::Float(a), Value::Int(b)) => cmp_i64_f64(*b, *a).reverse(),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
            (Value::Media(a), Value::Media(b)) => a.cmp(b),
            (Value::List(a), Value::List(b)) => {
                let unequal = a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
                unequal.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Value::Object(a), Value::Object(b)) => {
                let pairs = a.iter().zip(b);
                let mut unequal = pairs.map(|((ka, a), (kb, b))| ka.cmp(kb).then_with(|| a.total_cmp(b)));
                unequal.find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            _ => self.type_rank().cmp(&other.type_rank()),
        }
    }

    fn type_rank(&self) -> u8 {
        match self {
            Value::Bool(_) => 0,
            Value::Int(_) | Value::Float(_) => 1,
            Value::Time(_) => 2,
            Value::Text(_) => 3,
            Value::Bytes(_) => 4,
            Value::Media(_) => 5,
            Value::List(_) => 6,
            Value::Object(_) => 7,
            Value::Null => 8,
        }
    }

    /// How deep the value nests: 0 for a scalar, 1 for a list of scalars.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Value::List(items) => 1 + items.iter().map(Value::depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.iter().map(|(_, v)| v.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

fn cmp_f64(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Compares without rounding the whole number, which `as f64` would do past 2^53.
fn cmp_i64_f64(a: i64, b: f64) -> Ordering {
    if b.is_nan() || b >= 9_223_372_036_854_775_808.0 {
        return Ordering::Less;
    }
    if b < -9_223_372_036_854_775_808.0 {
        return Ordering::Greater;
    }
    let whole = b.trunc();
    a.cmp(&(whole as i64)).then_with(|| 0.0_f64.partial_cmp(&(b - whole)).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_compare_exactly() {
        let big = 1_i64 << 60;
        let cases = [
            (Value::Int(big + 1), Value::Float(big as f64), Ordering::Greater),
            (Value::Int(big), Value::Float(big as f64), Ordering::Equal),
            (Value::Int(1), Value::Float(1.5), Ordering::Less),
            (Value::Int(-1), Value::Float(-1.5), Ordering::Greater),
            (Value::Int(i64::MAX), Value::Float(f64::INFINITY), Ordering::Less),
            (Value::Int(i64::MIN), Value::Float(f64::NEG_INFINITY), Ordering::Greater),
            (Value::Int(i64::MAX), Value::Float(f64::NAN), Ordering::Less),
            (Value::Float(-0.0), Value::Float(0.0), Ordering::Equal),
            (Value::Float(f64::NAN), Value::Float(f64::NAN), Ordering::Equal),
            (Value::Null, Value::Text("z".into()), Ordering::Greater),
        ];
        for (a, b, expect) in cases {
            assert_eq!(a.total_cmp(&b), expect, "{a:?} {b:?}");
            assert_eq!(b.total_cmp(&a), expect.reverse(), "{b:?} {a:?}");
        }
    }

    #[test]
    fn times_are_written_in_iso_8601() {
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00Z"),
            (1_700_000_000_120_000, "2023-11-14T22:13:20.120Z"),
            (4_107_542_400_000_001, "2100-03-01T00:00:00.000001Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00Z"),
            (-62_198_755_200_000_000, "-000001-01-01T00:00:00Z"),
        ];
        for (micros, expect) in cases {
            assert_eq!(Timestamp(micros).to_string(), expect);
        }
    }

    #[test]
    fn equality_is_exactness() {
        assert_ne!(Value::Float(0.0), Value::Float(-0.0));
        assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
        assert_ne!(Value::Int(1), Value::Float(1.0));
    }

    fn number() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<i64>().prop_map(|i| Value::Float(i as f64)),
        ]
    }

    proptest! {
        #[test]
        fn the_order_is_transitive(a in number(), b in number(), c in number()) {
            let mut values = [a, b, c];
            values.sort_by(Value::total_cmp);
            prop_assert!(values[0].total_cmp(&values[2]).is_le());
            prop_assert!(values[0].total_cmp(&values[1]).is_le());
        }
    }
}
