//! Computed columns: `{"name": expression, …}`.

use super::Parser;
use crate::error::ParseError;
use crate::lexer::Token;
use crate::query::NamedExpr;

impl Parser {
    /// `row => {"ratio": row["a"] / row["b"]}`: at least one column, each name once. As in JavaScript, a name that is a word
    /// needs no quotes, and parentheses may stand around the braces.
    pub(super) fn columns(&mut self) -> Result<Vec<NamedExpr>, ParseError> {
        self.parameter("row")?;
        let in_parentheses = self.take("(");
        self.expect("{")?;
        let mut columns: Vec<NamedExpr> = Vec::new();
        loop {
            let at = self.at();
            let name = match self.peek().clone() {
                Token::Text(name) | Token::Name(name) => name,
                _ => return self.unexpected("a column's name in quotes"),
            };
            self.next();
            if columns.iter().any(|column| column.name == name) {
                return Err(ParseError::new("duplicate_column", format!("the column {name:?} is given twice"), at));
            }
            self.expect(":")?;
            let (expr, _) = self.binary(0)?;
            columns.push(NamedExpr { name, expr });
            let has_more = self.take(",");
            if self.take("}") {
                break;
            }
            if !has_more {
                return self.unexpected("\",\" or \"}\"");
            }
        }
        if in_parentheses {
            self.expect(")")?;
        }
        Ok(columns)
    }
}
