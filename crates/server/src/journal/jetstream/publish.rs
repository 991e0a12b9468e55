//! Putting messages into a stream: once acknowledged, a quorum of the cluster has them on disk.
//!
//! A publish whose answer was lost is repeated as it was. The stream may then hold the message twice, and the fold drops
//! the second. Msg-Ids only save the cluster from storing most of these; nothing depends on them.

use std::time::Duration;

use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE, NATS_EXPECTED_STREAM,
    NATS_MESSAGE_ID,
};
use async_nats::{Client, HeaderMap, Request};
use bytes::Bytes;
use tokio::time::Instant;
use wire::stream::{MessageId, cut};

use super::connect::{check_server, is_connected};
use super::place;
use crate::journal::JournalError;

/// How long one try may take. A leader that is alive answers in milliseconds, a busy one in a second or two.
const TRY_TIMEOUT: Duration = Duration::from_secs(4);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Answers of a cluster that has no room: for the account, or on the node.
const FULL: [u64; 4] = [10002, 10023, 10028, 10047];

/// What a stream answers to a message.
#[derive(serde::Deserialize)]
struct Answer {
    error: Option<Fault>,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    seq: u64,
}

#[derive(serde::Deserialize)]
struct Fault {
    err_code: u64,
    description: String,
}

/// A body on its way to a stream.
pub(super) struct Publish {
    pub(super) partition: u32,
    pub(super) subject: String,
    pub(super) id: MessageId,
    pub(super) body: Vec<u8>,
}

impl Publish {
    /// Publishes until the quorum has it.
    ///
    /// # Errors
    /// [`JournalError::Engine`] after the deadline, [`JournalError::DiskFull`] when the cluster has no room. The message
    /// may be stored all the same.
    pub(super) async fn run(self, client: &Client, deadline: Instant) -> Result<(), JournalError> {
        let messages: Vec<Bytes> = cut(self.id, &self.body).into_iter().map(Bytes::from).collect();
        let (stream, subject) = (place::stream(self.partition), self.subject);
        let id = self.id;
        drop(self.body);
        let mut trouble = "there was no time".to_owned();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(JournalError::Engine(trouble));
            }
            // What is published without a connection would wait in the client's queue, and come long after. And the node
            // may be another than at the start, and an older one, whose word is worth nothing.
            if !is_connected(client) {
                trouble = "no node of the cluster can be reached".to_owned();
            } else if let Err(error) = check_server(&client.server_info(), "a node of the cluster") {
                trouble = error.to_string();
            } else {
                let publish = async {
                    match &messages[..] {
                        [message] => publish_one(client, &stream, &subject, id, message.clone()).await,
                        _ => publish_batch(client, &stream, &subject, &messages).await,
                    }
                };
                match tokio::time::timeout(TRY_TIMEOUT.min(left), publish).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(error @ JournalError::DiskFull)) => return Err(error),
                    Ok(Err(error)) => trouble = error.to_string(),
                    Err(_) => trouble = format!("the stream {stream} took too long"),
                }
            }
            tokio::time::sleep(PAUSE.min(left)).await;
        }
    }
}

async fn publish_one(
    client: &Client,
    stream: &str,
    subject: &str,
    id: MessageId,
    message: Bytes,
) -> Result<(), JournalError> {
    let mut headers = HeaderMap::new();
    headers.insert(NATS_EXPECTED_STREAM, stream);
    headers.insert(NATS_MESSAGE_ID, format!("{:032x}-{}", u128::from_be_bytes(id.lane), id.number));
    let answer = request(client, subject, headers, message).await?;
    acknowledged(&answer, stream)
}

/// All messages or none: see ADR-50 of NATS. They stand side by side in the stream.
async fn publish_batch(client: &Client, stream: &str, subject: &str, messages: &[Bytes]) -> Result<(), JournalError> {
    let mut batch = [0; 16];
    getrandom::fill(&mut batch).map_err(|error| JournalError::Store(error.to_string()))?;
    let batch = format!("{:032x}", u128::from_be_bytes(batch));
    let headers = |idx: usize| {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_STREAM, stream);
        headers.insert(NATS_BATCH_ID, batch.as_str());
        headers.insert(NATS_BATCH_SEQUENCE, (idx + 1).to_string());
        headers
    };
    let last = messages.len() - 1;
    for (idx, message) in messages[..last].iter().enumerate() {
        if idx == 0 {
            // An empty answer says that the leader has begun; anything else says why not.
            let answer = request(client, subject, headers(idx), message.clone()).await?;
            if !answer.is_empty() {
                return acknowledged(&answer, stream).and_then(|()| Err(unexpected(&answer)));
            }
        } else {
            let sent = client.publish_with_headers(subject.to_owned(), headers(idx), message.clone()).await;
            sent.map_err(|error| JournalError::Engine(error.to_string()))?;
        }
    }
    let mut headers = headers(last);
    headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
    let answer = request(client, subject, headers, messages[last].clone()).await?;
    acknowledged(&answer, stream)
}

async fn request(client: &Client, subject: &str, headers: HeaderMap, message: Bytes) -> Result<Bytes, JournalError> {
    let request = Request::new().headers(headers).payload(message).timeout(Some(TRY_TIMEOUT));
    let answer = client.send_request(subject.to_owned(), request).await;
    answer.map(|answer| answer.payload).map_err(|error| JournalError::Engine(error.to_string()))
}

fn acknowledged(answer: &[u8], stream: &str) -> Result<(), JournalError> {
    match serde_json::from_slice::<Answer>(answer) {
        Ok(Answer { error: Some(fault), .. }) if FULL.contains(&fault.err_code) => Err(JournalError::DiskFull),
        Ok(Answer { error: Some(fault), .. }) => {
            Err(JournalError::Engine(format!("{} ({})", fault.description, fault.err_code)))
        }
        Ok(answer) if answer.stream == stream && answer.seq > 0 => Ok(()),
        _ => Err(unexpected(answer)),
    }
}

fn unexpected(answer: &[u8]) -> JournalError {
    JournalError::Engine(format!("it answered {:?}", String::from_utf8_lossy(&answer[..answer.len().min(200)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_stream_acknowledges() {
        let check = |answer: &str| acknowledged(answer.as_bytes(), "s").map_err(|error| error.code());
        assert_eq!(check(r#"{"stream":"s","seq":7}"#), Ok(()));
        assert_eq!(check(r#"{"stream":"s","seq":7,"duplicate":true}"#), Ok(()));
        assert_eq!(check(r#"{"stream":"other","seq":7}"#), Err("engine_unavailable"));
        assert_eq!(check(r#"{"stream":"s","seq":0}"#), Err("engine_unavailable"));
        assert_eq!(check(""), Err("engine_unavailable"));
        let fault =
            |code| format!(r#"{{"stream":"s","seq":0,"error":{{"code":503,"err_code":{code},"description":"x"}}}}"#);
        assert_eq!(check(&fault(10076)), Err("engine_unavailable"));
        assert_eq!(check(&fault(10047)), Err("disk_full"));
    }
}
