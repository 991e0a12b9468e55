//! The texts of a segment's column: numbered by a dictionary while they repeat, else packed end to end.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::fast::RandomState;
use model::Strings;

use crate::segment::SEGMENT_ROWS;

/// A dictionary is given up once it holds more than this many texts and more than half as many as there are cells.
const MIN_GIVE_UP: usize = if cfg!(test) { 8 } else { 1024 };

/// The number of a text in a dictionary. A segment's has at most half as many texts as the segment has rows: 32,768.
pub(crate) type Code = u16;

const _: () = assert!(MIN_GIVE_UP < EMPTY as usize);
const _: () = assert!(SEGMENT_ROWS / 2 < EMPTY as usize);

/// A slot that holds no text.
const EMPTY: Code = Code::MAX;

pub(crate) enum TextCells {
    /// A number for each cell, of a text in the dictionary. A null cell has any number.
    Coded { codes: Vec<Code>, dictionary: Dictionary },
    /// A text for each cell. A null cell has the empty one.
    Plain(Strings),
}

impl TextCells {
    /// None yet, with room for so many.
    pub(crate) fn with_capacity(n_cells: usize) -> Self {
        TextCells::Coded { codes: Vec::with_capacity(n_cells), dictionary: Dictionary::default() }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            TextCells::Coded { codes, .. } => codes.len(),
            TextCells::Plain(texts) => texts.len(),
        }
    }

    /// The text of a cell that is not null.
    pub(crate) fn get(&self, idx: usize) -> &str {
        match self {
            TextCells::Coded { codes, dictionary } => dictionary.texts.get(codes[idx] as usize),
            TextCells::Plain(texts) => texts.get(idx),
        }
    }

    /// How many bytes of text are held.
    pub(crate) fn n_text_bytes(&self) -> usize {
        match self {
            TextCells::Coded { dictionary, .. } => dictionary.texts.bytes().len(),
            TextCells::Plain(texts) => texts.bytes().len(),
        }
    }

    pub(crate) fn push(&mut self, text: &str, is_null: impl Fn(usize) -> bool) {
        match self {
            TextCells::Plain(texts) => texts.push(text),
            TextCells::Coded { codes, dictionary } => {
                codes.push(dictionary.code(text));
                if dictionary.texts.len() > MIN_GIVE_UP && dictionary.texts.len() * 2 > codes.len() {
                    let n_bytes = dictionary.texts.bytes().len() / dictionary.texts.len() * codes.capacity();
                    let mut texts = Strings::with_capacity(codes.capacity(), n_bytes);
                    for (idx, code) in codes.iter().enumerate() {
                        texts.push(if is_null(idx) { "" } else { dictionary.texts.get(*code as usize) });
                    }
                    *self = TextCells::Plain(texts);
                }
            }
        }
    }

    /// Adds texts as far as that takes no look at each; says how many.
    pub(crate) fn extend_packed(&mut self, texts: &Strings, range: Range<usize>) -> usize {
        match self {
            TextCells::Plain(mine) => {
                let n_texts = range.len();
                mine.extend_from(texts, range);
                n_texts
            }
            TextCells::Coded { .. } => 0,
        }
    }

    pub(crate) fn push_null(&mut self) {
        match self {
            TextCells::Plain(texts) => texts.push(""),
            TextCells::Coded { codes, .. } => codes.push(0),
        }
    }

    /// Lets go of what only pushing needs.
    pub(crate) fn seal(&mut self) {
        match self {
            TextCells::Coded { codes, dictionary } => {
                codes.shrink_to_fit();
                dictionary.slots = Vec::new();
                dictionary.texts.shrink_to_fit();
            }
            TextCells::Plain(texts) => texts.shrink_to_fit(),
        }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            TextCells::Coded { codes, dictionary } => {
                (codes.len() + dictionary.slots.len()) * size_of::<Code>() + dictionary.texts.memory_bytes()
            }
            TextCells::Plain(texts) => texts.memory_bytes(),
        }
    }
}

/// Distinct texts, each with a number from 0.
#[derive(Default)]
pub(crate) struct Dictionary {
    pub(crate) texts: Strings,
    /// Numbers of texts by hash, open addressing; a power of two, at most half full.
    slots: Vec<Code>,
    hasher: RandomState,
}

impl Dictionary {
    fn code(&mut self, text: &str) -> Code {
        if self.texts.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(text);
        if self.slots[slot] == EMPTY {
            self.slots[slot] = self.texts.len() as Code;
            self.texts.push(text);
        }
        self.slots[slot]
    }

    /// Where the text stands, or would.
    fn slot(&self, text: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(text) as usize & mask;
        while self.slots[slot] != EMPTY && self.texts.get(self.slots[slot] as usize) != text {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; (self.slots.len() * 2).max(16)];
        for code in 0..self.texts.len() {
            let slot = self.slot(self.texts.get(code));
            self.slots[slot] = code as Code;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_is_kept_while_texts_repeat() {
        let mut few = TextCells::with_capacity(0);
        let mut many = TextCells::with_capacity(0);
        for idx in 0..5000 {
            few.push(&format!("text {}", idx % 7), |_| false);
            if idx % 5 == 0 {
                many.push_null();
            } else {
                many.push(&format!("text {idx}"), |idx| idx % 5 == 0);
            }
        }
        assert!(matches!(&few, TextCells::Coded { dictionary, .. } if dictionary.texts.len() == 7));
        assert!(matches!(&many, TextCells::Plain(_)));
        few.seal();
        for idx in 0..5000 {
            assert_eq!(few.get(idx), format!("text {}", idx % 7));
            assert_eq!(many.get(idx), if idx % 5 == 0 { String::new() } else { format!("text {idx}") });
        }
    }
}
