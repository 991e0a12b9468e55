//! Who may do what: each request is held against its key before anything else looks at it.
//!
//! [`needs`] has a line for each route; what has none takes a key to administer. A page's WebSocket carries its key among its
//! protocols, and a page's rows carry it in the body, for want of headers; the rest send `Authorization`.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::TableName;
use wire::api::TailMessage;

use super::append::media_type;
use super::error::ApiError;
use super::params::{TablePath, table_name};
use super::socket;
use crate::keys::{Access, KeyError, Right, Sender};
use crate::state::AppState;

/// The protocol of every WebSocket here, for browsers: they take no answer that names none of those that they offer.
pub(super) use wire::key::PROTOCOL;

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Nothing,
    /// Any key.
    AnyKey,
    /// A right on the table that the address names; where it names none, the handler looks which it is about.
    Right(Right),
}

/// What a method of a route takes; none is a path that is no route's: the board's files, or nothing.
fn needs(method: &Method, route: Option<&str>) -> Needs {
    let Some(route) = route else { return Needs::Nothing };
    let route = route.strip_prefix(wire::api::API_PREFIX).unwrap_or(route);
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    let is_post = *method == Method::POST;
    match route.strip_prefix("/tables/{entity}/{project}/{table}").unwrap_or(route) {
        "/health" | "/ready" | "/openapi.yaml" => Needs::Nothing,
        "/key" if is_read => Needs::AnyKey,
        "" | "/rows" | "/facts" | "/retention" | "/tables" | "/query" | "/tail/{entity}/{project}/{table}"
            if is_read =>
        {
            Needs::Right(Right::Read)
        }
        "/query" | "/export" if is_post => Needs::Right(Right::Read),
        "/rows" | "/import" if is_post => Needs::Right(Right::Write),
        _ => Needs::Right(Right::Admin),
    }
}

/// Who asks: what the handlers are given.
#[derive(Clone)]
pub(super) struct Caller {
    state: AppState,
    sender: Sender,
    /// What the request may do; none while its key is still in its body.
    access: Option<Access>,
}

impl Caller {
    /// What the request may do.
    ///
    /// # Errors
    /// [`KeyError::Missing`] where its key would have to be in its body.
    pub(super) fn access(&self) -> Result<&Access, ApiError> {
        Ok(self.access.as_ref().ok_or(KeyError::Missing)?)
    }

    /// Whether the key is in the body.
    pub(super) fn is_yet_to_come(&self) -> bool {
        self.access.is_none()
    }

    /// Takes in the key of the body, where none came before it.
    pub(super) fn admit(self, key: Option<&str>, right: Right, table: &TableName) -> Result<Access, ApiError> {
        if let Some(access) = self.access {
            return Ok(access);
        }
        let access = self.state.keys().access(key, &self.sender)?;
        access.check(right, table)?;
        if right == Right::Write {
            access.check_rows()?;
        }
        access.take_request()?;
        Ok(access)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // A route that was not held against its key has no caller, and so no answer.
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Key(KeyError::Missing))
    }
}

/// Lets through what its key allows.
pub(super) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let route = parts.extensions.get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let needs = needs(&parts.method, route.as_deref());
    let error = match admit(&state, needs, &mut parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            return next.run(Request::from_parts(parts, body)).await;
        }
        Err(error) => error,
    };
    super::body::discard(body).await;
    // A browser tells a page nothing of a WebSocket that was not opened, so it is opened for the reason's sake.
    let upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
        WebSocketUpgrade::from_request_parts(&mut parts, &state).await;
    match upgrade {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]).on_upgrade(|socket| tell(socket, error)),
        Err(_) => error.into_response(),
    }
}

async fn admit(state: &AppState, needs: Needs, parts: &mut Parts) -> Result<Caller, ApiError> {
    let sender = sender(&parts.headers);
    let caller = |access| Caller { state: state.clone(), sender: sender.clone(), access };
    let key = key(&parts.headers);
    let is_open = !state.keys().are_there();
    if needs == Needs::Nothing || (key.is_none() && !is_open && carries_key_in_body(parts)) {
        return Ok(caller(None));
    }
    let access = state.keys().access(key.as_deref(), &sender)?;
    if let Needs::Right(right) = needs {
        access.check_right(right)?;
        // On an open server there is nothing to hold a name against, and what is wrong with it is for the handler to say.
        if !is_open && names_table(parts) {
            let Ok(path) = TablePath::from_request_parts(parts, state).await;
            access.check(right, &table_name(path)?)?;
        }
        if right == Right::Write {
            access.check_rows()?;
        }
    }
    access.take_request()?;
    Ok(caller(Some(access)))
}

/// Whether the address names a table.
fn names_table(parts: &Parts) -> bool {
    parts.extensions.get::<MatchedPath>().is_some_and(|route| route.as_str().contains("{table}"))
}

/// Whether a page that can send no header, for want of leave or of a way to, has put its key into the body.
fn carries_key_in_body(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_post = parts.method == Method::POST;
    match content_type.map(media_type).as_deref() {
        Some(wire::append::CONTENT_TYPE) => is_post && route.ends_with("/rows"),
        Some("application/x-www-form-urlencoded") => is_post && route.ends_with("/export"),
        _ => false,
    }
}

/// The key that a request's head carries.
fn key(headers: &HeaderMap) -> Option<String> {
    let bearer = header_text(headers, &header::AUTHORIZATION).and_then(|text| {
        let (scheme, key) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
    });
    bearer.or_else(|| {
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let mut offered = offered.flat_map(|list| list.split(',')).map(str::trim);
        offered.find_map(|protocol| protocol.strip_prefix(wire::key::KEY_PROTOCOL)).map(str::to_owned)
    })
}

fn sender(headers: &HeaderMap) -> Sender {
    let origin = header_text(headers, &header::ORIGIN).map(str::to_owned);
    let host = header_text(headers, &header::HOST);
    // Browsers send no origin with what a page reads from where it came from, and then say that it is so.
    let is_same = header_text(headers, &HeaderName::from_static("sec-fetch-site")) == Some("same-origin");
    let is_own = match &origin {
        Some(origin) => origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host),
        None => is_same,
    };
    Sender { origin, is_own }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Says why over a WebSocket, and closes it.
async fn tell(mut socket: WebSocket, error: ApiError) {
    let message = TailMessage::Error { error: error.detail() };
    if socket.send(socket::text(&message)).await.is_ok() {
        let close = CloseFrame { code: close_code::POLICY, reason: error.code().into() };
        // Whoever does not answer is cut off.
        let _ = socket.send(Message::Close(Some(close))).await;
        let _ = tokio::time::timeout(socket::GOODBYE_TIME, socket.recv()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_takes_a_key_to_administer() {
        let table = "/api/v1/tables/{entity}/{project}/{table}";
        let check = |method: Method, route: &str, expect: Needs| {
            assert_eq!(needs(&method, Some(route)), expect, "{method} {route}");
        };
        check(Method::GET, "/api/v1/health", Needs::Nothing);
        check(Method::GET, table, Needs::Right(Right::Read));
        check(Method::DELETE, table, Needs::Right(Right::Admin));
        check(Method::POST, &format!("{table}/rows"), Needs::Right(Right::Write));
        check(Method::GET, &format!("{table}/rows"), Needs::Right(Right::Read));
        check(Method::PUT, &format!("{table}/retention"), Needs::Right(Right::Admin));
        check(Method::GET, "/metrics", Needs::Right(Right::Admin));
        check(Method::GET, "/api/v1/new", Needs::Right(Right::Admin));
    }
}
