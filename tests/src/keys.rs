//! Keys of a server, made as an administrator makes them.

use reqwest::{Method, RequestBuilder};

use crate::http::Answer;
use crate::server::{DataDir, Server};

impl DataDir {
    /// Makes a key by the command line, from flags such as `--entity e --right read`.
    ///
    /// # Panics
    /// When it is not made.
    #[must_use]
    pub fn key(&self, flags: &str) -> String {
        let data = self.path().to_string_lossy();
        let args = [vec!["key", "create", "--data", &*data], flags.split(' ').collect()].concat();
        let (status, told) = Server::run_command(&args);
        assert!(status.success(), "{told}");
        told.lines().next().expect("the key is told").to_owned()
    }

    /// Revokes a key.
    ///
    /// # Panics
    /// When it cannot be.
    pub fn revoke(&self, key: &str) {
        let (status, told) =
            Server::run_command(&["key", "revoke", "--data", &self.path().to_string_lossy(), id_of(key)]);
        assert!(status.success(), "{told}");
    }
}

/// The id in a key.
#[must_use]
pub fn id_of(key: &str) -> &str {
    &key.rsplit('_').next().expect("a key ends in its digits")[..12]
}

impl Server {
    /// Starts a request for a path under `/api/v1`, with a key.
    pub fn request_with(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).header("authorization", format!("Bearer {key}"))
    }

    /// Appends rows as JSON lines, with a key.
    pub async fn append_with(&self, key: &str, table: &str, lines: &str) -> Answer {
        let request = self.request_with(key, Method::POST, &format!("/tables/{table}/rows"));
        self.send(request.header("content-type", "application/x-ndjson").body(lines.to_owned())).await
    }

    /// `GET` of a path under `/api/v1`, with a key.
    pub async fn get_with(&self, key: &str, path: &str) -> Answer {
        self.send(self.request_with(key, Method::GET, path)).await
    }
}
