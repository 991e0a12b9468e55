//! Every way in which a request fails as a whole: a status, a code that stays the same, a sentence.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{NameError, TableName};
use wire::WireError;
use wire::api::{ErrorBody, ErrorDetail};

use crate::journal::JournalError;
use crate::keys::KeyError;
use crate::query::QueryError;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The body, or the table's name, says nothing that can be stored.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A parameter of the address cannot be read.
    #[error("the parameter {name}: {reason}")]
    Parameter {
        /// Which.
        name: String,
        /// Why.
        reason: String,
    },
    /// The writer in the address is none.
    #[error("{0}")]
    Writer(#[from] model::ParseWriterIdError),
    /// The filter is not an expression.
    #[error("the filter cannot be read at character {position}: {reason}")]
    Filter {
        /// Where, in characters from 0.
        position: usize,
        /// Why.
        reason: String,
    },
    /// So many imports are under way that another must wait.
    #[error("as many imports are under way as may be; ask again later")]
    ImportsFull,
    /// An import stopped before its end.
    #[error(
        "{error}. {n_rows} rows had been read by then and {n_stored} of them stored; with a writer the whole can be sent again, \
         and nothing is stored twice"
    )]
    Import {
        /// Why.
        error: Box<ApiError>,
        /// The rows that were read.
        n_rows: u64,
        /// Those of them that were stored, by this request.
        n_stored: u64,
    },
    /// A column is asked for that the table has not.
    #[error("the table has no column {0:?}")]
    UnknownColumn(String),
    /// The body claims to be gzip and is not.
    #[error("the body is not valid gzip: {0}")]
    Gzip(String),
    /// The body stopped before its end.
    #[error("the body could not be read: {0}")]
    Body(String),
    /// More rows cannot be stored than the answer may list.
    #[error("more than {0} rows of the request cannot be stored")]
    TooManyRefused(usize),
    /// The body is larger than allowed, as it came or decompressed.
    #[error("the request has more than {0} bytes; send fewer rows at a time")]
    RequestTooLarge(u64),
    /// The body came too slowly.
    #[error("the request took too long to come")]
    Timeout,
    /// The body is of a type that is not taken.
    #[error("{got} is not taken; send {taken}")]
    MediaType {
        /// What came.
        got: String,
        /// What is taken.
        taken: &'static str,
    },
    /// The body is compressed in a way that is not known.
    #[error("the encoding {0:?} is not known; send gzip or none")]
    Encoding(String),
    /// The body says no retention.
    #[error("the retention cannot be read: {0}")]
    Retention(String),
    /// A table that has no row yet.
    #[error("there is no table {0}")]
    UnknownTable(TableName),
    /// An address that means nothing.
    #[error("there is nothing at {0}")]
    UnknownPath(String),
    /// A method that the address does not know.
    #[error("{0} is not allowed here")]
    Method(String),
    /// What comes over a WebSocket was asked for without one.
    #[error("this is sent over a WebSocket: {0}")]
    NotAWebSocket(String),
    /// A query has no answer.
    #[error(transparent)]
    Query(QueryError),
    /// The key does not allow it, or there is none.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The journal could not do it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Journal(error) => ApiError::Journal(error),
            error => ApiError::Query(error),
        }
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        ApiError::Wire(error.into())
    }
}

impl ApiError {
    /// A body of a type that is not taken.
    pub(super) fn media_type(got: &str, taken: &'static str) -> Self {
        ApiError::MediaType { got: got.to_owned(), taken }
    }

