//! Rows back from the server.

use futures::Stream;
use futures::stream::{iter, try_unfold};
use futures::{StreamExt, TryStreamExt};
use model::{Offset, Row, TableName};
use reqwest::Response;

use super::http::{describe, error_detail, rows_url};
use crate::error::Error;
use crate::options::Options;

/// Which rows to read.
///
/// ```
/// use streamtable::RowsQuery;
///
/// let query = RowsQuery { limit: Some(10), filter: Some(r#"row["loss"] < 0.5"#.to_owned()), ..RowsQuery::default() };
/// assert_eq!(query.from, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsQuery {
    /// The offset to start at.
    pub from: Offset,
    /// How many at most.
    pub limit: Option<u64>,
    /// An expression that is true of the rows wanted.
    pub filter: Option<String>,
}

/// Reads rows one by one; dropping the stream ends the request.
pub(crate) fn read(
    client: &reqwest::Client,
    options: &Options,
    name: &TableName,
    query: RowsQuery,
) -> impl Stream<Item = Result<Row, Error>> + Send + use<> {
    let mut params = vec![("format", "ndjson".to_owned()), ("from", query.from.to_string())];
    params.extend(query.limit.map(|limit| ("limit", limit.to_string())));
    params.extend(query.filter.map(|filter| ("filter", filter)));
    let params: Vec<String> = params.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let url = format!("{}?{}", rows_url(&options.server, name), params.join("&"));
    let mut request = client.get(url);
    if let Some(key) = &options.key {
        request = request.bearer_auth(key);
    }
    let chunks = try_unfold(Reading::Due(request), |reading| async {
        let mut response = match reading {
            Reading::Due(request) => accepted(request.send().await.map_err(network)?).await?,
            Reading::Open(response) => response,
        };
        let chunk = response.chunk().await.map_err(network)?;
        Ok::<_, Error>(chunk.map(|chunk| (chunk, Reading::Open(response))))
    });
    // The empty line that comes after the last chunk ends what has no line end.
    let lines = chunks.map_ok(|chunk| chunk.to_vec()).chain(iter([Ok(b"\n".to_vec())]));
    let rows = lines.scan(Vec::new(), |rest: &mut Vec<u8>, chunk| {
        let rows: Vec<Result<Row, Error>> = match chunk {
            Ok(chunk) => {
                rest.extend_from_slice(&chunk);
                let end = rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                let whole: Vec<u8> = rest.drain(..end).collect();
                whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(row).collect()
            }
            Err(error) => vec![Err(error)],
        };
        std::future::ready(Some(iter(rows)))
    });
    rows.flatten()
}

enum Reading {
    Due(reqwest::RequestBuilder),
    Open(Response),
}

async fn accepted(response: Response) -> Result<Response, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = response.bytes().await.unwrap_or_default();
    let fallback = || (format!("http_{}", status.as_u16()), format!("the server answered with status {status}"));
    let (code, message) = error_detail(&body).map_or_else(fallback, |detail| (detail.code, detail.message));
    Err(Error::Read { code, message })
}

fn row(line: &[u8]) -> Result<Row, Error> {
    let bad = |code: &str, message: String| Error::Read { code: code.to_owned(), message };
    let text = std::str::from_utf8(line).map_err(|error| bad("bad_utf8", error.to_string()))?;
    wire::json::decode_row(text).map_err(|error| bad(error.code(), error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn network(error: reqwest::Error) -> Error {
    Error::Read { code: "network".to_owned(), message: describe(&error) }
}

fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|b| if is_plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
