//! `cargo xtask test`: every test there is, suite by suite, and one line in the end that counts them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Result;
use crate::error::Error;
use crate::process::{command, shown};
use crate::tools::{self, path_with, say};
use crate::workspace::root;
use crate::{build, chromium, nats, npm};

/// The package of the tests that talk to a server over a socket.
const HTTP_PACKAGE: &str = "streamtable-tests";

/// A part of the tests that can run by itself.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Suite {
    /// The crates' own tests, on this machine.
    Native,
    /// The npm package's TypeScript, in Node.
    Js,
    /// The engine's own tests in wasm, in Node: what its SIMD finds is what a plain reading finds.
    Simd,
    /// The client's browser half, in Chromium.
    Wasm,
    /// The server over a socket: its API, and kills in the middle of a stream.
    Http,
    /// Servers on a real NATS cluster of this machine: one order of rows, and kills of leaders, followers and servers.
    Cluster,
    /// The npm package and the board in Chromium, against the real server.
    Browser,
    /// The npm package under faults of pages, browsers, networks and servers: nothing lost, nothing doubled.
    Faults,
    /// The packed npm package in real projects: bundlers, runtimes, types.
    Packaging,
}

const ALL: [Suite; 9] = [
    Suite::Native,
    Suite::Js,
    Suite::Simd,
    Suite::Wasm,
    Suite::Http,
    Suite::Cluster,
    Suite::Browser,
    Suite::Faults,
    Suite::Packaging,
];

/// How many tests passed and failed.
#[derive(Clone, Copy, Default)]
struct Counts {
    n_passed: u64,
    n_failed: u64,
}

pub(crate) fn run(suite: Option<Suite>) -> Result {
    let suites = suite.map_or(ALL.to_vec(), |suite| vec![suite]);
    let mut total = Counts::default();
    let mut lines = Vec::new();
    for suite in suites {
        let started = Instant::now();
        say(&format!("suite {}", suite.name()));
        // The only thing of the tests that neither the checkout nor cargo nor npm can bring.
        if let Suite::Cluster = suite
            && let Err(error) = nats::server()
        {
            lines.push(format!("  {:<9} SKIPPED: nats-server cannot be had: {error}", suite.name()));
            continue;
        }
        let (counts, fault) = match suite.run() {
            Ok(counts) => (counts, String::new()),
            // A suite that could not run to its end is a failure, whatever it counted.
            Err((counts, error)) => {
                let n_failed = counts.n_failed.max(1);
                (Counts { n_failed, ..counts }, format!("   {error}"))
            }
        };
        total.n_passed += counts.n_passed;
        total.n_failed += counts.n_failed;
        lines.push(format!(
            "  {:<9} {:>5} passed {:>4} failed   {:>6.1} s{fault}",
            suite.name(),
            counts.n_passed,
            counts.n_failed,
            started.elapsed().as_secs_f64(),
        ));
    }
    println!("\n{}\n", lines.join("\n"));
    println!("{} passed, {} failed", total.n_passed, total.n_failed);
    match total {
        Counts { n_failed: 0, n_passed } if n_passed > 0 => Ok(()),
        Counts { n_passed: 0, .. } => Err(Error::new("no test ran")),
        Counts { n_failed, .. } => Err(Error::new(format!("{n_failed} tests failed"))),
    }
}

type Counted = std::result::Result<Counts, (Counts, Error)>;

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Suite::Native => "native",
            Suite::Js => "js",
            Suite::Simd => "simd",
            Suite::Wasm => "wasm",
            Suite::Http => "http",
            Suite::Cluster => "cluster",
            Suite::Browser => "browser",
            Suite::Faults => "faults",
            Suite::Packaging => "packaging",
        }
    }

    fn run(self) -> Counted {
        let mut command = self.prepare().map_err(|error| (Counts::default(), error))?;
        count(&mut command)
    }

    /// Builds what the suite needs and gives the command that runs it.
    fn prepare(self) -> Result<Command> {
        match self {
            Suite::Native => {
                let args = ["test", "--workspace", "--exclude", HTTP_PACKAGE, "--no-fail-fast"];
                Ok(command("cargo", &args))
            }
            Suite::Js => {
                // They run on the WebAssembly as it was built.
                npm::build()?;
                let dir = root().join("crates/client/npm");
                let mut npm = command("npm", &["test", "--silent"]);
                npm.current_dir(dir);
                Ok(npm)
            }
            Suite::Simd => wasm_tests("streamtable-engine", &["--lib", "--test", "memory"], "wasm-bindgen-test-runner"),
            Suite::Wasm => {
                // Tests run in their package's folder; a path in full could hold a space, at which cargo splits.
                let runner = "node ../../tests/wasm_runner.mjs";
                chromium::drive(wasm_tests("streamtable", &["--features", "arrow", "--test", "web"], runner)?)
            }
            Suite::Http => {
                let server = build::server()?;
                let mut cargo = command("cargo", &["test", "--package", HTTP_PACKAGE, "--no-fail-fast"]);
                cargo.env("STREAMTABLE_SERVER_BIN", server);
                Ok(cargo)
            }
            Suite::Cluster => {
                let (nats, server) = (nats::server()?, build::server()?);
                let tests = ["--test", "cluster", "--test", "cluster_kills"];
                let mut cargo = command("cargo", &["test", "--package", HTTP_PACKAGE, "--features", "cluster"]);
                cargo.args(tests).arg("--no-fail-fast").args(["--", "--test-threads", "1", "--nocapture"]);
                cargo.env("STREAMTABLE_SERVER_BIN", server).env("STREAMTABLE_NATS_SERVER", nats);
                Ok(cargo)
            }
            Suite::Browser => playwright(&[]),
            Suite::Faults => playwright(&["--config", "faults/playwright.config.ts"]),
            Suite::Packaging => {
                tools::npm_ci(&root().join("tests/packaging"))?;
                playwright(&["--config", "packaging/playwright.config.ts"])
            }
        }
    }
}

