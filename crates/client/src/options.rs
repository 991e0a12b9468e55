//! What a user may choose, with its defaults. The names are those of the npm package, in snake case.

/// Where a server listens unless told otherwise.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:7700";

/// How a table is reached, and how its rows are queued and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The server's origin.
    pub server: String,
    /// The board's origin, where links to the table lead; the server's when there is none.
    pub board: Option<String>,
    /// The project, where the name gives none.
    pub project: Option<String>,
    /// The entity, where the name gives none.
    pub entity: Option<String>,
    /// The key that allows writing and reading, where the server asks for one.
    pub key: Option<String>,
    /// The most that may wait in the queue, in bytes. What is logged when it is full is dropped, counted and told.
    pub max_queue_bytes: usize,
    /// The most rows that may wait in the queue.
    pub max_queue_rows: usize,
    /// The most rows in one request.
    pub max_batch_rows: usize,
    /// The most bytes in one request. A row that is larger goes alone.
    pub max_batch_bytes: usize,
    /// The least time from the start of one request to the start of the next, in milliseconds. A first row goes at
    /// once, those that follow it closely go together. `flush` does not wait for it.
    pub linger_millis: u64,
    /// How long an answer is waited for, in milliseconds, before the rows are sent again.
    pub request_timeout_millis: u32,
    /// The longest wait between two tries, in milliseconds, unless the server asks for longer.
    pub max_retry_millis: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: DEFAULT_SERVER.to_owned(),
            board: None,
            project: None,
            entity: None,
            key: None,
            max_queue_bytes: 64 << 20,
            max_queue_rows: 1_000_000,
            max_batch_rows: 10_000,
            max_batch_bytes: 1 << 20,
            linger_millis: 50,
            request_timeout_millis: 30_000,
            max_retry_millis: 30_000,
        }
    }
}
