//! Rows of JSON from a stream: a line each, or the items of one list.

use std::io::{BufRead, BufReader, Read};

use super::{FileRow, FileRows};
use crate::WireError;
use crate::json::decode_row;

const BUFFER_BYTES: usize = 64 << 10;

/// Reads the rest of a stream; of a piece that is too large no more is kept than its size.
struct Pieces<R> {
    reader: BufReader<R>,
    max_row_bytes: usize,
    piece: Vec<u8>,
    n_bytes: usize,
}

impl<R: Read> Pieces<R> {
    fn new(reader: R, max_row_bytes: usize) -> Self {
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        Self { reader, max_row_bytes, piece: Vec::new(), n_bytes: 0 }
    }

    fn start(&mut self) {
        self.piece.clear();
        self.n_bytes = 0;
    }

    /// What can be read without waiting; empty at the end.
    fn available(&mut self) -> Result<&[u8], WireError> {
        self.reader.fill_buf().map_err(|error| WireError::Json(error.to_string()))
    }

    /// Moves on by so many bytes, which belong to the piece or do not.
    fn take(&mut self, n_bytes: usize, belong: bool) {
        if belong {
            self.n_bytes += n_bytes;
            if self.n_bytes <= self.max_row_bytes {
                self.piece.extend_from_slice(&self.reader.buffer()[..n_bytes]);
            } else {
                self.piece = Vec::new();
            }
        }
        self.reader.consume(n_bytes);
    }

    fn row(&self) -> FileRow {
        let row = if self.n_bytes > self.max_row_bytes {
            Err(WireError::RowTooLarge { n_bytes: self.n_bytes, max_bytes: self.max_row_bytes })
        } else {
            let text = std::str::from_utf8(self.piece.trim_ascii());
            text.map_err(|error| WireError::Utf8(error.valid_up_to())).and_then(decode_row)
        };
        FileRow { n_bytes: self.n_bytes, row }
    }
}

/// A row a line; lines that hold nothing are no rows.
pub struct LineRows<R>(Pieces<R>);

impl<R: Read> LineRows<R> {
    /// The rows of a stream, of at most so many bytes each.
    pub fn new(reader: R, max_row_bytes: usize) -> Self {
        Self(Pieces::new(reader, max_row_bytes))
    }
}

