//! The headers that tell a browser what the server's answers may do.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A page of the board has some KiB.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// Answers that are data: nothing in them is ever run or shown in a frame.
const DATA_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Sets what holds for every answer, and for those that are no page.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A table's name stands in the board's address, and is nobody's business elsewhere.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // Who is told that nothing changed keeps the policy of what it has.
    if status != StatusCode::NOT_MODIFIED {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(DATA_POLICY);
    }
    headers
        .entry(HeaderName::from_static("permissions-policy"))
        .or_insert(HeaderValue::from_static("camera=(), geolocation=(), microphone=()"));
    response
}

/// Sets the policy of the board's files. Scripts that stand in a page are allowed by their hashes, so an answer without the page
/// must have no policy: it would take the place of the page's.
pub(super) async fn of_board(method: &Method, response: Response, frame_ancestors: &str) -> Response {
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_page = content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    let (mut response, hashes) = if is_page && method == Method::GET && response.status() == StatusCode::OK {
        let (parts, body) = response.into_parts();
        match to_bytes(body, MAX_PAGE_BYTES).await {
            Ok(page) => {
                let hashes = script_hashes(&String::from_utf8_lossy(&page));
                (Response::from_parts(parts, Body::from(page)), hashes)
            }
            Err(error) => {
                tracing::warn!(%error, "a page of the board could not be read");
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                (response, String::new())
            }
        }
    } else {
        (response, String::new())
    };
    if let Ok(policy) = HeaderValue::try_from(policy(&hashes, frame_ancestors)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The board talks to whichever server it is told to, and shows pictures from anywhere; it runs only its own scripts.
fn policy(hashes: &str, frame_ancestors: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob: http: https:; media-src 'self' data: blob: http: https:; font-src 'self' data:; \
         connect-src * ws: wss: data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors {frame_ancestors}"
    )
}

/// The hashes of the scripts that stand in a page, as a policy lists them.
fn script_hashes(page: &str) -> String {
    let mut hashes = String::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((tag, after)) = after.split_once('>') else { break };
        let Some((script, after)) = after.split_once("</script") else { break };
        rest = after;
        if !tag.contains("src=") {
            hashes.push_str(&format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script))));
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_in_a_page_are_hashed() {
        // The hash of `alert(1)` as CSP's own examples have it.
        let page = "<script src=\"a.js\"></script><p><script type=module>alert(1)</script>";
        assert_eq!(script_hashes(page), " 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='");
        assert_eq!(script_hashes("<script"), "");
    }
}
