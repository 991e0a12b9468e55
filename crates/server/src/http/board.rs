//! Everything outside the API: the built board, or how to build it.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use tower_http::services::{ServeDir, ServeFile};

use super::error::ApiError;
use crate::state::AppState;

const NO_BOARD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>StreamTable</title>\
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>\
<h1>StreamTable</h1><p>The server runs, but the board is not built. Build it with <code>trunk build --release</code> \
and start the server with <code>--board dist</code>, or run <code>cargo xtask serve</code>, which does both.</p>\
<p>The API is described at <a href=\"/api/v1/openapi.yaml\">/api/v1/openapi.yaml</a>.</p></html>";

/// Answers what no route of the API does.
pub(super) async fn fallback(State(state): State<AppState>, request: Request<Body>) -> Response {
    if let Some(error) = api_error(request.uri()) {
        return error.into_response();
    }
    let method = request.method().clone();
    let response = answer(&state, request).await;
    super::security::of_board(&method, response, state.frame_ancestors()).await
}

async fn answer(state: &AppState, request: Request<Body>) -> Response {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    if method != Method::GET && method != Method::HEAD {
        let mut response = ApiError::Method(method.to_string()).into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    let is_page = is_page(uri.path(), request.headers());
    let Some(dir) = state.board() else {
        return match is_page {
            true => Html(NO_BOARD).into_response(),
            false => ApiError::UnknownPath(uri.path().to_owned()).into_response(),
        };
    };
    let index = dir.join("index.html");
    let headers = request.headers().clone();
    let served = ServeDir::new(dir).try_call(request).await.map(|response| response.map(Body::new));
    let (mut response, is_hashed) = match served {
        Ok(response) if response.status() != StatusCode::NOT_FOUND => (response, is_hashed(uri.path())),
        // The board finds its way by the address, so every page is its index.
        Ok(_) if is_page => (serve_index(&index, &headers).await, false),
        Ok(_) | Err(_) => return ApiError::UnknownPath(uri.path().to_owned()).into_response(),
    };
    let cache = if is_hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

async fn serve_index(index: &std::path::Path, headers: &HeaderMap) -> Response {
    let mut request = Request::new(Body::empty());
    for name in [header::IF_MODIFIED_SINCE, header::RANGE] {
        if let Some(value) = headers.get(&name) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    match ServeFile::new(index).try_call(request).await {
        Ok(response) => response.map(Body::new).into_response(),
        Err(error) => ApiError::UnknownPath(error.to_string()).into_response(),
    }
}

/// What is wrong with an address under the API's prefix that no route knows.
fn api_error(uri: &Uri) -> Option<ApiError> {
    let rest = uri.path().strip_prefix("/api")?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = uri.path().trim_start_matches(wire::api::API_PREFIX).split('/').collect();
    if let ["", "tables", entity, project, table]
    | ["", "tables", entity, project, table, "rows" | "import"]
    | ["", "tail", entity, project, table] = parts[..]
        && let Err(error) = model::TableName::from_parts(table, Some(project), Some(entity), "")
    {
        return Some(error.into());
    }
    Some(ApiError::UnknownPath(uri.path().to_owned()))
}

/// Whether a page is asked for rather than a file. Browsers ask for pages as `text/html`, other programs for anything;
/// but so do pages for their scripts, and a script that is missing must not be answered with a page.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).map_or("*/*", |value| value.to_str().unwrap_or(""));
    let names_no_file = || path.starts_with("/table/") || !path.rsplit('/').next().unwrap_or("").contains('.');
    accept.contains("text/html") || (accept.contains("*/*") && names_no_file())
}

/// Whether a file's name holds a hash of its content: `board-0123456789abcdef.js`, `board-0123456789abcdef_bg.wasm`.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or("");
    let Some((stem, "js" | "wasm" | "css")) = name.rsplit_once('.') else {
        return false;
    };
    let stem = stem.strip_suffix("_bg").unwrap_or(stem);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    // Sixteen digits, without the zeros that they start with.
    (12..=16).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_from_files() {
        let check = |path: &str, accept: Option<&'static str>| {
            let headers = accept.map(|accept| (header::ACCEPT, HeaderValue::from_static(accept)));
            is_page(path, &headers.into_iter().collect())
        };
        for (path, accept) in [
            ("/table/e/p/t", None),
            ("/table/e/p/model.v1", Some("*/*")),
            ("/boards", Some("image/png,*/*;q=0.8")),
            ("/old.html", Some("text/html,*/*;q=0.8")),
        ] {
            assert!(check(path, accept), "{path} {accept:?}");
        }
        for (path, accept) in [
            ("/gone-0123456789abcdef.js", Some("*/*")),
            ("/icon.svg", Some("image/svg+xml,*/*;q=0.8")),
            ("/gone.wasm", None),
            ("/table/e/p/t", Some("application/json")),
        ] {
            assert!(!check(path, accept), "{path} {accept:?}");
        }
    }

    #[test]
    fn hashed_names_are_known() {
        for name in [
            "/board-0123456789abcdef.js",
            "/a/board-0123456789abcdef_bg.wasm",
            "/worker_loader-0123456789abcdef.js",
            "/style-fedcba9876543210.css",
            "/board-123456789abcd.js",
        ] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["/", "/index.html", "/board.js", "/board-0123456789abcdef.html", "/board-zzzzzzzzzzzzzzzz.js"] {
            assert!(!is_hashed(name), "{name}");
        }
    }
}
