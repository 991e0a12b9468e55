//! Tokens to trees: precedence climbing for expressions, one rule an operation for queries.

mod columns;
mod group;
mod last;
mod sort;

use std::ops::Range;

use model::{TableName, Value};

use crate::aggregate::AggregateOp;
use crate::error::ParseError;
use crate::expr::{BinaryOp, Expr, MATCHES, MAX_EXPR_DEPTH, Method, Step, UnaryOp};
use crate::lexer::{Token, tokens};
use crate::pattern::Pattern;
use crate::query::{Op, Query};
use crate::time::parse_timestamp;

/// Reads a whole query, `table("e/p/t").rows()…`. Lambda parameters may have any name.
///
/// # Errors
/// [`ParseError`], of the first characters that do not fit. No text panics.
pub fn parse_query(text: &str) -> Result<Query, ParseError> {
    let mut parser = Parser::new(text)?;
    let query = parser.query()?;
    parser.expect_end()?;
    Ok(query)
}

/// Reads an expression over a row, with `row =>` before it or without.
///
/// # Errors
/// As [`parse_query`].
pub fn parse_expr(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(text)?;
    let expr = parser.lambda("row")?;
    parser.expect_end()?;
    Ok(expr)
}

/// A tree and how deep it is.
type Deep = (Expr, usize);

/// What a name other than the row's means.
const WORDS: [&str; 7] = ["true", "false", "null", "NaN", "Infinity", "date", "bytes"];

/// The operations on rows.
const OPERATIONS: [&str; 7] = ["rows", "filter", "last", "sort", "groupby", "with_columns", "map"];

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    pos: usize,
    /// How many rules are under way: what the stack holds. A level of the tree is a rule or two; so is a pair of parentheses.
    n_rules: usize,
    /// The name of the row in the lambda under way.
    row: String,
    /// Whether `.avg()` and its like end the expression under way.
    in_aggregates: bool,
}

