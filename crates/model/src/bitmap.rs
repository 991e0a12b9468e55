//! A growable row of bits.

/// Bits packed in 64-bit words, least significant first; the bits past the end of the last word are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    n_bits: usize,
}

impl Bitmap {
    /// A bitmap of `n_bits` bits, all `bit`.
    #[must_use]
    pub fn repeat(bit: bool, n_bits: usize) -> Self {
        let mut bitmap = Self::default();
        bitmap.extend_repeat(bit, n_bits);
        bitmap
    }

    /// A bitmap of the first `n_bits` bits of packed words.
    ///
    /// # Panics
    /// When there are more or fewer words than the bits take.
    #[must_use]
    pub fn from_words(mut words: Vec<u64>, n_bits: usize) -> Self {
        assert_eq!(words.len(), n_bits.div_ceil(64), "words of {n_bits} bits");
        if let Some(last) = words.last_mut() {
            *last &= u64::MAX >> ((64 - n_bits % 64) % 64);
        }
        Self { words, n_bits }
    }

    /// How many bits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_bits
    }

    /// Whether there are no bits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n_bits == 0
    }

    /// The bit at `idx`.
    ///
    /// # Panics
    /// When `idx` is not below [`Bitmap::len`].
    #[must_use]
    pub fn get(&self, idx: usize) -> bool {
        assert!(idx < self.n_bits, "bit {idx} of {}", self.n_bits);
        self.words[idx / 64] >> (idx % 64) & 1 == 1
    }

    /// Adds a bit.
    pub fn push(&mut self, bit: bool) {
        if self.n_bits.is_multiple_of(64) {
            self.words.push(0);
        }
        if bit {
            self.words[self.n_bits / 64] |= 1 << (self.n_bits % 64);
        }
        self.n_bits += 1;
    }

    /// Adds `n_bits` equal bits.
    pub fn extend_repeat(&mut self, bit: bool, n_bits: usize) {
        let mut left = n_bits;
        while left > 0 && !self.n_bits.is_multiple_of(64) {
            self.push(bit);
            left -= 1;
        }
        self.words.resize(self.words.len() + left / 64, if bit { u64::MAX } else { 0 });
        self.n_bits += left / 64 * 64;
        for _ in 0..left % 64 {
            self.push(bit);
        }
    }

    /// The packed words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many bits are set.
    #[must_use]
    pub fn count_ones(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The bits in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.n_bits).map(|idx| self.get(idx))
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut bitmap = Self::default();
        for bit in bits {
            bitmap.push(bit);
        }
        bitmap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holds_what_was_pushed(runs in prop::collection::vec((any::<bool>(), 0_usize..200), 0..8)) {
            let mut bitmap = Bitmap::default();
            let mut expect = Vec::new();
            for (bit, n) in runs {
                bitmap.extend_repeat(bit, n);
                expect.extend(std::iter::repeat_n(bit, n));
            }
            prop_assert_eq!(bitmap.iter().collect::<Vec<_>>(), expect.clone());
            prop_assert_eq!(bitmap.count_ones(), expect.iter().filter(|b| **b).count());
            let mut words = bitmap.words().to_vec();
            if let Some(last) = words.last_mut().filter(|_| !expect.len().is_multiple_of(64)) {
                *last |= u64::MAX << (expect.len() % 64);
            }
            prop_assert_eq!(&Bitmap::from_words(words, expect.len()), &bitmap);
            prop_assert_eq!(bitmap, expect.into_iter().collect::<Bitmap>());
        }
    }
}