    /// A parameter that cannot be read.
    pub(super) fn parameter(name: &str, reason: impl Into<String>) -> Self {
        ApiError::Parameter { name: name.to_owned(), reason: reason.into() }
    }

    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ApiError::Wire(error) => error.code(),
            ApiError::Parameter { .. } => "bad_parameter",
            ApiError::Writer(_) => "bad_writer",
            ApiError::Filter { .. } => "bad_filter",
            ApiError::UnknownColumn(_) => "unknown_column",
            ApiError::Gzip(_) => "bad_gzip",
            ApiError::Body(_) => "bad_body",
            ApiError::TooManyRefused(_) => "too_many_refused",
            ApiError::RequestTooLarge(_) => "request_too_large",
            ApiError::Timeout => "request_timeout",
            ApiError::ImportsFull => "imports_full",
            ApiError::Import { error, .. } => error.code(),
            ApiError::MediaType { .. } => "unsupported_media_type",
            ApiError::Encoding(_) => "unsupported_encoding",
            ApiError::Retention(_) => "bad_retention",
            ApiError::UnknownTable(_) => "unknown_table",
            ApiError::UnknownPath(_) => "unknown_path",
            ApiError::Method(_) => "method_not_allowed",
            ApiError::NotAWebSocket(_) => "websocket_expected",
            ApiError::Query(error) => error.code(),
            ApiError::Key(error) => error.code(),
            ApiError::Journal(error) => error.code(),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            ApiError::Wire(WireError::RowTooLarge { .. } | WireError::PartTooLarge(_)) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::Wire(WireError::UnsupportedColumn { .. }) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ApiError::Wire(_)
            | ApiError::Parameter { .. }
            | ApiError::Writer(_)
            | ApiError::Filter { .. }
            | ApiError::UnknownColumn(_)
            | ApiError::Gzip(_)
            | ApiError::TooManyRefused(_)
            | ApiError::Retention(_)
            | ApiError::Body(_) => StatusCode::BAD_REQUEST,
            ApiError::RequestTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::Timeout => StatusCode::REQUEST_TIMEOUT,
            ApiError::ImportsFull => StatusCode::SERVICE_UNAVAILABLE,
            ApiError::Import { error, .. } => error.status(),
            ApiError::MediaType { .. } | ApiError::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ApiError::UnknownTable(_) | ApiError::UnknownPath(_) => StatusCode::NOT_FOUND,
            ApiError::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            ApiError::NotAWebSocket(_) => StatusCode::UPGRADE_REQUIRED,
            ApiError::Query(error) => match error {
                QueryError::UnknownTable(_) => StatusCode::NOT_FOUND,
                QueryError::TableTooLarge { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                QueryError::MemoryFull => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_REQUEST,
            },
            ApiError::Key(error) => match error {
                KeyError::Missing | KeyError::Unknown | KeyError::Revoked { .. } => StatusCode::UNAUTHORIZED,
                KeyError::Right { .. } | KeyError::Scope { .. } | KeyError::Origin { .. } => StatusCode::FORBIDDEN,
                KeyError::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
                KeyError::TableFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            },
            ApiError::Journal(error) => match error {
                JournalError::TableDeleted | JournalError::RowsDropped { .. } => StatusCode::GONE,
                JournalError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
                JournalError::Overloaded
                | JournalError::Closed
                | JournalError::Store(_)
                | JournalError::Engine(_)
                | JournalError::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }

    /// The reason as the answers carry it.
    #[must_use]
    pub fn detail(&self) -> ErrorDetail {
        ErrorDetail { code: self.code().to_owned(), message: self.to_string() }
    }

    /// After how many seconds it is worth asking again.
    fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            ApiError::Journal(JournalError::Overloaded | JournalError::Closed | JournalError::Store(_)) => Some(1),
            ApiError::Journal(JournalError::Engine(_)) => Some(2),
            ApiError::Query(QueryError::MemoryFull) | ApiError::ImportsFull => Some(5),
            ApiError::Import { error, .. } => error.retry_after_seconds(),
            ApiError::Key(KeyError::RateLimited { wait, .. }) => {
                Some(u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX))
            }
            ApiError::Journal(JournalError::DiskFull | JournalError::Failed(_))
            | ApiError::Key(KeyError::TableFull { .. }) => Some(30),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() && !matches!(self, ApiError::Key(_)) {
            tracing::warn!(code = self.code(), error = %self, "a request failed");
        }
        let mut response = (status, Json(ErrorBody { error: self.detail() })).into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        response
    }
}
