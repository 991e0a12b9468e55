//! The body with which the client appends rows: a header line, then a row a line.
//!
//! ```text
//! {"v":1,"writer":"00112233445566778899aabbccddeeff","seq":17,"key":"st_write_…"}
//! {"a":1,"timestamp":{"$ts":1700000000000000}}
//! {"a":2,"timestamp":{"$ts":1700000000000123}}
//! ```
//!
//! It is sent as `text/plain`, so that no preflight is needed when a page closes, and may be gzipped. The rows carry
//! the numbers `seq`, `seq + 1`, … of that writer.

use model::{Seq, WriterId};

/// The media type of a framed body.
pub const CONTENT_TYPE: &str = "text/plain";
/// The version of the framing that this code writes.
pub const VERSION: u32 = 1;

/// The first line of a framed body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who logged the rows.
    pub writer: WriterId,
    /// The writer's number for the first row, from 1.
    pub seq: Seq,
    /// The key that allows writing, where the server asks for one.
    pub key: Option<String>,
}

impl Header {
    /// Appends the header's line, with its line end, to `out`.
    pub fn encode(&self, out: &mut String) {
        let fields = [Some(("writer", self.writer.to_string())), self.key.as_ref().map(|key| ("key", key.clone()))];
        out.push_str("{\"v\":1,\"seq\":");
        out.push_str(&self.seq.to_string());
        for (name, text) in fields.into_iter().flatten() {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            crate::json::encode_text(&text, out);
        }
        out.push_str("}\n");
    }

    /// Reads the first line of a framed body and gives back the rest.
    ///
    /// # Errors
    /// [`WireError::Header`](crate::WireError::Header).
    #[cfg(feature = "json")]
    pub fn decode(body: &str) -> Result<(Self, &str), crate::WireError> {
        use crate::WireError;

        #[derive(serde::Deserialize)]
        struct Line {
            v: u32,
            writer: String,
            seq: Seq,
            key: Option<String>,
        }
        let (line, rest) = body.split_once('\n').unwrap_or((body, ""));
        let line: Line = serde_json::from_str(line).map_err(|error| WireError::Header(error.to_string()))?;
        if line.v != VERSION {
            return Err(WireError::Header(format!("version {} is not known", line.v)));
        }
        if line.seq == 0 {
            return Err(WireError::Header("seq counts from 1".to_owned()));
        }
        let writer = line.writer.parse().map_err(|error| WireError::Header(format!("{error}")))?;
        Ok((Self { writer, seq: line.seq, key: line.key }, rest))
    }
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back() {
        for key in [None, Some("a\"key".to_owned())] {
            let header = Header { writer: WriterId::from_bytes([7; 16]), seq: 17, key };
            let mut body = String::new();
            header.encode(&mut body);
            body.push_str("{\"a\":1}\n");
            assert_eq!(Header::decode(&body), Ok((header, "{\"a\":1}\n")));
        }
    }

    #[test]
    fn a_bad_header_says_so() {
        let writer = "0".repeat(32);
        for body in [
            String::new(),
            "{\"a\":1}".to_owned(),
            format!("{{\"v\":2,\"writer\":\"{writer}\",\"seq\":1}}"),
            format!("{{\"v\":1,\"writer\":\"{writer}\",\"seq\":0}}"),
            "{\"v\":1,\"writer\":\"x\",\"seq\":1}".to_owned(),
        ] {
            assert_eq!(Header::decode(&body).unwrap_err().code(), "bad_header", "{body}");
        }
    }
}
