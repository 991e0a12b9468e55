//! Requests to the whole server: no answer is a fault of its own, whatever is asked.
//!
//! The first byte of the input says which request; up to the line end stands the query of its address, then the body.
#![no_main]

use std::cell::RefCell;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Uri};
use clap::Parser;
use libfuzzer_sys::fuzz_target;
use server::{AppState, Config, Keys};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Method, path, type of the body.
const REQUESTS: [(&str, &str, &str); 14] = [
    ("POST", "/tables/e/p/t/rows", "text/plain"),
    ("POST", "/tables/e/p/t/rows", "application/x-ndjson"),
    ("POST", "/tables/e/p/t/rows", "application/json"),
    ("POST", "/tables/e/p/t/import", "text/csv"),
    ("POST", "/tables/e/p/t/import", "application/x-ndjson"),
    ("POST", "/tables/e/p/t/import", "application/json"),
    ("POST", "/tables/e/p/t/import", "application/vnd.apache.arrow.stream"),
    ("POST", "/tables/e/p/t/import", "application/vnd.apache.parquet"),
    ("POST", "/query", "application/json"),
    ("GET", "/tables/e/p/t/rows", ""),
    ("PUT", "/tables/e/p/t/retention", "application/json"),
    ("GET", "/tables", ""),
    ("DELETE", "/tables/e/p/t", ""),
    ("GET", "/tail/e/p/t", ""),
];
/// After so many requests the server begins with an empty folder, so that one input does not depend on millions before it.
const N_REQUESTS: u32 = 2_000;

struct Server {
    runtime: Runtime,
    app: Router,
    _dir: TempDir,
    n_left: u32,
}

fuzz_target!(init: fuzz::begin("request"), |data: &[u8]| {
    thread_local!(static SERVER: RefCell<Option<Server>> = const { RefCell::new(None) });
    let Some((kind, rest)) = data.split_first() else { return };
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (method, path, content_type) = REQUESTS[usize::from(*kind) % REQUESTS.len()];
    let query = String::from_utf8_lossy(&rest[..end]);
    let Ok(uri) = format!("/api/v1{path}?{query}").parse::<Uri>() else { return };
    let body = rest.get(end + 1..).unwrap_or_default();
    let request = Request::builder().method(method).uri(&uri).header("content-type", content_type);
    let request = request.body(Body::from(body.to_vec())).expect("its parts are sound");
    SERVER.with_borrow_mut(|server| {
        let server = match server {
            Some(server) if server.n_left > 0 => server,
            _ => server.insert(Server::start()),
        };
        server.n_left -= 1;
        server.runtime.block_on(async {
            let Ok(response) = server.app.clone().oneshot(request).await;
            let status = response.status();
            let body = to_bytes(response.into_body(), usize::MAX).await;
            let shown = || body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
            assert!(!status.is_server_error(), "{method} {uri}: {status} {:?}", shown());
            assert!(body.is_ok(), "{method} {uri}: the body breaks off");
        });
    });
});

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("there is room");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it starts");
        let data = dir.path().to_string_lossy().into_owned();
        let config = Config::parse_from(["fuzz", "--data", &data, "--board", &data]);
        let keys = Keys::open(Keys::path(dir.path(), None)).expect("there are none");
        let state = runtime.block_on(AppState::open(config, keys)).expect("the folder is empty");
        let app = server::app(state);
        Self { runtime, app, _dir: dir, n_left: N_REQUESTS }
    }
}
