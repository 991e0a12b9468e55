//! Texts in the order of an alphabet: keys whose bytes stand in the order in which a dictionary has the texts.
//!
//! A key tells three things, one after the other: the letters without accents and case, punctuation before digits before
//! letters; then the accents, by code point; then the case, small letters first (but great ones in Danish). It follows the
//! root of the Unicode Collation Algorithm (UTS #10, as CLDR has it) for Latin, Greek and Cyrillic letters and the punctuation
//! of ASCII, with the letters that a language has of its own. It is less than that algorithm: other scripts stand by code
//! point, after Cyrillic; two letters are never one (Danish `aa`, Czech `ch`); digits are letters, so `10` stands before `2`.
//!
//! Keys are made as they are read and never kept: the first eight bytes mostly decide. What makes them is never inlined, as it
//! is large and called from many places.

use std::cmp::Ordering;

use expr::Locale;

/// The ASCII characters that are no letters, in order. Controls stand before all.
const SIGNS: &[u8] = b" _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789";
/// The weight of the first of them.
const FIRST_SIGN: u8 = 0x08;
/// The weight of `a`; each letter leaves four weights after it to letters of a language's own.
const LETTER_A: u8 = 0x38;
const LETTER_STEP: u8 = 5;
/// The accents and the case that go without saying.
const PLAIN: u8 = 1;
const CASED: u8 = 2;

/// By character from U+00C0, U+01A0 and U+1E00 on: the letter of ASCII it is made of, `.` for none, a capital for a pair of
/// [`PAIRS`].
const LATIN: [(u32, &[u8]); 3] = [
    (
        0xC0,
        b"aaaaaaAceeeeiiiidnooooo.ouuuuy.SaaaaaaAceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiii.IIjjkk.llllllllllnnnnnn...ooooooOOrrrrrrsssssssstttt..uuuuuuuuuuuuwwyyyzzzzzzs",
    ),
    (
        0x1A0,
        b"oo.............uu...................DDDJJJNNNaaiioouuuuuuuuuu.aaaaAA..ggkkoooo..jDDDgg..nnaaAAooaaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy",
    ),
    (
        0x1E00,
        b"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s..S.aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyyLL",
    ),
];

const PAIRS: [(u8, &[u8; 2]); 8] = [
    (b'A', b"ae"),
    (b'S', b"ss"),
    (b'I', b"ij"),
    (b'O', b"oe"),
    (b'L', b"ll"),
    (b'D', b"dz"),
    (b'J', b"lj"),
    (b'N', b"nj"),
];

/// Greek and Cyrillic letters with an accent, each with the letter it is made of.
const ACCENTED: [(char, char); 20] = [
    ('ά', 'α'),
    ('έ', 'ε'),
    ('ή', 'η'),
    ('ί', 'ι'),
    ('ϊ', 'ι'),
    ('ΐ', 'ι'),
    ('ό', 'ο'),
    ('ύ', 'υ'),
    ('ϋ', 'υ'),
    ('ΰ', 'υ'),
    ('ώ', 'ω'),
    ('ς', 'σ'),
    ('ѐ', 'е'),
    ('ё', 'е'),
    ('ѝ', 'и'),
    ('ї', 'і'),
    ('ѓ', 'г'),
    ('ќ', 'к'),
    ('ґ', 'г'),
    ('ў', 'у'),
];

/// Cyrillic letters in order, those with an accent left out that stand by their letter: code points have the letters of other
/// languages than Russian after all of its own.
const CYRILLIC: &str = "абвгдђеєжзѕиійјклљмнњопрстћуфхцчџшщъыьэюя";

/// Compares two texts as their keys.
#[inline(never)]
pub(crate) fn compare(a: &str, b: &str, locale: Locale) -> Ordering {
    let mut key = Vec::with_capacity(2 * a.len() + 2);
    visit_key(a, locale, &mut |byte| {
        key.push(byte);
        true
    });
    let mut place = 0;
    let mut order = Ordering::Equal;
    visit_key(b, locale, &mut |byte| {
        order = key.get(place).map_or(Ordering::Less, |mine| mine.cmp(&byte));
        place += 1;
        order.is_eq()
    });
    order.then(key.len().cmp(&place))
}