/// The command that runs Playwright's tests of the npm package and the board against the server, all built.
pub(crate) fn playwright(args: &[&str]) -> Result<Command> {
    let server = build::server()?;
    npm::build_whole()?;
    let mut playwright = command("npx", &["--no-install", "playwright", "test"]);
    playwright.args(args).current_dir(root().join("tests")).env("STREAMTABLE_SERVER_BIN", server);
    chromium::drive(playwright)
}

/// The command that runs a package's tests in wasm: in Node by wasm-bindgen's own runner, or in Chromium by ours, which goes
/// through Playwright, so that no driver program of its own is needed.
fn wasm_tests(package: &str, args: &[&str], runner: &str) -> Result<Command> {
    tools::rust_targets()?;
    let mut cargo = command("cargo", &["test", "--package", package, "--target", "wasm32-unknown-unknown"]);
    cargo.args(args).arg("--no-fail-fast");
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner);
    cargo.env("PATH", path_with(&[tools::wasm_bindgen()?]));
    Ok(cargo)
}

/// Runs a suite, passing on what it prints and counting the tests it names.
fn count(command: &mut Command) -> Counted {
    let failed = |counts, error: String| (counts, Error::new(error));
    let mut counts = Counts::default();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| failed(counts, format!("{} did not start: {error}", shown(command))))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    for line in BufReader::new(stdout).lines().map_while(std::result::Result::ok) {
        println!("{line}");
        counts.add(&line);
    }
    let status = child.wait().map_err(|error| failed(counts, error.to_string()))?;
    if status.success() { Ok(counts) } else { Err(failed(counts, format!("{} failed ({status})", shown(command)))) }
}

impl Counts {
    /// Takes in a line, where it closes a run of cargo's, Node's or Playwright's tests.
    fn add(&mut self, line: &str) {
        let line = line.trim();
        if let Some(counts) = line.strip_prefix("test result:") {
            self.n_passed += number_before(counts, "passed");
            self.n_failed += number_before(counts, "failed");
        } else if let Some(n) = line.strip_prefix("ℹ pass ").or(line.strip_prefix("# pass ")) {
            self.n_passed += n.parse::<u64>().unwrap_or(0);
        } else if let Some(n) = line.strip_prefix("ℹ fail ").or(line.strip_prefix("# fail ")) {
            self.n_failed += n.parse::<u64>().unwrap_or(0);
        } else if let [n, "passed", rest] = line.splitn(3, ' ').collect::<Vec<_>>()[..]
            && rest.starts_with('(')
        {
            self.n_passed += n.parse::<u64>().unwrap_or(0);
        } else if let [n, "failed" | "interrupted" | "flaky"] = line.split(' ').collect::<Vec<_>>()[..] {
            self.n_failed += n.parse::<u64>().unwrap_or(0);
        } else if let [n, "did", "not", "run"] = line.split(' ').collect::<Vec<_>>()[..] {
            self.n_failed += n.parse::<u64>().unwrap_or(0);
        }
    }
}

/// The number that stands before `word` in text such as `ok. 12 passed; 0 failed`.
fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> = text.split([' ', ';', '.', ',']).filter(|word| !word.is_empty()).collect();
    let place = words.iter().position(|candidate| *candidate == word);
    place.and_then(|idx| words.get(idx.checked_sub(1)?)?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], n_passed: u64, n_failed: u64) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.add(line));
        assert_eq!((counts.n_passed, counts.n_failed), (n_passed, n_failed), "{lines:?}");
    }

    #[test]
    fn closing_lines_are_counted() {
        check(&["test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured", "test x ... ok"], 12, 0);
        check(&["test result: FAILED. 3 passed; 2 failed; 0 ignored"], 3, 2);
        check(&["ℹ tests 9", "ℹ pass 8", "ℹ fail 1"], 8, 1);
        check(&["# pass 8", "# fail 0"], 8, 0);
        check(&["  1 failed", "    browser/a.spec.ts:3:1 › x", "  14 passed (12.3s)"], 14, 1);
        check(&["  2 did not run", "  1 interrupted"], 0, 3);
        check(&["  5 skipped", "Running 16 tests using 2 workers"], 0, 0);
    }
}
