//! Sort keys, and the ways in which they order: `"desc nulls first locale sv"`.

use super::Parser;
use crate::error::ParseError;
use crate::expr::Expr;
use crate::lexer::Token;
use crate::locale::Locale;
use crate::query::SortKey;

/// What the words after a key say; of what they leave out nothing.
#[derive(Clone, Copy, Default)]
struct Way {
    descending: Option<bool>,
    nulls_first: Option<bool>,
    locale: Option<Locale>,
}

impl Way {
    fn key(self, expr: Expr) -> SortKey {
        SortKey {
            nulls_first: self.nulls_first.unwrap_or_default(),
            locale: self.locale,
            ..SortKey::new(expr, self.descending.unwrap_or_default())
        }
    }
}

impl Parser {
    pub(super) fn sort_keys(&mut self) -> Result<Vec<SortKey>, ParseError> {
        let (exprs, several) = match self.lambda("row")? {
            Expr::List(exprs) => (exprs, true),
            expr => (vec![expr], false),
        };
        let at = self.at();
        let mut ways = vec![Way::default(); exprs.len()];
        if self.take(",") && !matches!(self.peek(), Token::Symbol(")")) {
            if several && self.take("[") {
                ways = self
                    .items(|parser| Ok((parser.way(Way::default())?, 0)))?
                    .into_iter()
                    .map(|(way, _)| way)
                    .collect();
            } else {
                let mut way = self.way(Way::default())?;
                while self.take(",") && !matches!(self.peek(), Token::Symbol(")")) {
                    way = self.way(way)?;
                }
                ways.fill(way);
            }
        }
        if ways.len() != exprs.len() {
            let message = format!("{} keys need as many directions, not {}", exprs.len(), ways.len());
            return Err(ParseError::new("wrong_arguments", message, at.start..self.at().start));
        }
        Ok(exprs.into_iter().zip(ways).map(|(expr, way)| way.key(expr)).collect())
    }

    /// A text of words; what was said before is not said again.
    fn way(&mut self, mut way: Way) -> Result<Way, ParseError> {
        let at = self.at();
        let Token::Text(text) = self.peek().clone() else { return self.unexpected_way() };
        let mut words = text.split_whitespace().peekable();
        if words.peek().is_none() {
            return self.unexpected_way();
        }
        while let Some(word) = words.next() {
            match word {
                "asc" | "desc" if way.descending.is_none() => way.descending = Some(word == "desc"),
                "nulls" if way.nulls_first.is_none() => match words.next() {
                    Some(place @ ("first" | "last")) => way.nulls_first = Some(place == "first"),
                    _ => return self.unexpected_way(),
                },
                "locale" if way.locale.is_none() => {
                    let is_way = |word: &&str| ["asc", "desc", "nulls"].contains(word);
                    let tag = words.next_if(|word| !is_way(word));
                    let Some(locale) = tag.map_or(Some(Locale::Root), Locale::from_tag) else {
                        let known: Vec<&str> = Locale::tags().collect();
                        let message =
                            format!("the order of this language is not known; those of {} are", known.join(", "));
                        return Err(ParseError::new("unknown_locale", message, at));
                    };
                    way.locale = Some(locale);
                }
                _ => return self.unexpected_way(),
            }
        }
        self.next();
        Ok(way)
    }

    fn unexpected_way<T>(&self) -> Result<T, ParseError> {
        self.unexpected("\"asc\" or \"desc\", with \"nulls first\" or \"locale\" if need be,")
    }
}
