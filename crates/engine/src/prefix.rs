//! The first 64 bits of a sort key: numbers that stand in the order of the cells, so that most comparisons of a sort
//! never look at a cell.

use expr::Locale;
use model::{ColumnType, Value};

use crate::cell::Cell;
use crate::collate::key_part;
use crate::way::Way;

/// How many bytes of a text a prefix holds.
const TEXT_BYTES: usize = 7;

/// What prefixes are made of, by the type of the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrefixKind {
    /// Whole numbers or times, exactly.
    Int,
    /// Numbers. Whole ones past 2^53 are rounded, so where there are any, equal prefixes do not mean equal cells.
    Float { has_ints: bool },
    /// Seven bytes of text and how many there are.
    Text,
    /// The kind of the value and as much of it as fits.
    Any,
}

/// The prefix of every null, in either direction, where nulls come last; where they come first it is 0.
const LAST_PREFIX: u64 = u64::MAX;

impl PrefixKind {
    pub(crate) fn of(column_type: ColumnType, has_ints: bool) -> Self {
        match column_type {
            ColumnType::Int | ColumnType::Time => PrefixKind::Int,
            ColumnType::Float => PrefixKind::Float { has_ints },
            ColumnType::Text => PrefixKind::Text,
            _ => PrefixKind::Any,
        }
    }

