//! Text to tokens.

use std::ops::Range;

use crate::error::ParseError;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Number(f64),
    /// A whole number written with `n`; its sign, if any, is a token of its own.
    Int(u64),
    Text(String),
    Name(String),
    Symbol(&'static str),
    End,
}

/// Longer symbols stand before their beginnings.
const SYMBOLS: [&str; 28] = [
    "=>", "===", "!==", "==", "!=", "<=", ">=", "&&", "||", "??", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":",
    "(", ")", "[", "]", ",", ".", "{", "}",
];

/// Splits a text into tokens, each with its range of characters; the last is [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, Range<usize>)>, ParseError> {
    let chars: Vec<char> = text.chars().collect();
    let mut lexer = Lexer { chars: &chars, pos: 0 };
    let mut tokens = Vec::new();
    loop {
        while lexer.peek().is_some_and(char::is_whitespace) {
            lexer.pos += 1;
        }
        let start = lexer.pos;
        let token = lexer.token()?;
        let at_end = token == Token::End;
        tokens.push((token, start..lexer.pos));
        if at_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    chars: &'a [char],
    pos: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.pos += usize::from(c.is_some());
        c
    }

    fn error<T>(&self, code: &'static str, message: impl Into<String>, start: usize) -> Result<T, ParseError> {
        Err(ParseError::new(code, message, start..self.pos))
    }

    fn token(&mut self) -> Result<Token, ParseError> {
        let start = self.pos;
        let Some(c) = self.peek() else { return Ok(Token::End) };
        if c.is_ascii_digit() || (c == '.' && self.chars.get(self.pos + 1).is_some_and(char::is_ascii_digit)) {
            return self.number();
        }
        if c == '"' || c == '\'' {
            return self.text();
        }
        if is_name_start(c) {
            while self.peek().is_some_and(|c| is_name_start(c) || c.is_numeric()) {
                self.pos += 1;
            }
            return Ok(Token::Name(self.chars[start..self.pos].iter().collect()));
        }
        let starts_here =
            |symbol: &&&str| symbol.chars().enumerate().all(|(i, s)| self.chars.get(start + i) == Some(&s));
        match SYMBOLS.iter().find(starts_here) {
            Some(symbol) => {
                self.pos += symbol.len();
                Ok(Token::Symbol(match *symbol {
                    "===" => "==",
                    "!==" => "!=",
                    symbol => symbol,
                }))
            }
            None => {
                self.pos += 1;
                self.error("unexpected_character", format!("{c:?} means nothing here"), start)
            }
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.pos += 1;
        }
    }

    fn number(&mut self) -> Result<Token, ParseError> {
        let start = self.pos;
        self.digits();
        if self.peek() == Some('n') {
            let digits: String = self.chars[start..self.pos].iter().collect();
            self.pos += 1;
            return match digits.parse() {
                Ok(number) => Ok(Token::Int(number)),
                Err(_) => self.error("number_too_large", "a whole number has at most 64 bits", start),
            };
        }
        // A dot that no digit follows is the start of a method: 5.abs().
        if self.peek() == Some('.') && self.chars.get(self.pos + 1).is_some_and(char::is_ascii_digit) {
            self.pos += 1;
            self.digits();
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.chars.get(self.pos + 1), Some('+' | '-')));
            if self.chars.get(self.pos + 1 + sign).is_some_and(char::is_ascii_digit) {
                self.pos += 1 + sign;
                self.digits();
            }
        }
        let digits: String = self.chars[start..self.pos].iter().collect();
        if self.peek().is_some_and(is_name_start) {
            self.pos += 1;
            return self.error("bad_number", "a number must not run into a name", start);
        }
        match digits.parse() {
            Ok(number) => Ok(Token::Number(number)),
            Err(_) => self.error("bad_number", "not a number", start),
        }
    }

    fn text(&mut self) -> Result<Token, ParseError> {
        let start = self.pos;
        let quote = self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.error("open_text", "the text has no closing quote", start),
                Some('\\') => text.push(self.escape()?),
                c if c == quote => return Ok(Token::Text(text)),
                Some(c) => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let start = self.pos - 1;
        let escaped = match self.next() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some('0') => Some('\0'),
            Some('x') => self.hex(2).and_then(char::from_u32),
            Some('u') if self.peek() == Some('{') => {
                self.pos += 1;
                let n_digits = self.chars[self.pos..].iter().take(7).take_while(|c| c.is_ascii_hexdigit()).count();
                let code = self.hex(n_digits);
                code.filter(|_| self.next() == Some('}')).and_then(char::from_u32)
            }
            Some('u') => self.utf16(),
            Some(c @ ('"' | '\'' | '\\' | '/' | '`')) => Some(c),
            _ => None,
        };
        match escaped {
            Some(c) => Ok(c),
            None => self.error("bad_escape", "this escape means nothing; a backslash is written \\\\", start),
        }
    }

    /// `\uD83D\uDE00` is one character.
    fn utf16(&mut self) -> Option<char> {
        let first = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first);
        }
        if self.next() != Some('\\') || self.next() != Some('u') {
            return None;
        }
        let second = self.hex(4).filter(|second| (0xDC00..0xE000).contains(second))?;
        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn hex(&mut self, n_digits: usize) -> Option<u32> {
        let digits = self.chars.get(self.pos..self.pos + n_digits).filter(|digits| !digits.is_empty())?;
        let code = digits.iter().try_fold(0_u32, |code, c| Some(code << 4 | c.to_digit(16)?))?;
        self.pos += n_digits;
        Some(code)
    }
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '$'
}
