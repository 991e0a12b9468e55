//! Regular expressions of the language, compiled once where the text is read.

use std::sync::Arc;

use regex_lite::{Regex, RegexBuilder};

/// How much memory a pattern may take, in bytes: a text of a few characters can ask for gigabytes.
const MAX_BYTES: usize = 1 << 20;

/// A regular expression. It is searched in time linear in the text, whatever the pattern; `\w`, `\d` and `(?i)` know ASCII.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Regex>);

impl Pattern {
    /// Compiles a pattern in the syntax of the crate `regex-lite`.
    ///
    /// # Errors
    /// Says, as the end of a sentence, why the text is no pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text).size_limit(MAX_BYTES).build();
        regex.map(|regex| Self(Arc::new(regex))).map_err(|error| error.to_string())
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is found anywhere in a text.
    #[must_use]
    pub fn is_found_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_no_pattern_or_too_large_a_one_is_told() {
        let code = |filter: &str| crate::parse_expr(filter).map_err(|error| error.code()).map(drop);
        assert_eq!(code(r#"row.a.matches("^(x|y)+$")"#), Ok(()));
        assert_eq!(code(r#"row.a.matches("(")"#), Err("bad_pattern"));
        assert_eq!(code(r#"row.a.matches("a{1000}{1000}{1000}")"#), Err("bad_pattern"));
        assert_eq!(code("row.a.matches(row.b)"), Err("unexpected"));
    }
}
