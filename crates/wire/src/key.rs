//! How a key is shown, as far as those who only carry it need to know.
//!
//! A key reads `st_<right>_<entity>_<digits>`: whoever holds one knows whose it is without asking.

/// What a WebSocket of a page offers besides its key.
pub const PROTOCOL: &str = "streamtable";
/// What stands before a key among the protocols that a page's WebSocket offers.
pub const KEY_PROTOCOL: &str = "streamtable.key.";

/// A server's address, and the key that stands behind it after a `#`, where there is one.
#[must_use]
pub fn split(address: &str) -> (&str, Option<&str>) {
    address.split_once('#').map_or((address, None), |(address, key)| (address, Some(key)))
}

/// Whether an error of this code says that a key is wanting, or does not allow what was asked for.
#[must_use]
pub fn is_refusal(code: &str) -> bool {
    code.starts_with("key_")
}

/// The entity that a key is for; `None` where the text does not look like a key.
///
/// It says nothing of whether the key is whole or known: that is for the server to say.
#[must_use]
pub fn entity(key: &str) -> Option<&str> {
    let (right, rest) = key.strip_prefix("st_")?.split_once('_')?;
    let (entity, digits) = rest.rsplit_once('_')?;
    (!right.is_empty() && !entity.is_empty() && !digits.is_empty()).then_some(entity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_behind_an_address() {
        assert_eq!(split("https://x.example#st_read_e_1"), ("https://x.example", Some("st_read_e_1")));
        assert_eq!(split("https://x.example/"), ("https://x.example/", None));
        assert!(is_refusal("key_scope") && !is_refusal("unknown_table"));
    }

    #[test]
    fn a_key_says_whose_it_is() {
        for (key, expect) in [
            ("st_write_acme_0123", Some("acme")),
            ("st_read_my_team-1.x_0123", Some("my_team-1.x")),
            ("st_write_0123", None),
            ("st_write__0123", None),
            ("acme_0123", None),
            ("", None),
        ] {
            assert_eq!(entity(key), expect, "{key}");
        }
    }
}