impl Parser {
    fn new(text: &str) -> Result<Self, ParseError> {
        Ok(Self { tokens: tokens(text)?, pos: 0, n_rules: 0, row: String::new(), in_aggregates: false })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.pos].0
    }

    fn peek_after(&self) -> &Token {
        &self.tokens[(self.pos + 1).min(self.tokens.len() - 1)].0
    }

    fn at(&self) -> Range<usize> {
        self.tokens[self.pos].1.clone()
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.pos = (self.pos + 1).min(self.tokens.len() - 1);
        token
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        self.pos += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ParseError> {
        if self.take(symbol) { Ok(()) } else { self.unexpected(&format!("{symbol:?}")) }
    }

    fn expect_end(&mut self) -> Result<(), ParseError> {
        if *self.peek() == Token::End { Ok(()) } else { self.unexpected("the end") }
    }

    fn expect_text(&mut self, what: &str) -> Result<String, ParseError> {
        match self.peek().clone() {
            Token::Text(text) => {
                self.next();
                Ok(text)
            }
            _ => self.unexpected(what),
        }
    }

    fn expect_name(&mut self, what: &str) -> Result<String, ParseError> {
        match self.peek().clone() {
            Token::Name(name) => {
                self.next();
                Ok(name)
            }
            _ => self.unexpected(what),
        }
    }

    fn unexpected<T>(&self, wanted: &str) -> Result<T, ParseError> {
        let found = match self.peek() {
            Token::End => "the text ends".to_owned(),
            Token::Symbol(symbol) => format!("{symbol:?} stands"),
            Token::Name(name) => format!("{name:?} stands"),
            Token::Text(_) => "a text stands".to_owned(),
            Token::Number(_) | Token::Int(_) => "a number stands".to_owned(),
        };
        Err(ParseError::new("unexpected", format!("{wanted} was expected, but {found} here"), self.at()))
    }

    fn deeper(&self, depth: usize) -> Result<usize, ParseError> {
        if depth >= MAX_EXPR_DEPTH { self.too_deep() } else { Ok(depth + 1) }
    }

    fn too_deep<T>(&self) -> Result<T, ParseError> {
        let message = format!("the expression nests deeper than {MAX_EXPR_DEPTH} levels");
        Err(ParseError::new("too_deep", message, self.at()))
    }

    fn query(&mut self) -> Result<Query, ParseError> {
        match self.peek() {
            Token::Name(name) if name == "table" => self.next(),
            _ => return self.unexpected("table(\"entity/project/table\")"),
        };
        self.expect("(")?;
        let at = self.at();
        let name = self.expect_text("the table's name in quotes")?;
        let table = TableName::parse(&name).map_err(|e| ParseError::new(e.code(), e.to_string(), at))?;
        self.expect(")")?;
        let mut ops = Vec::new();
        while self.take(".") {
            ops.push(self.op()?);
        }
        Ok(Query { table, ops })
    }

    fn op(&mut self) -> Result<Op, ParseError> {
        let at = self.at();
        let name = self.expect_name("an operation such as rows, filter, last, sort or groupby")?;
        if !OPERATIONS.contains(&name.as_str()) {
            let message = format!("there is no operation {name:?}; there are {}", OPERATIONS.join(", "));
            return Err(ParseError::new("unknown_operation", message, at));
        }
        self.expect("(")?;
        let op = match name.as_str() {
            "rows" => Op::Rows,
            "filter" => Op::Filter(self.lambda("row")?),
            "last" => Op::Last(self.last()?),
            "sort" => Op::Sort(self.sort_keys()?),
            "with_columns" => Op::WithColumns(self.columns()?),
            "map" => Op::Map(self.columns()?),
            _ => self.group_by()?,
        };
        self.expect(")")?;
        Ok(op)
    }

    /// `row => expression`, or the expression alone over a row named `default`.
    fn lambda(&mut self, default: &str) -> Result<Expr, ParseError> {
        self.parameter(default)?;
        Ok(self.binary(0)?.0)
    }

    fn parameter(&mut self, default: &str) -> Result<(), ParseError> {
        default.clone_into(&mut self.row);
        let in_parentheses = matches!(self.peek(), Token::Symbol("("))
            && matches!(self.tokens.get(self.pos + 2), Some((Token::Symbol(")"), _)))
            && matches!(self.tokens.get(self.pos + 3), Some((Token::Symbol("=>"), _)));
        if in_parentheses {
            self.next();
        } else if !matches!((self.peek(), self.peek_after()), (Token::Name(_), Token::Symbol("=>"))) {
            return Ok(());
        }
        let at = self.at();
        self.row = self.expect_name("the row's name")?;
        if WORDS.contains(&self.row.as_str()) {
            return Err(ParseError::new("unexpected", format!("{:?} cannot name a row", self.row), at));
        }
        if in_parentheses {
            self.next();
        }
        self.expect("=>")
    }

    /// Items up to the closing bracket, and the depth of the deepest.
    fn items<T>(
        &mut self,
        item: fn(&mut Self) -> Result<(T, usize), ParseError>,
    ) -> Result<Vec<(T, usize)>, ParseError> {
        self.list("]", item)
    }

    fn list<T>(
        &mut self,
        end: &str,
        item: fn(&mut Self) -> Result<(T, usize), ParseError>,
    ) -> Result<Vec<(T, usize)>, ParseError> {
        let mut items = Vec::new();
        while !self.take(end) {
            items.push(item(self)?);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
        }
        Ok(items)
    }

    /// Operators that bind at least as strongly as `at_least`; at 0 a choice too, which binds least of all.
    fn binary(&mut self, at_least: u8) -> Result<Deep, ParseError> {
        // A level of the tree takes at most two rules, so that whatever was printed reads back.
        self.n_rules += 1;
        if self.n_rules > 2 * MAX_EXPR_DEPTH + 2 {
            return self.too_deep();
        }
        let (mut left, mut depth) = self.unary()?;
        while let Token::Symbol(symbol) = self.peek() {
            let Some(op) = BinaryOp::from_symbol(symbol).filter(|op| op.precedence() >= at_least) else { break };
            self.next();
            let (right, right_depth) = self.binary(op.precedence() + 1)?;
            depth = self.deeper(depth.max(right_depth))?;
            left = Expr::binary(op, left, right);
        }
        if at_least == 0 && self.take("?") {
            (left, depth) = self.choice(left, depth)?;
        }
        self.n_rules -= 1;
        Ok((left, depth))
    }

    /// What follows the question mark. A function of its own, so that the rules that call each other stay small on the stack.
    #[inline(never)]
    fn choice(&mut self, condition: Expr, depth: usize) -> Result<Deep, ParseError> {
        self.n_rules += 1;
        let (yes, yes_depth) = self.binary(0)?;
        self.expect(":")?;
        let (no, no_depth) = self.binary(0)?;
        self.n_rules -= 1;
        Ok((Expr::choice(condition, yes, no), self.deeper(depth.max(yes_depth).max(no_depth))?))
    }

    fn unary(&mut self) -> Result<Deep, ParseError> {
        let op = match self.peek() {
            Token::Symbol("-") => UnaryOp::Negate,
            Token::Symbol("!") => UnaryOp::Not,
            Token::Symbol("+") => return self.unexpected("a value"),
            _ => return self.postfix(),
        };
        self.next();
        let literal = matches!(self.peek(), Token::Number(_) | Token::Int(_))
            || matches!(self.peek(), Token::Name(name) if matches!(name.as_str(), "Infinity" | "NaN"));
        let dot_follows = matches!(self.peek_after(), Token::Symbol("." | "["));
        if op == UnaryOp::Negate && literal && !dot_follows {
            return self.negative_literal();
        }
        self.n_rules += 1;
        if self.n_rules > 2 * MAX_EXPR_DEPTH + 2 {
            return self.too_deep();
        }
        let (operand, depth) = self.unary()?;
        self.n_rules -= 1;
        Ok((Expr::Unary(op, Box::new(operand)), self.deeper(depth)?))
    }

    fn negative_literal(&mut self) -> Result<Deep, ParseError> {
        let at = self.at();
        let value = match self.next() {
            Token::Int(magnitude) => {
                let number = i64::try_from(-i128::from(magnitude));
                Value::Int(number.map_err(|_| ParseError::new("number_too_large", "less than 64 bits can hold", at))?)
            }
            Token::Number(number) => Value::Float(-number),
            Token::Name(name) if name == "NaN" => Value::Float(f64::NAN),
            _ => Value::Float(f64::NEG_INFINITY),
        };
        Ok((Expr::Literal(value), 1))
    }

    /// A value and the brackets, dots and calls after it.
    fn postfix(&mut self) -> Result<Deep, ParseError> {
        let deep = self.primary()?;
        if matches!(self.peek(), Token::Symbol("[" | ".")) { self.steps(deep) } else { Ok(deep) }
    }

    fn steps(&mut self, (mut expr, mut depth): Deep) -> Result<Deep, ParseError> {
        loop {
            if self.take("[") {
                let step = match self.peek().clone() {
                    Token::Text(key) => Step::Key(key),
                    Token::Number(idx) if idx.fract() == 0.0 && (0.0..4_294_967_296.0).contains(&idx) => {
                        Step::Item(idx as u32)
                    }
                    _ => return self.unexpected("a key in quotes or the number of an item"),
                };
                self.next();
                self.expect("]")?;
                expr = Expr::Get(Box::new(expr), step);
            } else if matches!(self.peek(), Token::Symbol(".")) {
                let ends = |name: &str| self.in_aggregates && AggregateOp::from_name(name).is_some();
                let call_follows = matches!(self.tokens.get(self.pos + 2), Some((Token::Symbol("("), _)));
                if call_follows && matches!(self.peek_after(), Token::Name(name) if ends(name)) {
                    break;
                }
                self.next();
                let at = self.at();
                let name = self.expect_name("a field or a method")?;
                if self.take("(") {
                    let (call, args_depth) = self.call(expr, &name, at)?;
                    expr = call;
                    depth = depth.max(args_depth);
                } else {
                    expr = Expr::Get(Box::new(expr), Step::Key(name));
                }
            } else {
                break;
            }
            depth = self.deeper(depth)?;
        }
        Ok((expr, depth))
    }

    fn call(&mut self, on: Expr, name: &str, at: Range<usize>) -> Result<Deep, ParseError> {
        if name == MATCHES {
            return Ok((on.matches(self.pattern()?), 0));
        }
        let Some(method) = Method::from_name(name) else {
            let names = Method::ALL.map(|(_, name, _)| name).join(", ");
            return Err(ParseError::new(
                "unknown_method",
                format!("there is no method {name:?}; there are {names}, {MATCHES}"),
                at,
            ));
        };
        self.n_rules += 1;
        let args = self.list(")", |parser| parser.binary(0))?;
        self.n_rules -= 1;
        if args.len() != method.n_args() {
            let message = format!("{name} takes {} arguments, not {}", method.n_args(), args.len());
            return Err(ParseError::new("wrong_arguments", message, at));
        }
        let depth = args.iter().map(|(_, depth)| *depth).max().unwrap_or(0);
        Ok((on.call(method, args.into_iter().map(|(arg, _)| arg).collect()), depth))
    }

    fn pattern(&mut self) -> Result<Pattern, ParseError> {
        let at = self.at();
        let text = self.expect_text("a regular expression in quotes")?;
        let bad = |reason| ParseError::new("bad_pattern", format!("this is no regular expression: {reason}"), at);
        let pattern = Pattern::new(&text).map_err(bad)?;
        self.expect(")")?;
        Ok(pattern)
    }

    // The rules that call each other hold little, and leave the rest to functions that return before the next rule is called:
    // what they hold stands on the stack for every level of an expression.
    fn primary(&mut self) -> Result<Deep, ParseError> {
        match self.peek() {
            Token::Symbol("(") => self.in_parentheses(),
            Token::Symbol("[") => self.list_of_values(),
            _ => self.leaf(),
        }
    }

    fn in_parentheses(&mut self) -> Result<Deep, ParseError> {
        self.next();
        let inner = self.binary(0)?;
        self.expect(")")?;
        Ok(inner)
    }

    fn list_of_values(&mut self) -> Result<Deep, ParseError> {
        self.next();
        let items = self.items(|parser| parser.binary(0))?;
        let depth = self.deeper(items.iter().map(|(_, depth)| *depth).max().unwrap_or(0))?;
        Ok((Expr::List(items.into_iter().map(|(item, _)| item).collect()), depth))
    }

    fn leaf(&mut self) -> Result<Deep, ParseError> {
        let at = self.at();
        let value = match self.peek().clone() {
            Token::Number(number) => Value::Float(number),
            Token::Int(number) => Value::Int(i64::try_from(number).map_err(|_| {
                ParseError::new("number_too_large", "a whole number has at most 64 bits, one for its sign", at)
            })?),
            Token::Text(text) => Value::Text(text),
            Token::Name(name) if name == self.row => return self.column(),
            Token::Name(name) => return self.word(&name),
            _ => return self.unexpected("a value"),
        };
        self.next();
        Ok((Expr::Literal(value), 1))
    }

    /// `row["name"]` or `row.name`.
    fn column(&mut self) -> Result<Deep, ParseError> {
        self.next();
        let name = if self.take("[") {
            let name = self.expect_text("a column's name in quotes")?;
            self.expect("]")?;
            name
        } else {
            let wanted = format!("{}[\"column\"]", self.row);
            if !self.take(".") {
                return self.unexpected(&wanted);
            }
            let name = self.expect_name(&wanted)?;
            if matches!(self.peek(), Token::Symbol("(")) {
                return self.unexpected(&format!("a column such as {wanted}, which has methods,"));
            }
            name
        };
        Ok((Expr::Column(name), 1))
    }

    fn word(&mut self, word: &str) -> Result<Deep, ParseError> {
        let at = self.at();
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            "date" | "bytes" => return self.written_value(word),
            _ => {
                let message = format!("{word:?} is no value; a column is written {}[{word:?}]", self.row);
                return Err(ParseError::new("unknown_name", message, at));
            }
        };
        self.next();
        Ok((Expr::Literal(value), 1))
    }

    /// `date("…")` or `bytes("…")`.
    fn written_value(&mut self, word: &str) -> Result<Deep, ParseError> {
        self.next();
        self.expect("(")?;
        let at = self.at();
        let text = self.expect_text("a text")?;
        let value = if word == "date" {
            parse_timestamp(&text)
                .map(Value::Time)
                .ok_or_else(|| ParseError::new("bad_date", "not a time such as \"2024-01-02T03:04:05Z\"", at))?
        } else {
            hex_bytes(&text)
                .map(Value::Bytes)
                .ok_or_else(|| ParseError::new("bad_bytes", "not pairs of hexadecimal digits", at))?
        };
        self.expect(")")?;
        Ok((Expr::Literal(value), 1))
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
