//! Quantiles of numbers that are not kept: exact of few, then from counts of numbers that are nearly the same.
//!
//! Source of the sketch: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
//! relative-error guarantees", VLDB 2019. Counts do not depend on the order in which numbers come.

use std::cmp::Ordering;

/// So many numbers are kept as they are.
const MAX_EXACT: usize = if cfg!(test) { 250 } else { 4000 };
/// A quantile of more is off by at most this share of itself.
pub(crate) const RELATIVE_ERROR: f64 = 0.005;

/// Numbers, or how many there are of about each size.
pub(crate) enum Sketch {
    Exact(Vec<f64>),
    Counts(Box<Counts>),
}

/// How many numbers there are, from the least to the greatest.
#[derive(Default)]
pub(crate) struct Counts {
    n_least: u64,
    negative: Buckets,
    n_zeros: u64,
    positive: Buckets,
    n_infinite: u64,
    n_nan: u64,
}

/// Counts of numbers by the logarithm of their size.
#[derive(Default)]
struct Buckets {
    /// The bucket that the first count is of.
    first: i32,
    counts: Vec<u64>,
    n: u64,
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::Exact(Vec::new())
    }
}

impl Sketch {
    pub(crate) fn add(&mut self, number: f64) {
        // The two zeros are equal, and which of them a quantile is must not depend on what else there is: -0 + 0 is 0.
        let number = number + 0.0;
        match self {
            Sketch::Counts(counts) => counts.add(number),
            Sketch::Exact(numbers) if numbers.len() < MAX_EXACT => numbers.push(number),
            Sketch::Exact(numbers) => {
                let mut counts = Box::<Counts>::default();
                numbers.iter().for_each(|known| counts.add(*known));
                counts.add(number);
                *self = Sketch::Counts(counts);
            }
        }
    }

    pub(crate) fn is_estimate(&self) -> bool {
        matches!(self, Sketch::Counts(_))
    }

    /// The quantile at a share from 0 to 1; `None` of no numbers. NaN is the greatest number.
    ///
    /// Of few numbers, that of a line between the two next to it (the seventh way of R. J. Hyndman and Y. Fan, "Sample
    /// quantiles in statistical packages", 1996); of many, the number at or before it in their order, off by at most
    /// [`RELATIVE_ERROR`] of itself.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        match self {
            Sketch::Exact(numbers) => {
                let place = share * numbers.len().checked_sub(1)? as f64;
                let mut numbers = numbers.clone();
                let (_, low, above) = numbers.select_nth_unstable_by(place.floor() as usize, nan_last);
                let (low, part) = (*low, place.fract());
                let high = above.iter().copied().min_by(nan_last).unwrap_or(low);
                Some(if part == 0.0 || low == high { low } else { low + (high - low) * part })
            }
            Sketch::Counts(counts) => Some(counts.at(share)),
        }
    }
}

fn nan_last(a: &f64, b: &f64) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl Counts {
    fn add(&mut self, number: f64) {
        if number.is_nan() {
            self.n_nan += 1;
        } else if number == f64::NEG_INFINITY {
            self.n_least += 1;
        } else if number == f64::INFINITY {
            self.n_infinite += 1;
        } else if number == 0.0 {
            self.n_zeros += 1;
        } else if number < 0.0 {
            self.negative.add(-number);
        } else {
            self.positive.add(number);
        }
    }

    fn at(&self, share: f64) -> f64 {
        let n = self.n_least + self.negative.n + self.n_zeros + self.positive.n + self.n_infinite + self.n_nan;
        let mut rank = (share * (n - 1) as f64) as u64;
        let mut passes = |count: u64| {
            let is_past = rank >= count;
            rank -= if is_past { count } else { 0 };
            is_past
        };
        if !passes(self.n_least) {
            return f64::NEG_INFINITY;
        }
        if !passes(self.negative.n) {
            return -self.negative.at(self.negative.n - 1 - rank);
        }
        if !passes(self.n_zeros) {
            return 0.0;
        }
        if !passes(self.positive.n) {
            return self.positive.at(rank);
        }
        if passes(self.n_infinite) { f64::NAN } else { f64::INFINITY }
    }
}

impl Buckets {
    /// How wide a bucket is on the scale of [`scaled`], on which a step is at most as large as that of the natural
    /// logarithm. Numbers of one bucket are thus at most a hundredth apart, and both within half of that from its middle.
    const WIDTH: f64 = 2.0 * RELATIVE_ERROR;

    fn add(&mut self, size: f64) {
        let bucket = (scaled(size) / Self::WIDTH).floor() as i32;
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let n_more = (self.first - bucket) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, n_more));
            self.first = bucket;
        }
        let idx = (bucket - self.first) as usize;
        if idx >= self.counts.len() {
            self.counts.resize(idx + 1, 0);
        }
        self.counts[idx] += 1;
        self.n += 1;
    }

    /// About the size of the number at a rank, from the least on.
    fn at(&self, mut rank: u64) -> f64 {
        for (bucket, count) in (self.first..).zip(&self.counts) {
            if rank < *count {
                let [least, end] = [bucket, bucket + 1].map(|at| size_at(f64::from(at) * Self::WIDTH).min(f64::MAX));
                // As far from either end, measured by the end.
                return least / (0.5 * (least / end) + 0.5);
            }
            rank -= count;
        }
        f64::NAN
    }
}

/// The exponent of a number greater than 0, and between two powers of two a straight line: a logarithm without one, the same
/// to the last bit on every machine.
fn scaled(size: f64) -> f64 {
    let (size, shift) = if size < f64::MIN_POSITIVE { (size * 2.0_f64.powi(54), 54.0) } else { (size, 0.0) };
    let bits = size.to_bits();
    let exponent = (bits >> 52) as f64 - 1023.0 - shift;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    exponent + (mantissa - 1.0)
}

/// The number at a place of that scale.
fn size_at(place: f64) -> f64 {
    let exponent = place.floor();
    let mantissa = 1.0 + (place - exponent);
    // In two steps, as the least numbers have no power of two of their own.
    let half = (exponent / 2.0).floor() as i32;
    mantissa * 2.0_f64.powi(half) * 2.0_f64.powi(exponent as i32 - half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        let special =
            vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, f64::MIN];
        prop::collection::vec(
            prop_oneof![3 => -100.0..100.0_f64, 1 => any::<f64>(), 1 => prop::sample::select(special)],
            1..600,
        )
    }

    proptest! {
        #[test]
        fn a_quantile_is_near_the_number_at_its_place(numbers in numbers(), share in 0.0..=1.0_f64) {
            let mut sketch = Sketch::default();
            numbers.iter().for_each(|number| sketch.add(*number));
            let mut sorted = numbers.clone();
            sorted.sort_by(nan_last);
            let place = share * (numbers.len() - 1) as f64;
            let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            let got = sketch.quantile(share).unwrap();
            prop_assert_eq!(sketch.is_estimate(), numbers.len() > MAX_EXACT);
            if sketch.is_estimate() {
                // The least numbers have few digits.
                let slack = low.abs() * RELATIVE_ERROR * 1.0001 + 1e-322;
                let is_near = got == low || (got - low).abs() <= slack || (got.is_nan() && low.is_nan());
                prop_assert!(is_near, "{} for {}", got, low);
            } else if low.is_finite() && high.is_finite() && (high - low).is_finite() {
                prop_assert!(low <= got && got <= high, "{} between {} and {}", got, low, high);
            } else if place.fract() == 0.0 {
                prop_assert!(got == low || (got.is_nan() && low.is_nan()));
            }
        }
    }
}
