//! How a key reads: `st_<right>_<entity>_<84 hex digits>`.
//!
//! The digits are 12 of the key's id, 64 that are random, and 8 of a checksum over all before them. So a program that looks for
//! leaked keys knows one without asking, a page's source shows which keys may stand there, and a client knows the entity.

use std::fmt::Write;

use crc32fast::hash;
use sha2::{Digest, Sha256};

use super::Right;

const ID_DIGITS: usize = 12;
const SECRET_DIGITS: usize = 64;
const CHECKSUM_DIGITS: usize = 8;
const N_DIGITS: usize = ID_DIGITS + SECRET_DIGITS + CHECKSUM_DIGITS;

/// A new key, as it is given to whoever asked for it and kept nowhere.
pub(super) struct NewKey {
    pub(super) id: String,
    pub(super) text: String,
}

/// Makes a key of 256 random bits.
///
/// # Errors
/// When the system gives no random bits.
pub(super) fn new_key(right: Right, entity: &str) -> Result<NewKey, getrandom::Error> {
    let mut random = [0; (ID_DIGITS + SECRET_DIGITS) / 2];
    getrandom::fill(&mut random)?;
    let digits = random.iter().fold(String::new(), |mut digits, byte| {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    });
    let unchecked = format!("st_{right}_{entity}_{digits}");
    let text = format!("{unchecked}{:08x}", hash(unchecked.as_bytes()));
    Ok(NewKey { id: digits[..ID_DIGITS].to_owned(), text })
}

/// The id in a key; `None` where the text is no key, as one with a letter missing or changed is none.
pub(super) fn id_of(text: &str) -> Option<&str> {
    let (head, digits) = text.rsplit_once('_')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !head.starts_with("st_") || digits.len() != N_DIGITS || !digits.bytes().all(is_digit) {
        return None;
    }
    let (unchecked, checksum) = text.split_at(text.len() - CHECKSUM_DIGITS);
    (format!("{:08x}", hash(unchecked.as_bytes())) == checksum).then(|| &digits[..ID_DIGITS])
}

/// What is kept of a key. The key has 256 random bits, which nobody guesses however fast the hash is: a slow one would only
/// make every request slow.
pub(super) fn hash_of(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_looks() {
        let NewKey { id, text } = new_key(Right::Write, "my_team-1.x").unwrap();
        assert_eq!(id_of(&text), Some(id.as_str()));
        assert!(text.starts_with("st_write_my_team-1.x_"), "{text}");
        assert_eq!(wire::key::entity(&text), Some("my_team-1.x"));
        let changed = text.replacen("write", "admin", 1);
        for other in
            ["", "st_", &text[1..], &text[..text.len() - 1], &text.to_uppercase(), &changed, &format!("{text} ")]
        {
            assert_eq!(id_of(other), None, "{other}");
        }
        assert_ne!(new_key(Right::Write, "e").unwrap().text, new_key(Right::Write, "e").unwrap().text);
    }
}
