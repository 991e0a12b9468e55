//! Moving windows.

use super::Parser;
use crate::error::ParseError;
use crate::expr::Expr;
use crate::lexer::Token;
use crate::span::{Last, Span, TIMESTAMP};

impl Parser {
    pub(super) fn last(&mut self) -> Result<Last, ParseError> {
        let at = self.at();
        let text = self.expect_text("a span of time such as \"5m\"")?;
        let wanted = "not a span such as \"5m\": a whole number and ms, s, m, h, d or w";
        let span = Span::parse(&text).ok_or_else(|| ParseError::new("bad_span", wanted, at))?;
        let mut column = TIMESTAMP.to_owned();
        if self.take(",") && !matches!(self.peek(), Token::Symbol(")")) {
            let at = self.at();
            let Expr::Column(name) = self.lambda("row")? else {
                let message = "a window goes by a column of times, such as row => row[\"timestamp\"]";
                return Err(ParseError::new("wrong_arguments", message, at.start..self.at().start));
            };
            column = name;
        }
        Ok(Last { span, column })
    }
}
