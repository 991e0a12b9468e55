//! Why a text is not an expression.

use std::ops::Range;

/// A text that is not an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// A code that stays the same from version to version, such as `unexpected` or `unknown_method`.
    pub code: &'static str,
    /// A sentence for whoever typed the text.
    pub message: String,
    /// Which characters of the text are at fault, counted in Unicode scalar values; empty at the end of the text.
    pub at: Range<usize>,
}

impl ParseError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>, at: Range<usize>) -> Self {
        Self { code, message: message.into(), at }
    }

    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}