    /// Whether prefixes of both kinds are the same for the same cells.
    pub(crate) fn is_compatible(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// The prefix of a cell. Of two cells, the one that stands first has the lesser prefix, or both have the same.
    ///
    /// A text's prefix is that of its bytes, or of its key's where a locale orders texts, from `text_depth` on: right among
    /// texts that are equal before it.
    pub(crate) fn prefix(self, cell: Cell<'_>, way: Way, text_depth: usize) -> u64 {
        let prefix = match (self, cell) {
            (_, Cell::Null) => return of_null(way),
            (PrefixKind::Int, Cell::Int(x) | Cell::Time(x)) => of_int(x),
            (PrefixKind::Float { .. }, Cell::Int(x)) => of_float(x as f64),
            (PrefixKind::Float { .. }, Cell::Float(x)) => of_float(x),
            (PrefixKind::Text, Cell::Text(text)) => of_text(text, way, text_depth),
            (_, cell) => of_any(cell, way),
        };
        if way.descending { !prefix } else { prefix }
    }

    /// Whether cells that share this prefix are equal.
    pub(crate) fn decides(self, prefix: u64, way: Way) -> bool {
        let ascending = if way.descending { !prefix } else { prefix };
        match self {
            // The least or the greatest whole number shares its prefix with null.
            PrefixKind::Int => prefix != of_null(way),
            PrefixKind::Float { has_ints } => !has_ints,
            PrefixKind::Text => prefix == of_null(way) || ascending & 0xff <= TEXT_BYTES as u64 + 1,
            PrefixKind::Any => false,
        }
    }
}

fn of_null(way: Way) -> u64 {
    if way.nulls_first { !LAST_PREFIX } else { LAST_PREFIX }
}

fn of_int(x: i64) -> u64 {
    x as u64 ^ 1 << 63
}

fn of_float(x: f64) -> u64 {
    // One zero and one NaN, the greatest; never 0 nor all ones.
    let bits = if x.is_nan() { f64::NAN.to_bits() & !(1 << 63) } else { (x + 0.0).to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Seven bytes, then how many there are and one: to 8, or 9 where more follow. Never 0 nor all ones.
fn of_text(text: &str, way: Way, depth: usize) -> u64 {
    if let Some(locale) = way.locale {
        return of_key(text, locale, depth);
    }
    let rest = text.as_bytes().get(depth..).unwrap_or_default();
    let mut bytes = [0; 8];
    let n = rest.len().min(TEXT_BYTES);
    bytes[..n].copy_from_slice(&rest[..n]);
    bytes[TEXT_BYTES] = rest.len().min(TEXT_BYTES + 1) as u8 + 1;
    u64::from_be_bytes(bytes)
}

/// As [`of_text`], of a text's key.
#[inline(never)]
fn of_key(text: &str, locale: Locale, depth: usize) -> u64 {
    let (mut bytes, n) = key_part::<8>(text, locale, depth);
    bytes[TEXT_BYTES] = n.min(TEXT_BYTES + 1) as u8 + 1;
    u64::from_be_bytes(bytes)
}

/// The kind in the first byte, in the order of [`Value::total_cmp`].
fn of_any(cell: Cell<'_>, way: Way) -> u64 {
    let (kind, rest) = match cell {
        Cell::Bool(x) => (0, u64::from(x)),
        Cell::Int(x) => (1, of_float(x as f64)),
        Cell::Float(x) => (1, of_float(x)),
        Cell::Time(x) => (2, of_int(x)),
        Cell::Text(text) => (3, of_text(text, way, 0)),
        Cell::Bytes(_) => (4, 0),
        Cell::Media(_) => (5, 0),
        Cell::Nested(Value::Object(_)) => (7, 0),
        Cell::Nested(_) => (6, 0),
        Cell::Null => return of_null(way),
    };
    // Kinds start at 1, so that no prefix is 0, and no reversed one all ones.
    (kind + 1) << 56 | rest >> 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn cell_of(kind: PrefixKind) -> BoxedStrategy<Value> {
        let int = prop_oneof![any::<i64>(), -2_i64..2, Just(i64::MIN), Just(i64::MAX)];
        let float = prop_oneof![
            any::<f64>(),
            prop::sample::select(vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        ];
        let text =
            prop_oneof!["[abAä\\x00]{0,9}", "\\PC{0,3}", Just("abcdefgh".to_owned()), Just("abcdefg".to_owned())];
        let (int, float, text) = (int.prop_map(Value::Int), float.prop_map(Value::Float), text.prop_map(Value::Text));
        let null = Just(Value::Null);
        match kind {
            PrefixKind::Int => prop_oneof![int, null].boxed(),
            PrefixKind::Float { has_ints: false } => prop_oneof![float, null].boxed(),
            PrefixKind::Float { has_ints: true } => prop_oneof![float, int, null].boxed(),
            PrefixKind::Text => prop_oneof![text, null].boxed(),
            PrefixKind::Any => {
                let time = any::<i64>().prop_map(|t| Value::Time(Timestamp(t)));
                let list = Just(Value::List(vec![Value::Null]));
                let object = Just(Value::Object(Vec::new()));
                let flag = any::<bool>().prop_map(Value::Bool);
                prop_oneof![float, int, text, time, list, object, flag, Just(Value::Bytes(vec![1])), null].boxed()
            }
        }
    }

    fn cells() -> impl Strategy<Value = (PrefixKind, Value, Value, Way)> {
        let locale = prop::sample::select(vec![None, Some(Locale::Root), Some(Locale::Swedish)]);
        let way = (any::<bool>(), any::<bool>(), locale).prop_map(|(descending, nulls_first, locale)| Way {
            descending,
            nulls_first,
            locale,
        });
        let kinds = vec![
            PrefixKind::Int,
            PrefixKind::Float { has_ints: false },
            PrefixKind::Float { has_ints: true },
            PrefixKind::Text,
            PrefixKind::Any,
        ];
        let kinds = prop::sample::select(kinds).prop_flat_map(|kind| (Just(kind), cell_of(kind), cell_of(kind)));
        (kinds, way).prop_map(|((kind, a, b), way)| (kind, a, b, way))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn prefixes_stand_in_the_order_of_cells((kind, a, b, way) in cells()) {
            let (a, b) = (Cell::from(&a), Cell::from(&b));
            let order = way.compare(a, b);
            let (pa, pb) = (kind.prefix(a, way, 0), kind.prefix(b, way, 0));
            prop_assert!(pa.cmp(&pb) == order || pa == pb, "{:?} {:?}: {:x} {:x}", a, b, pa, pb);
            if pa == pb && kind.decides(pa, way) {
                prop_assert!(order.is_eq(), "{:?} {:?} share {:x}", a, b, pa);
            }
        }
    }
}
