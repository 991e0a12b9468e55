//! What the tests share: a server of their own, its keys, its certificate, requests to it that are held against
//! `openapi.yaml`, a tail, a live query, a NATS cluster.

mod certificate;
mod http;
mod keys;
mod live;
mod nats;
pub mod openapi;
mod server;
mod tail;

pub use certificate::{Certificate, CertificateFiles};
pub use http::Answer;
pub use keys::id_of;
pub use live::LiveQuery;
pub use nats::{Nats, Node};
pub use server::{DataDir, Server};
pub use tail::{Tail, TailRows, connect};

/// A writer for tests: its id's bytes are all `byte`.
#[must_use]
pub fn writer(byte: u8) -> model::WriterId {
    model::WriterId::from_bytes([byte; 16])
}

/// The body with which the client sends rows that are JSON already.
#[must_use]
pub fn framed(writer: model::WriterId, seq: u64, rows: &[String]) -> String {
    let mut body = String::new();
    wire::append::Header { writer, seq, key: None }.encode(&mut body);
    for row in rows {
        body.push_str(row);
        body.push('\n');
    }
    body
}
