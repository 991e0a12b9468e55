//! Requests to a server. Each answer is held against `openapi.yaml`.

use bytes::Bytes;
use reqwest::{Method, RequestBuilder};
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::openapi;
use crate::server::Server;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of an error.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {}", self.text())).to_owned()
    }

    /// A header's text; empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The answer, which must have that status.
    ///
    /// # Panics
    /// When it has another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

impl Server {
    /// Starts a request for a path under `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client().request(method, format!("{}/api/v1{path}", self.url()))
    }

    /// Sends a request and holds its answer against the documentation.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let request = request.build()?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client().execute(request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, body: response.bytes().await? };
        openapi::document().check(method.as_str(), &path, &answer);
        Ok(answer)
    }

    /// Sends a request that must be answered.
    ///
    /// # Panics
    /// When it is not.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends a request as it is written, past the client that would mend its address; gives the whole answer.
    ///
    /// # Panics
    /// When there is none.
    pub async fn raw(&self, request: &str) -> String {
        let address = self.url().strip_prefix("http://").expect("an address");
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the server answers");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// `GET` of a path under `/api/v1`.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Appends a body of a type to a table.
    pub async fn append(&self, table: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.request(Method::POST, &format!("/tables/{table}/rows"));
        self.send(request.header("content-type", content_type).body(body)).await
    }

    /// Imports a file of a type into a table, with further parameters.
    pub async fn import(
        &self,
        table: &str,
        params: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request = self.request(Method::POST, &format!("/tables/{table}/import?{params}"));
        self.send(request.header("content-type", content_type).body(body)).await
    }

    /// Appends rows that are JSON already, a row a line, numbered by no one; they must be taken.
    pub async fn append_lines(&self, table: &str, lines: &str) -> Json {
        self.append(table, "application/x-ndjson", lines.to_owned()).await.expect(200).json()
    }

    /// The rows of a table as JSON, with further parameters.
    pub async fn rows(&self, table: &str, params: &str) -> Vec<Json> {
        let answer = self.get(&format!("/tables/{table}/rows?format=json&{params}")).await.expect(200);
        match answer.json() {
            Json::Array(rows) => rows,
            other => panic!("no list: {other}"),
        }
    }
}