/// The bytes of a text's key from `depth` on, as many as fit, and how many there are, one more than fit if there are more.
pub(crate) fn key_part<const N: usize>(text: &str, locale: Locale, depth: usize) -> ([u8; N], usize) {
    let (mut bytes, mut place) = ([0; N], 0_usize);
    visit_key(text, locale, &mut |byte| {
        if let Some(slot) = place.checked_sub(depth).and_then(|at| bytes.get_mut(at)) {
            *slot = byte;
        }
        place += 1;
        place <= depth + N
    });
    (bytes, place.saturating_sub(depth))
}

/// Shows the bytes of a text's key until it is not wanted further.
fn visit_key(text: &str, locale: Locale, see: &mut dyn FnMut(u8) -> bool) {
    // Whether it broke off is known to who broke it off.
    let _ = try_visit_key(text, locale, &mut |byte| see(byte).then_some(()));
}

/// `None` where it broke off.
#[inline(never)]
fn try_visit_key(text: &str, locale: Locale, see: &mut dyn FnMut(u8) -> Option<()>) -> Option<()> {
    for c in text.chars() {
        visit_letters(small(c), locale, see)?;
    }
    see(0)?;
    if !text.is_ascii() || text.bytes().any(|byte| byte < b' ') {
        let mut n_plain = 0;
        for c in text.chars() {
            let Some(accented) = accent(small(c), locale) else {
                n_plain += 1;
                continue;
            };
            (0..std::mem::take(&mut n_plain)).try_for_each(|_| see(PLAIN))?;
            visit_utf8(accented, see)?;
        }
    }
    see(0)?;
    let mut n_plain = 0;
    for c in text.chars() {
        if (small(c) == c) == (locale == Locale::Danish) {
            (0..std::mem::take(&mut n_plain)).try_for_each(|_| see(PLAIN))?;
            see(CASED)?;
        } else {
            n_plain += 1;
        }
    }
    Some(())
}

/// Shows what a small character weighs by its letters alone.
#[inline(never)]
fn visit_letters(c: char, locale: Locale, see: &mut dyn FnMut(u8) -> Option<()>) -> Option<()> {
    if c.is_ascii() {
        return see(WEIGHTS[c as usize]);
    }
    if let Some((weight, _)) = own_letter(c, locale) {
        return see(weight);
    }
    match base(c) {
        Base::None => Some(()),
        Base::One(letter) if letter.is_ascii() => see(WEIGHTS[letter as usize]),
        Base::One(letter) => match CYRILLIC.chars().position(|known| known == letter) {
            Some(place) => {
                see(0xD0)?;
                see(place as u8)
            }
            None => visit_utf8(letter, see),
        },
        Base::Two(letters) => letters.iter().try_for_each(|letter| see(WEIGHTS[*letter as usize])),
    }
}

/// What tells a small character from others of the same letters; `None` where it is the plain one of them.
fn accent(c: char, locale: Locale) -> Option<char> {
    if c < ' ' {
        // The picture of a control character.
        return char::from_u32(0x2400 + u32::from(c));
    }
    if c.is_ascii() || matches!(own_letter(c, locale), Some((_, true))) {
        return None;
    }
    let is_plain = own_letter(c, locale).is_none() && matches!(base(c), Base::One(letter) if letter == c);
    (!is_plain).then_some(c)
}

