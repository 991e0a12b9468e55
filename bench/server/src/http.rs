//! A connection that stays open, and the least of HTTP/1.1 that a benchmark needs: bodies are made before, answers are read
//! by their length.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::Result;

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
    out: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to `127.0.0.1:port`.
    pub(crate) fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), host: address.to_owned(), out: Vec::new() })
    }

    /// Asks for a page.
    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "", &[])
    }

    /// Sends a body, which may come in parts.
    pub(crate) fn post(&mut self, path: &str, content_type: &str, body: &[&[u8]]) -> Result<Answer> {
        self.ask("POST", path, content_type, body)
    }

    fn ask(&mut self, method: &str, path: &str, content_type: &str, body: &[&[u8]]) -> Result<Answer> {
        let n_bytes: usize = body.iter().map(|part| part.len()).sum();
        self.out.clear();
        write!(self.out, "{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host)?;
        if method == "POST" {
            write!(self.out, "content-type: {content_type}\r\ncontent-length: {n_bytes}\r\n")?;
        }
        self.out.extend_from_slice(b"\r\n");
        body.iter().for_each(|part| self.out.extend_from_slice(part));
        self.stream.get_mut().write_all(&self.out)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| format!("{line:?} begins no answer"))?;
        let (mut n_bytes, mut is_chunked) = (0, false);
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                n_bytes = value.trim().parse()?;
            }
            is_chunked |= name.eq_ignore_ascii_case("transfer-encoding");
        }
        let mut body = vec![0; n_bytes];
        self.stream.read_exact(&mut body)?;
        while is_chunked {
            line.clear();
            self.stream.read_line(&mut line)?;
            let (n_bytes, start) = (usize::from_str_radix(line.trim_end(), 16)?, body.len());
            body.resize(start + n_bytes + 2, 0);
            self.stream.read_exact(&mut body[start..])?;
            body.truncate(start + n_bytes);
            is_chunked = n_bytes > 0;
        }
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The body, if all is well.
    pub(crate) fn good(self) -> Result<Vec<u8>> {
        if self.status == 200 {
            return Ok(self.body);
        }
        Err(format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
    }

    /// The body as JSON, if all is well.
    pub(crate) fn json(self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.good()?)?)
    }
}
