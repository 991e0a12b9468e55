//! Why a typed text is not taken, with the characters that are at fault.

use std::ops::Range;

use leptos::prelude::*;

/// Why a typed text is not taken, and where.
#[derive(Clone, PartialEq)]
pub(super) struct Fault {
    message: String,
    before: String,
    at: String,
    after: String,
}

impl Fault {
    /// `at` is in characters of the text. The message becomes a sentence.
    pub(super) fn of(text: &str, message: &str, at: Range<usize>) -> Self {
        let part = |range: Range<usize>| text.chars().skip(range.start).take(range.len()).collect::<String>();
        let n_chars = text.chars().count();
        let at_text = if at.is_empty() { "\u{a0}".to_owned() } else { part(at.clone()) };
        // Enough around the place to find it again in a long line.
        let (start, end) = (at.start.saturating_sub(24), (at.end + 16).min(n_chars));
        Self {
            message: sentence(message),
            before: part(start..at.start),
            at: at_text,
            after: part(at.end..end.max(at.end)),
        }
    }

    /// A fault of the whole.
    pub(super) fn of_all(message: &str) -> Self {
        Self { message: sentence(message), before: String::new(), at: String::new(), after: String::new() }
    }

    /// The place, and the message.
    pub(super) fn draw(self) -> AnyView {
        view! {
            <code>{self.before}<mark>{self.at}</mark>{self.after}</code>
            <span>{self.message}</span>
        }
        .into_any()
    }
}

/// The message with a capital, as it stands alone.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
