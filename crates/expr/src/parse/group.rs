//! Groupings and their figures.

use super::Parser;
use crate::aggregate::{Aggregate, AggregateOp, Share};
use crate::error::ParseError;
use crate::expr::Expr;
use crate::lexer::Token;
use crate::query::Op;

impl Parser {
    pub(super) fn group_by(&mut self) -> Result<Op, ParseError> {
        let keys = match self.lambda("row")? {
            Expr::List(keys) => keys,
            key => vec![key],
        };
        let mut aggregates = vec![Aggregate::count()];
        if self.take(",") && !matches!(self.peek(), Token::Symbol(")")) {
            self.parameter("rows")?;
            self.in_aggregates = true;
            aggregates = if self.take("[") {
                self.items(Self::aggregate)?.into_iter().map(|(aggregate, _)| aggregate).collect()
            } else {
                vec![self.aggregate()?.0]
            };
            self.in_aggregates = false;
        }
        Ok(Op::GroupBy { keys, aggregates })
    }

    fn aggregate(&mut self) -> Result<(Aggregate, usize), ParseError> {
        let counts_rows = matches!((self.peek(), self.peek_after()), (Token::Name(name), Token::Symbol(".")) if *name == self.row)
            && matches!(self.tokens.get(self.pos + 2), Some((Token::Name(name), _)) if AggregateOp::from_name(name).is_some())
            && matches!(self.tokens.get(self.pos + 3), Some((Token::Symbol("("), _)));
        let column = if counts_rows {
            self.next();
            None
        } else {
            Some(self.postfix()?.0)
        };
        self.expect(".")?;
        let at = self.at();
        let name = self.expect_name("a figure such as count, sum, avg, min or max")?;
        let Some(mut op) = AggregateOp::from_name(&name) else {
            let names: Vec<&str> = AggregateOp::ALL.iter().map(|(_, name)| *name).collect();
            let message =
                format!("there is no figure {name:?}; there are {} and {}", names.join(", "), AggregateOp::QUANTILE);
            return Err(ParseError::new("unknown_aggregate", message, at));
        };
        if column.is_none() && op != AggregateOp::Count {
            let message = format!("{name} needs a column: {}[\"column\"].{name}()", self.row);
            return Err(ParseError::new("wrong_arguments", message, at));
        }
        self.expect("(")?;
        if name == AggregateOp::QUANTILE {
            op = AggregateOp::Quantile(self.share()?);
        }
        self.expect(")")?;
        Ok((Aggregate { op, column }, 0))
    }

    fn share(&mut self) -> Result<Share, ParseError> {
        let at = self.at();
        let share = if let Token::Number(share) = self.peek() { Share::new(*share) } else { None };
        self.next();
        let message = || "a quantile needs a share such as 0.95: from 0 to 1, with at most six digits".to_owned();
        share.ok_or_else(|| ParseError::new("wrong_arguments", message(), at))
    }
}
