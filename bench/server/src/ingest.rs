//! Writers that send rows as fast as they are acknowledged, each one request after the other.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::Process;
use crate::rows;
use crate::timing::Times;

/// What is not counted at the beginning.
const WARM_UP: Duration = Duration::from_millis(500);
/// How many different bodies a writer has.
const N_BODIES: usize = 8;

/// Something that takes rows and acknowledges what is on disk.
pub(crate) trait System: Sync {
    /// The program.
    fn process(&self) -> &Process;
    /// A connection of a writer.
    fn writer(&self, idx: usize) -> Result<Box<dyn Writer>>;
    /// How many rows it says it has.
    fn n_stored(&self) -> Result<u64>;
}

/// One that sends rows.
pub(crate) trait Writer: Send {
    /// Sends rows and comes back when they are acknowledged.
    fn send(&mut self, lines: &str, n_rows: usize) -> Result<()>;
}

/// What is to be measured.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) n_writers: usize,
    /// Rows a request.
    pub(crate) n_rows: usize,
    /// How many requests all writers together are to send a second; as many as are acknowledged where it is not said.
    pub(crate) pace: Option<f64>,
    pub(crate) seconds: u64,
}

/// What was measured.
pub(crate) struct Cell {
    pub(crate) system: String,
    pub(crate) load: Load,
    pub(crate) rows_per_second: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_millis: f64,
    pub(crate) p99_millis: f64,
    pub(crate) rest_bytes: u64,
    pub(crate) load_bytes: u64,
}

/// Measures one system under a load.
pub(crate) fn measure(system: &dyn System, name: &str, load: Load) -> Result<Cell> {
    let Load { n_writers, n_rows, seconds, .. } = load;
    let rest_bytes = system.process().rss();
    let watch = system.process().watch();
    let barrier = Barrier::new(n_writers);
    let results: Vec<Result<(u64, Vec<Duration>)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_writers)
            .map(|idx| {
                let barrier = &barrier;
                scope.spawn(move || write(system, idx, load, barrier))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a writer panicked".into()))).collect()
    });
    let (mut n_sent, mut times) = (0, Vec::new());
    for result in results {
        let (sent, measured) = result?;
        n_sent += sent;
        times.extend(measured);
    }
    let load_bytes = watch.most();
    let n_stored = system.n_stored()?;
    if n_stored != n_sent {
        return Err(format!("{name} acknowledged {n_sent} rows and has {n_stored}").into());
    }
    let requests_per_second = times.len() as f64 / seconds as f64;
    let times = Times::of(times);
    Ok(Cell {
        system: name.to_owned(),
        load,
        rows_per_second: requests_per_second * n_rows as f64,
        requests_per_second,
        p50_millis: times.millis(0.5),
        p99_millis: times.millis(0.99),
        rest_bytes,
        load_bytes,
    })
}

/// Sends rows for a time; says how many in all, and how long each measured request took. With a pace, a request's time
/// begins when it was due: what waits behind a slow one is slow too.
fn write(system: &dyn System, idx: usize, load: Load, barrier: &Barrier) -> Result<(u64, Vec<Duration>)> {
    let Load { n_writers, n_rows, pace, seconds } = load;
    let bodies: Vec<String> =
        (0..N_BODIES).map(|body| rows::lines(((idx * N_BODIES + body) * n_rows) as u64, n_rows)).collect();
    let interval = pace.map(|pace| n_writers as f64 / pace);
    let writer = system.writer(idx);
    barrier.wait();
    let mut writer = writer?;
    let (start, end) = (Instant::now(), WARM_UP + Duration::from_secs(seconds));
    let (mut times, mut n_sent) = (Vec::new(), 0);
    for (n, body) in bodies.iter().cycle().enumerate() {
        // Writers with a pace take turns, as those of different pages would.
        let due =
            interval.map(|interval| Duration::from_secs_f64(interval * (n as f64 + idx as f64 / n_writers as f64)));
        let due = due.unwrap_or_else(|| start.elapsed());
        if due >= end {
            break;
        }
        std::thread::sleep(due.saturating_sub(start.elapsed()));
        writer.send(body, n_rows)?;
        n_sent += n_rows as u64;
        // With a pace, all that were due count, however late they came.
        let counts = due >= WARM_UP && (pace.is_some() || start.elapsed() < end);
        times.extend(counts.then(|| start.elapsed() - due));
    }
    Ok((n_sent, times))
}
