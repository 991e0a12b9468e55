//! Small letters and capitals: of Latin, Greek, Cyrillic and Armenian, each a character for a character. The tables of all
//! scripts would weigh more in a page than the rest of the language's evaluation.

/// The small letter of a capital; any other character as it is.
pub(crate) fn small(c: char) -> char {
    let code = c as u32;
    let small = match code {
        0x41..=0x5A | 0xC0..=0xD6 | 0xD8..=0xDE | 0x391..=0x3A1 | 0x3A3..=0x3AB | 0x410..=0x42F => code + 32,
        0x400..=0x40F => code + 80,
        0x531..=0x556 => code + 48,
        0x386 => code + 38,
        0x388..=0x38A => code + 37,
        0x38C => code + 64,
        0x38E | 0x38F => code + 63,
        0x178 => 0xFF,
        // Pairs, the capital first.
        0x100..=0x12F | 0x132..=0x137 | 0x14A..=0x177 | 0x460..=0x481 | 0x48A..=0x4BF | 0x4D0..=0x52F => code | 1,
        0x1E00..=0x1E95 | 0x1EA0..=0x1EFF => code | 1,
        0x139..=0x148 | 0x179..=0x17E | 0x4C1..=0x4CE => code + code % 2,
        _ => code,
    };
    char::from_u32(small).unwrap_or(c)
}

/// The capital of a small letter; any other character as it is.
pub(crate) fn capital(c: char) -> char {
    const STEPS: [u32; 8] = [32, 1, 80, 48, 38, 37, 64, 63];
    let below = STEPS.iter().filter_map(|step| char::from_u32((c as u32).checked_sub(*step)?));
    let is_capital = |capital: &char| *capital != c && small(*capital) == c;
    below.chain(['\u{178}']).find(is_capital).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those that are no single letter in the other case, or not the only one of it.
    const APART: &str = "\
        \u{b5}\u{df}\u{130}\u{131}\u{149}\u{17f}\u{390}\u{3b0}\u{3c2}\u{4c0}\u{4cf}\
        \u{1e96}\u{1e97}\u{1e98}\u{1e99}\u{1e9a}\u{1e9b}\u{1e9e}";

    #[test]
    fn letters_are_those_of_the_standard_library() {
        let single = |mut of: Box<dyn Iterator<Item = char>>| of.next().filter(|_| of.next().is_none());
        let ranges = [0..0x180, 0x386..0x3CF, 0x400..0x530, 0x531..0x587, 0x1E00..0x1F00];
        let mut n_pairs = 0;
        for c in ranges.into_iter().flatten().filter_map(char::from_u32).filter(|c| !APART.contains(*c)) {
            assert_eq!(Some(small(c)), single(Box::new(c.to_lowercase())), "{c} {:x}", c as u32);
            assert_eq!(Some(capital(c)), single(Box::new(c.to_uppercase())), "{c} {:x}", c as u32);
            n_pairs += usize::from(small(c) != c);
        }
        assert!(n_pairs > 350, "{n_pairs}");
        for c in APART.chars().chain("中あא1 ".chars()) {
            assert!(small(c) == c || c.to_lowercase().eq([small(c)]), "{c}");
            assert!(capital(c) == c || c.to_uppercase().eq([capital(c)]), "{c}");
        }
    }
}