/// The letters that a character is made of.
enum Base {
    /// It is an accent.
    None,
    One(char),
    Two(&'static [u8; 2]),
}

#[inline(never)]
fn base(c: char) -> Base {
    let code = u32::from(c);
    if (0x300..0x370).contains(&code) {
        return Base::None;
    }
    let in_block = |(first, letters): &(u32, &[u8])| letters.get(code.checked_sub(*first)? as usize).copied();
    match LATIN.iter().find_map(in_block) {
        Some(letter) if letter.is_ascii_lowercase() => return Base::One(char::from(letter)),
        Some(pair) => {
            if let Some((_, letters)) = PAIRS.iter().find(|(known, _)| *known == pair) {
                return Base::Two(letters);
            }
        }
        None => {}
    }
    let sign = match c {
        '\u{a0}' | '\u{202f}' => Some(' '),
        '‐' | '‑' | '–' | '—' => Some('-'),
        '‘' | '’' => Some('\''),
        '“' | '”' | '„' => Some('"'),
        _ => None,
    };
    let of_accented = || ACCENTED.iter().find(|(accented, _)| *accented == c).map(|(_, letter)| *letter);
    Base::One(sign.or_else(of_accented).unwrap_or(c))
}

/// The weight of a letter that a language has of its own, and whether it is the first to have that weight.
#[inline(never)]
fn own_letter(c: char, locale: Locale) -> Option<(u8, bool)> {
    let found = own_letters(locale).iter().find(|(own, ..)| *own == c);
    found.map(|(_, after, place, is_first)| (WEIGHTS[*after as usize] + place, *is_first))
}

/// A letter, which letter of ASCII it stands after and at what place, and whether it is the first of those at that place.
type OwnLetter = (char, u8, u8, bool);

const WEST_NORDIC: [OwnLetter; 6] = [
    ('æ', b'z', 1, true),
    ('ä', b'z', 1, false),
    ('ø', b'z', 2, true),
    ('ö', b'z', 2, false),
    ('å', b'z', 3, true),
    ('ü', b'y', 0, false),
];

const EAST_NORDIC: [OwnLetter; 6] = [
    ('å', b'z', 1, true),
    ('ä', b'z', 2, true),
    ('æ', b'z', 2, false),
    ('ö', b'z', 3, true),
    ('ø', b'z', 3, false),
    ('ü', b'y', 0, false),
];

const POLISH: [OwnLetter; 9] = [
    ('ą', b'a', 1, true),
    ('ć', b'c', 1, true),
    ('ę', b'e', 1, true),
    ('ł', b'l', 1, true),
    ('ń', b'n', 1, true),
    ('ó', b'o', 1, true),
    ('ś', b's', 1, true),
    ('ź', b'z', 1, true),
    ('ż', b'z', 2, true),
];

fn own_letters(locale: Locale) -> &'static [OwnLetter] {
    match locale {
        Locale::Root => &[],
        Locale::Danish | Locale::Norwegian => &WEST_NORDIC,
        Locale::Spanish => &[('ñ', b'n', 1, true)],
        Locale::Finnish | Locale::Swedish => &EAST_NORDIC,
        Locale::Polish => &POLISH,
    }
}

/// The small letter of a Latin, Greek, Cyrillic or Armenian one. The standard library knows more, and carries kilobytes
/// for it.
#[inline(never)]
fn small(c: char) -> char {
    let code = u32::from(c);
    let pair = |first_is_odd: bool| code + u32::from((code % 2 == 1) == first_is_odd);
    let code = match code {
        0x41..=0x5A | 0xC0..=0xD6 | 0xD8..=0xDE | 0x391..=0x3A1 | 0x3A3..=0x3AB | 0x410..=0x42F => code + 0x20,
        0x00..0x100 | 0x130 | 0x138 | 0x149 | 0x17F | 0x1F0 | 0x1E96..=0x1E9D | 0x1E9F => code,
        0x139..=0x148 | 0x179..=0x17E | 0x1CD..=0x1DC | 0x4C1..=0x4CE => pair(true),
        0x100..=0x177
        | 0x1DE..=0x1EF
        | 0x1F8..=0x21F
        | 0x222..=0x233
        | 0x460..=0x481
        | 0x48A..=0x4BF
        | 0x4D0..=0x52F => pair(false),
        0x1E00..=0x1E95 | 0x1EA0..=0x1EFF | 0x1A0..=0x1A5 => pair(false),
        0x178 => 0xFF,
        0x220 => 0x19E,
        0x1AF => 0x1B0,
        0x1E9E => 0xDF,
        0x386 => 0x3AC,
        0x388..=0x38A => code + 0x25,
        0x38C => 0x3CC,
        0x38E..=0x38F => code + 0x3F,
        0x400..=0x40F => code + 0x50,
        0x4C0 => 0x4CF,
        0x531..=0x556 => code + 0x30,
        _ => code,
    };
    char::from_u32(code).unwrap_or(c)
}

#[inline(never)]
fn visit_utf8(c: char, see: &mut dyn FnMut(u8) -> Option<()>) -> Option<()> {
    c.encode_utf8(&mut [0; 4]).bytes().try_for_each(see)
}

