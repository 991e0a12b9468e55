//! What the cluster must hold: the bucket that says how many streams there are, and the streams.

use std::collections::HashMap;
use std::fmt::Display;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, kv};
use futures::future::try_join_all;
use tokio::time::Instant;

use super::options::EngineOptions;
use super::place;
use crate::journal::JournalError;

/// The bucket, and its one key.
const BUCKET: &str = "streamtable";
const KEY: &str = "cluster";
/// How each stream says whose it is.
const CLUSTER_LABEL: &str = "streamtable.cluster";
/// What makes three copies the default.
const N_NODES_OF_THREE: usize = 3;
/// Between two tries.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// What the bucket says, from the first start on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Cluster {
    /// Random; names the folder of the local copy, so that the copy of one cluster is never taken for another's.
    pub(super) id: String,
    /// How many streams there are.
    pub(super) partitions: u32,
}

/// What was found or made.
pub(super) struct Setup {
    pub(super) cluster: Cluster,
    /// How many nodes keep each row.
    pub(super) n_replicas: usize,
}

/// Finds the bucket and the streams, and makes what is not there. Waits until `deadline` for a cluster that is starting.
///
/// # Errors
/// [`JournalError::EngineRefused`] where a stream is not as it must be, [`JournalError::Engine`] after the deadline.
pub(super) async fn setup(
    context: &Context,
    options: &EngineOptions,
    deadline: Instant,
) -> Result<Setup, JournalError> {
    loop {
        match try_setup(context, options).await {
            Err(JournalError::Engine(reason)) if Instant::now() < deadline => {
                tracing::warn!(reason, "the engine is not ready yet");
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

async fn try_setup(context: &Context, options: &EngineOptions) -> Result<Setup, JournalError> {
    let n_nodes = options.addresses().len().max(context.client().server_info().connect_urls.len());
    let n_default = if n_nodes >= N_NODES_OF_THREE { N_NODES_OF_THREE } else { 1 };
    let n_replicas = options.replicas.map_or(n_default, usize::from);
    let cluster = cluster(context, options.partitions, n_replicas).await?;
    let make = |partition| stream(context, &cluster, partition, n_replicas, options.replicas.is_some());
    let n_replicas = try_join_all((0..cluster.partitions).map(make)).await?.into_iter().min().unwrap_or_default();
    Ok(Setup { cluster, n_replicas })
}

/// Reads the bucket, or writes it first.
async fn cluster(context: &Context, partitions: u32, num_replicas: usize) -> Result<Cluster, JournalError> {
    let bucket = match context.get_key_value(BUCKET).await {
        Ok(bucket) => bucket,
        Err(_) => {
            let config = kv::Config { bucket: BUCKET.to_owned(), num_replicas, ..kv::Config::default() };
            context.create_key_value(config).await.map_err(away)?
        }
    };
    if let Some(found) = read(&bucket).await? {
        return Ok(found);
    }
    let mut id = [0; 8];
    getrandom::fill(&mut id).map_err(away)?;
    let cluster = Cluster { id: format!("{:016x}", u64::from_be_bytes(id)), partitions };
    let text = serde_json::to_vec(&cluster).map_err(away)?;
    // Another server may have been faster; then the next try reads what it wrote.
    bucket.create(KEY, text.into()).await.map_err(away)?;
    Ok(cluster)
}

async fn read(bucket: &kv::Store) -> Result<Option<Cluster>, JournalError> {
    let text = bucket.get(KEY).await.map_err(away)?;
    let refused = |error| JournalError::EngineRefused(format!("the bucket {BUCKET} is not StreamTable's: {error}"));
    text.map(|text| serde_json::from_slice(&text).map_err(refused)).transpose()
}

/// Finds or makes a stream; says how many nodes keep it.
async fn stream(
    context: &Context,
    cluster: &Cluster,
    partition: u32,
    num_replicas: usize,
    replicas_asked: bool,
) -> Result<usize, JournalError> {
    let wanted = config(cluster, partition, num_replicas);
    let stream = context.get_or_create_stream(wanted.clone()).await.map_err(away)?;
    let found = &stream.cached_info().config;
    if let Some(fault) = fault(found, &wanted) {
        return Err(JournalError::EngineRefused(format!("the stream {} {fault}", wanted.name)));
    }
    if replicas_asked && found.num_replicas != num_replicas {
        tracing::info!(stream = wanted.name, from = found.num_replicas, to = num_replicas, "changing the replicas");
        let info = context.update_stream(Config { num_replicas, ..found.clone() }).await.map_err(away)?;
        return Ok(info.config.num_replicas);
    }
    Ok(found.num_replicas)
}

/// Rows are kept for good: nothing may make the cluster drop a message by itself.
fn config(cluster: &Cluster, partition: u32, num_replicas: usize) -> Config {
    Config {
        name: place::stream(partition),
        subjects: vec![place::subjects(partition)],
        description: Some("Rows of StreamTable".to_owned()),
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        deny_delete: true,
        allow_atomic_publish: true,
        num_replicas,
        metadata: HashMap::from([(CLUSTER_LABEL.to_owned(), cluster.id.clone())]),
        ..Config::default()
    }
}

/// What is wrong with a stream that was there.
fn fault(found: &Config, wanted: &Config) -> Option<&'static str> {
    let unlimited = found.max_bytes <= 0
        && found.max_messages <= 0
        && found.max_messages_per_subject <= 0
        && found.max_age.is_zero()
        && found.retention == RetentionPolicy::Limits;
    let faults = [
        (
            found.metadata.get(CLUSTER_LABEL) != wanted.metadata.get(CLUSTER_LABEL),
            "is of another cluster of StreamTable",
        ),
        (found.subjects != wanted.subjects, "has other subjects"),
        (!unlimited, "has limits, by which it would drop rows"),
        (found.storage != StorageType::File, "is kept in memory only"),
        (!found.allow_atomic_publish, "does not allow atomic publishing"),
    ];
    faults.into_iter().find_map(|(is_so, text)| is_so.then_some(text))
}

/// An error that may pass.
pub(super) fn away(error: impl Display) -> JournalError {
    JournalError::Engine(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_would_drop_rows_is_refused() {
        let cluster = Cluster { id: "a".to_owned(), partitions: 8 };
        let wanted = config(&cluster, 1, 3);
        let check = |found: Config, expect: Option<&str>| assert_eq!(fault(&found, &wanted), expect);
        check(Config { num_replicas: 1, ..wanted.clone() }, None);
        let limits = Some("has limits, by which it would drop rows");
        check(Config { max_age: std::time::Duration::from_secs(1), ..wanted.clone() }, limits);
        check(Config { max_bytes: 1, ..wanted.clone() }, limits);
        check(Config { retention: RetentionPolicy::WorkQueue, ..wanted.clone() }, limits);
        check(Config { storage: StorageType::Memory, ..wanted.clone() }, Some("is kept in memory only"));
        let other = Cluster { id: "b".to_owned(), partitions: 8 };
        check(config(&other, 1, 3), Some("is of another cluster of StreamTable"));
    }
}
