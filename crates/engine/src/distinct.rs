//! How many different values there are: exact of few, then estimated.
//!
//! Source of the estimate: P. Flajolet, E. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal
//! cardinality estimation algorithm", 2007, on 64-bit hashes, which need no correction of large counts.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::cell::Cell;
use crate::key::push_key;

/// So many different values are kept.
const MAX_EXACT: usize = if cfg!(test) { 250 } else { 10_000 };
/// The bits of a hash that choose a register.
const REGISTER_BITS: u32 = 12;
const N_REGISTERS: usize = 1 << REGISTER_BITS;

/// Different values, or what tells about how many there are.
pub(crate) enum Distinct {
    Exact(HashSet<Box<[u8]>>),
    /// By register: the most zeros that a hash began with, and one. The estimate is off by 1.6 % in two of three cases.
    Registers(Box<[u8; N_REGISTERS]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct::Exact(HashSet::new())
    }
}

impl Distinct {
    pub(crate) fn add(&mut self, cell: Cell<'_>) {
        let mut key = Vec::new();
        push_key(cell, &mut key);
        match self {
            Distinct::Registers(registers) => register(registers, &key),
            Distinct::Exact(keys) if keys.contains(&key[..]) => {}
            Distinct::Exact(keys) if keys.len() < MAX_EXACT => drop(keys.insert(key.into())),
            Distinct::Exact(keys) => {
                let mut registers = Box::new([0; N_REGISTERS]);
                keys.iter().for_each(|known| register(&mut registers, known));
                register(&mut registers, &key);
                *self = Distinct::Registers(registers);
            }
        }
    }

    pub(crate) fn is_estimate(&self) -> bool {
        matches!(self, Distinct::Registers(_))
    }

    pub(crate) fn count(&self) -> u64 {
        match self {
            Distinct::Exact(keys) => keys.len() as u64,
            Distinct::Registers(registers) => estimate(registers),
        }
    }
}

fn register(registers: &mut [u8; N_REGISTERS], key: &[u8]) {
    // The same in every run, so that a view is the same whenever it is made.
    let hash = FixedState::default().hash_one(key);
    let idx = (hash >> (64 - REGISTER_BITS)) as usize;
    let rest = hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1);
    registers[idx] = registers[idx].max(rest.leading_zeros() as u8 + 1);
}

fn estimate(registers: &[u8; N_REGISTERS]) -> u64 {
    let m = N_REGISTERS as f64;
    let sum: f64 = registers.iter().map(|zeros| 2.0_f64.powi(-i32::from(*zeros))).sum();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let n_empty = registers.iter().filter(|zeros| **zeros == 0).count() as f64;
    // Few values leave registers empty, which tells more exactly.
    let count = if raw <= 2.5 * m && n_empty > 0.0 { m * (m / n_empty).ln() } else { raw };
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn an_estimate_is_near_the_count() {
        let mut set = Distinct::default();
        for n in 0..1_000_000_i64 {
            set.add(Cell::Int(n));
            set.add(Cell::Int(n / 2));
            if [249, 250, 251, 1000, 10_000, 20_000, 1_000_000].contains(&(n + 1)) {
                let (count, expect) = (set.count() as f64, (n + 1) as f64);
                assert_eq!(set.is_estimate(), n + 1 > MAX_EXACT as i64);
                assert!(set.is_estimate() || count == expect, "{count} of {expect}");
                // Five times what it is off by in two of three cases.
                assert!((count - expect).abs() <= expect * 0.08, "{count} of {expect}");
            }
        }
    }
}