/// What each character of ASCII weighs; great letters as small ones.
const WEIGHTS: [u8; 128] = {
    let mut weights = [1; 128];
    let mut place = 0;
    while place < SIGNS.len() {
        weights[SIGNS[place] as usize] = FIRST_SIGN + place as u8;
        place += 1;
    }
    let mut letter = 0;
    while letter < 26 {
        let weight = LETTER_A + LETTER_STEP * letter;
        weights[(b'a' + letter) as usize] = weight;
        weights[(b'A' + letter) as usize] = weight;
        letter += 1;
    }
    weights
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn key(text: &str, locale: Locale) -> Vec<u8> {
        let (bytes, n) = key_part::<200>(text, locale, 0);
        bytes[..n].to_vec()
    }

    /// The orders that `Intl.Collator` of ICU 78 gives.
    #[test]
    fn words_stand_as_in_a_dictionary() {
        let check = |tag: &str, words: &str| {
            let expect: Vec<&str> = words.split('|').collect();
            let mut got = expect.clone();
            got.sort_unstable();
            got.sort_by(|a, b| compare(a, b, Locale::from_tag(tag).unwrap()));
            assert_eq!(got, expect, "{tag}");
        };
        check(
            "en",
            "|(x)|#tag|$5|1|10|2|a|A|å|a b|a_b|a-b|a1|a10|a2|ab|aeon|æon|af|angstrom|Ångström|apfel|Apfel|Äpfel|ärger|Ärger|b|B|cote|Cote|coté|côte|côté|ete|e\u{301}te|été|istanbul|Istanbul|İstanbul|lodz|łódź|lz|ma|nandu|ñandú|nz|ö|oa|ore|øre|oz|resume|résumé|Résumé|strasse|Strasse|Straße|straßen|thing|ü|uber|über|y|z|żaba|zebra|Zebra|źle|zz|þing|αλφα|άλφα|βήτα|ωμέγα|елка|ёлка|ель|жук|иней|ірис|йод|кот|Ялта|яма|中国|日本",
        );
        check(
            "sv",
            "1|a|A|ab|aeon|angstrom|apfel|Apfel|b|coté|côte|lodz|łódź|lz|nandu|ñandú|nz|oa|ore|oz|strasse|Straße|uber|y|ü|über|z|żaba|zebra|źle|zz|å|Ångström|ä|æon|Äpfel|ärger|Ärger|ö|øre|αλφα|ель",
        );
        check("fi", "a|ab|aeon|z|zz|å|Ångström|ä|æon|Äpfel|ärger|Ärger|ö|øre|αλφα");
        check(
            "da",
            "1|A|a|a b|ab|aeon|Apfel|apfel|Cote|cote|coté|resume|Résumé|résumé|y|ü|über|z|zz|ä|æon|Äpfel|Ärger|ärger|ö|øre|å|Ångström|αλφα",
        );
        check(
            "nb",
            "1|a|A|ab|aeon|apfel|Apfel|uber|y|ü|über|z|zebra|Zebra|zz|ä|æon|Äpfel|ärger|Ärger|ö|øre|å|Ångström|αλφα",
        );
        check("es", "å|ab|nandu|nz|ñandú|ö|oa|ore|øre|oz|z");
        check("pl", "lodz|lz|łódź|ma|nandu|ñandú|nz|ö|oa|z|zebra|Zebra|zz|źle|żaba|þing");
        check("en", "|_|-|,|;|:|!|?|.|'|\"|(|)|[|]|{|}|@|*|/|\\|&|#|%|`|^|+|<|=|>|~|$|0|9|a|A|z|Z");
    }

    #[test]
    fn small_letters_are_those_of_the_standard_library() {
        for (from, to) in [(0, 0x180), (0x1CD, 0x1F0), (0x1F8, 0x234), (0x386, 0x3CF), (0x400, 0x557), (0x1E00, 0x1F00)]
        {
            for c in (from..to).filter_map(char::from_u32) {
                let mut lower = c.to_lowercase();
                let expect = if lower.len() == 1 { lower.next() } else { None };
                // What is small of two letters, or another sign altogether, stays.
                assert_eq!(small(c), expect.unwrap_or(c), "{:x}", c as u32);
            }
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[abzAZ]{0,3}", "[aeoAEOåÅäæÆœøñnßsSłLēĒэЭёе а–\\-\\x00\\x01\u{301}']{0,4}", "\\PC{0,4}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn keys_are_as_different_as_their_texts(a in text(), b in text(), tag in prop::sample::select(Locale::tags().collect::<Vec<_>>())) {
            let locale = Locale::from_tag(tag).unwrap();
            prop_assert_eq!(compare(&a, &b, locale), key(&a, locale).cmp(&key(&b, locale)));
            prop_assert_eq!(compare(&a, &b, locale).is_eq(), a == b);
            for depth in 0..key(&a, locale).len() + 2 {
                let (part, n) = key_part::<7>(&a, locale, depth);
                let rest = key(&a, locale).get(depth..).unwrap_or_default().to_vec();
                prop_assert_eq!(n, rest.len().min(8));
                prop_assert_eq!(&part[..n.min(7)], &rest[..n.min(7)]);
            }
        }
    }
}