impl<R: Read> FileRows for LineRows<R> {
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError> {
        loop {
            self.0.start();
            let is_last = loop {
                let available = self.0.available()?;
                if available.is_empty() {
                    break true;
                }
                let end = memchr(available);
                let n_bytes = end.unwrap_or(available.len());
                self.0.take(n_bytes, true);
                if end.is_some() {
                    self.0.take(1, false);
                    break false;
                }
            };
            if self.0.n_bytes > self.0.max_row_bytes || !self.0.piece.trim_ascii().is_empty() {
                return Ok(Some(self.0.row()));
            }
            if is_last {
                return Ok(None);
            }
        }
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

/// One row, or the items of one list.
pub struct JsonRows<R> {
    pieces: Pieces<R>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    FirstItem,
    NextItem,
    End,
}

impl<R: Read> JsonRows<R> {
    /// The rows of a stream, of at most so many bytes each.
    pub fn new(reader: R, max_row_bytes: usize) -> Self {
        Self { pieces: Pieces::new(reader, max_row_bytes), state: State::Start }
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Result<Option<u8>, WireError> {
        loop {
            let available = self.pieces.available()?;
            let n_spaces = available.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let next = available.get(n_spaces).copied();
            let is_end = available.is_empty();
            self.pieces.take(n_spaces, false);
            if next.is_some() || is_end {
                return Ok(next);
            }
        }
    }

    /// Reads one value, of which only the brackets and quotes are looked at, up to the comma or bracket that ends it.
    fn value(&mut self) -> Result<FileRow, WireError> {
        self.pieces.start();
        let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
        loop {
            let available = self.pieces.available()?;
            if available.is_empty() {
                break;
            }
            let ends = |byte: u8| {
                if in_text {
                    match byte {
                        _ if is_escaped => is_escaped = false,
                        b'\\' => is_escaped = true,
                        b'"' => in_text = false,
                        _ => {}
                    }
                    return false;
                }
                match byte {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth > 0 => depth -= 1,
                    b']' | b',' if depth == 0 => return true,
                    _ => {}
                }
                false
            };
            let end = available.iter().copied().position(ends);
            let n_bytes = end.unwrap_or(available.len());
            self.pieces.take(n_bytes, true);
            if end.is_some() {
                break;
            }
        }
        if depth > 0 || in_text {
            return Err(WireError::Json("it ends in the middle of a row".to_owned()));
        }
        Ok(self.pieces.row())
    }

    fn unexpected(byte: Option<u8>) -> WireError {
        let found = byte.map_or("the end".to_owned(), |byte| format!("{:?}", char::from(byte)));
        WireError::Json(format!("a row or a list of rows is expected, not {found}"))
    }
}

impl<R: Read> FileRows for JsonRows<R> {
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError> {
        loop {
            let next = self.peek()?;
            match (self.state, next) {
                (State::Start, Some(b'[')) => {
                    self.pieces.take(1, false);
                    self.state = State::FirstItem;
                }
                (State::Start, Some(b'{')) => {
                    self.state = State::End;
                    return self.value().map(Some);
                }
                (State::FirstItem | State::NextItem, Some(b']')) => {
                    self.pieces.take(1, false);
                    self.state = State::End;
                }
                (State::NextItem, Some(b',')) => {
                    self.pieces.take(1, false);
                    let next = self.peek()?;
                    if matches!(next, None | Some(b',' | b']')) {
                        return Err(Self::unexpected(next));
                    }
                    return self.value().map(Some);
                }
                (State::FirstItem, Some(byte)) if byte != b',' => {
                    self.state = State::NextItem;
                    return self.value().map(Some);
                }
                (State::End, None) => return Ok(None),
                (_, other) => return Err(Self::unexpected(other)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(buffer.len());
            (&mut self.0).take(n as u64).read(buffer)
        }
    }

    fn read(mut rows: impl FileRows) -> Vec<Result<String, &'static str>> {
        let mut out = Vec::new();
        loop {
            match rows.next_row() {
                Ok(Some(FileRow { row: Ok(row), .. })) => {
                    let mut json = String::new();
                    crate::json::encode_row(row.iter(), &mut json);
                    out.push(Ok(json));
                }
                Ok(Some(FileRow { row: Err(error), .. })) => out.push(Err(error.code())),
                Ok(None) => return out,
                Err(error) => {
                    out.push(Err(error.code()));
                    return out;
                }
            }
        }
    }

    fn check_list(text: &str, expect: &[Result<&str, &'static str>]) {
        for step in [1, 2, 3, 7, 1000] {
            let got = read(JsonRows::new(Slow(text.as_bytes(), step), 30));
            let got: Vec<_> = got.iter().map(|row| row.as_deref().map_err(|code| *code)).collect();
            assert_eq!(got, expect, "{text} in steps of {step}");
        }
    }

    #[test]
    fn a_list_is_read_item_by_item() {
        check_list("[]", &[]);
        check_list(" [ ] \n", &[]);
        check_list(" {\"a\":\"]},\\\"\"} ", &[Ok("{\"a\":\"]},\\\"\"}")]);
        check_list("[{\"a\":[1,{}]} , {}\n]", &[Ok("{\"a\":[1,{}]}"), Ok("{}")]);
        check_list("[1,{\"a\":},{}]", &[Err("not_a_row"), Err("bad_json"), Ok("{}")]);
        let large = format!("[{{\"a\":\"{}\"}},{{}}]", "x".repeat(30));
        check_list(&large, &[Err("row_too_large"), Ok("{}")]);
        for text in ["", "1", "[{},]", "[,{}]", "[{}", "[{}]]", "{}{}", "[{\"a", "[{},,{}]"] {
            let got = read(JsonRows::new(text.as_bytes(), 100));
            assert_eq!(got.last(), Some(&Err("bad_json")), "{text}: {got:?}");
        }
    }

    #[test]
    fn lines_are_read_one_by_one() {
        for step in [1, 5, 1000] {
            let text = format!("{{\"a\":1}}\r\n\n  \n[]\n{{\"a\":\"{}\"}}\n\u{ff}\n{{}}", "x".repeat(50));
            let got = read(LineRows::new(Slow(text.as_bytes(), step), 30));
            let expect = [
                Ok("{\"a\":1}".to_owned()),
                Err("not_a_row"),
                Err("row_too_large"),
                Err("bad_json"),
                Ok("{}".to_owned()),
            ];
            assert_eq!(got, expect);
            let got = read(LineRows::new(Slow(b"{\"a\":\"\xff\"}\n{}\n", step), 30));
            assert_eq!(got, [Err("bad_utf8"), Ok("{}".to_owned())]);
        }
    }
}
