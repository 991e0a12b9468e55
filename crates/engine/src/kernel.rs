//! Comparisons of up to 64 cells at a time: a bit for each. On wasm with simd128 sixteen cells are compared in a few
//! instructions, elsewhere one after the other; both give the same bits.

/// How a cell must stand to a literal. What else a filter asks for is the opposite of one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
}

/// So many cells are fetched at once: what one of eight bytes takes of a page.
pub(crate) const FETCHED_CELLS: usize = 512;

/// Has memory bring cells that are read next: one of each cache line is read. A loop that does no more waits for a dozen
/// lines at once, where one that computes with each cell waits for a few.
#[inline]
pub(crate) fn fetch<T: Copy>(cells: &[T], bits: impl Fn(T) -> u64) {
    let read = cells.iter().step_by(64 / size_of::<T>()).fold(0, |read, cell| read ^ bits(*cell));
    std::hint::black_box(read);
}

/// The bits of up to 64 cells that pass.
#[inline]
pub(crate) fn bits<T: Copy>(cells: &[T], pass: impl Fn(T) -> bool) -> u64 {
    cells.iter().enumerate().fold(0, |bits, (idx, cell)| bits | u64::from(pass(*cell)) << idx)
}

/// The bits of up to 64 numbers that stand to the literal as IEEE 754 compares: NaN never does.
#[inline]
pub(crate) fn float_bits(cells: &[f64], comparison: Comparison, literal: f64) -> u64 {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    if let Ok(cells) = cells.try_into() {
        return simd::float_bits(cells, comparison, literal);
    }
    scalar_float_bits(cells, comparison, literal)
}

/// The bits of up to 64 whole numbers that stand to the literal.
#[inline]
pub(crate) fn int_bits(cells: &[i64], comparison: Comparison, literal: i64) -> u64 {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    if let Ok(cells) = cells.try_into() {
        return simd::int_bits(cells, comparison, literal);
    }
    scalar_int_bits(cells, comparison, literal)
}

fn scalar_float_bits(cells: &[f64], comparison: Comparison, literal: f64) -> u64 {
    match comparison {
        Comparison::Less => bits(cells, |cell| cell < literal),
        Comparison::LessOrEqual => bits(cells, |cell| cell <= literal),
        Comparison::Equal => bits(cells, |cell| cell == literal),
    }
}

fn scalar_int_bits(cells: &[i64], comparison: Comparison, literal: i64) -> u64 {
    match comparison {
        Comparison::Less => bits(cells, |cell| cell < literal),
        Comparison::LessOrEqual => bits(cells, |cell| cell <= literal),
        Comparison::Equal => bits(cells, |cell| cell == literal),
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd {
    use core::arch::wasm32::{
        f64x2, f64x2_eq, f64x2_le, f64x2_lt, f64x2_splat, i8x16_bitmask, i8x16_narrow_i16x8, i16x8_narrow_i32x4,
        i32x4_shuffle, i64x2, i64x2_eq, i64x2_le, i64x2_lt, i64x2_splat, v128,
    };

    use super::Comparison;

    pub(super) fn float_bits(cells: &[f64; 64], comparison: Comparison, literal: f64) -> u64 {
        let literal = f64x2_splat(literal);
        let pair = |idx: usize| f64x2(cells[idx], cells[idx + 1]);
        match comparison {
            Comparison::Less => gathered(|idx| f64x2_lt(pair(idx), literal)),
            Comparison::LessOrEqual => gathered(|idx| f64x2_le(pair(idx), literal)),
            Comparison::Equal => gathered(|idx| f64x2_eq(pair(idx), literal)),
        }
    }

    pub(super) fn int_bits(cells: &[i64; 64], comparison: Comparison, literal: i64) -> u64 {
        let literal = i64x2_splat(literal);
        let pair = |idx: usize| i64x2(cells[idx], cells[idx + 1]);
        match comparison {
            Comparison::Less => gathered(|idx| i64x2_lt(pair(idx), literal)),
            Comparison::LessOrEqual => gathered(|idx| i64x2_le(pair(idx), literal)),
            Comparison::Equal => gathered(|idx| i64x2_eq(pair(idx), literal)),
        }
    }

    /// A bit for each lane of the 32 pairs that start at the even places up to 64; a lane is all ones or all zeros.
    #[inline(always)]
    fn gathered(pair: impl Fn(usize) -> v128) -> u64 {
        // Saturation keeps ones ones and zeros zeros.
        let four = |idx: usize| i32x4_shuffle::<0, 2, 4, 6>(pair(idx), pair(idx + 2));
        let eight = |idx: usize| i16x8_narrow_i32x4(four(idx), four(idx + 4));
        let sixteen = |idx: usize| u64::from(i8x16_bitmask(i8x16_narrow_i16x8(eight(idx), eight(idx + 8))));
        sixteen(0) | sixteen(16) << 16 | sixteen(32) << 32 | sixteen(48) << 48
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const COMPARISONS: [Comparison; 3] = [Comparison::Less, Comparison::LessOrEqual, Comparison::Equal];

    proptest! {
        /// Says something where the tests run with simd128, and must hold everywhere.
        #[test]
        fn both_ways_give_the_same_bits(
            floats in prop::collection::vec(prop_oneof![any::<f64>(), prop::sample::select(vec![0.0, -0.0, 1.0, f64::NAN])], 0..=64),
            ints in prop::collection::vec(prop_oneof![any::<i64>(), -2_i64..3], 0..=64),
            n in -2_i64..3,
        ) {
            for comparison in COMPARISONS {
                let literal = n as f64;
                prop_assert_eq!(float_bits(&floats, comparison, literal), scalar_float_bits(&floats, comparison, literal));
                prop_assert_eq!(int_bits(&ints, comparison, n), scalar_int_bits(&ints, comparison, n));
            }
        }
    }
}
