//! The languages whose alphabets texts can be ordered by. How, the engine knows.

/// A language's order of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// That of no language: accented letters stand by the letter they are made of. English, French, German, Italian, Dutch
    /// and Portuguese dictionaries do so.
    Root,
    /// æ ø å after z.
    Danish,
    /// ñ after n.
    Spanish,
    /// å ä ö after z.
    Finnish,
    /// æ ø å after z.
    Norwegian,
    /// ą ć ę ł ń ó ś ź ż each after its letter.
    Polish,
    /// å ä ö after z.
    Swedish,
}

/// The subtags of languages; the first of a locale's is how it is written.
const TAGS: [(&str, Locale); 15] = [
    ("da", Locale::Danish),
    ("es", Locale::Spanish),
    ("fi", Locale::Finnish),
    ("nb", Locale::Norwegian),
    ("pl", Locale::Polish),
    ("sv", Locale::Swedish),
    ("nn", Locale::Norwegian),
    ("no", Locale::Norwegian),
    ("de", Locale::Root),
    ("en", Locale::Root),
    ("fr", Locale::Root),
    ("it", Locale::Root),
    ("nl", Locale::Root),
    ("pt", Locale::Root),
    ("root", Locale::Root),
];

impl Locale {
    /// The locale of a language tag such as `sv` or `sv-SE`; `None` of a language whose order is not known.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default();
        TAGS.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(language)).map(|(_, locale)| *locale)
    }

    /// How it is written; `None` for the root.
    #[must_use]
    pub fn tag(self) -> Option<&'static str> {
        let own = TAGS.iter().find(|(_, locale)| *locale == self && self != Locale::Root);
        own.map(|(tag, _)| *tag)
    }

    /// Every tag that is known.
    pub fn tags() -> impl Iterator<Item = &'static str> {
        TAGS.iter().map(|(tag, _)| *tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_and_written() {
        let written = |tag| Locale::from_tag(tag).map(Locale::tag);
        assert_eq!(written("sv-SE"), Some(Some("sv")));
        assert_eq!(written("NO"), Some(Some("nb")));
        assert_eq!(written("de_AT"), Some(None));
        assert_eq!(written("x"), None);
        assert_eq!(written(""), None);
        for locale in Locale::tags().filter_map(Locale::from_tag) {
            assert_eq!(Locale::from_tag(locale.tag().unwrap_or("root")), Some(locale));
        }
    }
}
