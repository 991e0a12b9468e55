//! `cargo xtask fuzz`: random bytes for everything that reads bytes, and random requests after the description of the API. No
//! part of the tests: it runs for as long as one likes, and what it finds becomes one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::Result;
use crate::error::Error;
use crate::process::{command, output, run};
use crate::tools::{self, cache, path_with, say};
use crate::workspace::{root, target};

/// The program that makes requests after openapi.yaml, and what it draws them with: later ones of that do not fit it.
const SCHEMATHESIS: [&str; 2] = ["schemathesis==4.4.1", "hypothesis==6.148.2"];
/// The target that is no program of `fuzz`.
const HTTP: &str = "http";
/// The most memory that a target may come to have.
const MAX_MIB: u32 = 2048;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A target by its name in fuzz/fuzz_targets, or http for requests after openapi.yaml; all when none is named.
    target: Option<String>,
    /// For how long each target of fuzz/fuzz_targets runs.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// How many requests http makes for each of the API's operations, at most.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
}

pub(crate) fn fuzz(args: &Args) -> Result {
    let mut targets = targets()?;
    targets.push(HTTP.to_owned());
    if let Some(wanted) = &args.target {
        targets.retain(|name| name == wanted);
        if targets.is_empty() {
            return Err(Error::new(format!("{wanted} is no target: see fuzz/fuzz_targets, or {HTTP}")));
        }
    }
    for name in targets {
        if name == HTTP { http(args.requests)? } else { bytes(&name, args.seconds)? }
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let dir = root().join("fuzz/fuzz_targets");
    let files = fs::read_dir(&dir).map_err(Error::at(&dir))?.filter_map(std::result::Result::ok);
    let mut names: Vec<String> = files.filter_map(|file| Some(file.path().file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

/// Runs a target. Without a sanitizer, as the code is safe Rust: then the stable compiler will do.
fn bytes(name: &str, seconds: u32) -> Result {
    say(&format!("fuzzing {name} for {seconds} s"));
    let path = path_with(&[tools::cargo_fuzz()?]);
    let mut fuzz = command("cargo", &["fuzz", "run", "--sanitizer", "none", "--target-dir"]);
    fuzz.arg(target().join("fuzz")).args([name, "--"]).env("PATH", path);
    run(fuzz.args([format!("-max_total_time={seconds}"), format!("-rss_limit_mb={MAX_MIB}")]))
}

/// Asks a server of our own whatever its description allows, and what it does not: first any table, then one that is there.
fn http(n_requests: u32) -> Result {
    let program = schemathesis()?;
    run(&mut command("cargo", &["build", "--quiet", "--package", "streamtable-server"]))?;
    let data = target().join("fuzz-http");
    if data.exists() {
        fs::remove_dir_all(&data).map_err(Error::at(&data))?;
    }
    let server = Server::start(&data)?;
    for config in ["any-table", "one-table"] {
        say(&format!("random requests to the server, {config}"));
        let mut random = command(&program, &["--config-file"]);
        random.arg(root().join("fuzz/http").join(config).with_extension("toml")).arg("run");
        random.args([format!("{}/openapi.yaml", server.api), "--url".to_owned(), server.api.clone()]);
        random.args(["--checks", "not_a_server_error", "--max-examples", &n_requests.to_string()]);
        // Much of what is drawn for the formats of an import is thrown away.
        random.arg("--suppress-health-check=filter_too_much");
        run(&mut random)?;
    }
    Ok(())
}

/// The program, in an environment of its own.
fn schemathesis() -> Result<PathBuf> {
    let dir = cache()?.join(SCHEMATHESIS.join("-").replace("==", "-"));
    let program = dir.join("bin/schemathesis");
    if output(Command::new(&program).arg("--version")).is_none() {
        say(&format!("installing {} with pip, once, into {}", SCHEMATHESIS.join(" and "), dir.display()));
        run(command("python3", &["-m", "venv"]).arg(&dir))?;
        let mut pip = command(dir.join("bin/python"), &["-m", "pip", "install", "--quiet"]);
        run(pip.arg("--disable-pip-version-check").args(SCHEMATHESIS))?;
    }
    Ok(program)
}

/// A server on a free port, killed when dropped.
struct Server {
    child: Child,
    /// The address of its API.
    api: String,
}

impl Server {
    fn start(data: &std::path::Path) -> Result<Self> {
        let mut server = command(target().join("debug/streamtable-server"), &["--listen", "127.0.0.1:0", "--data"]);
        let child = server.arg(data).args(["--log-level", "warn"]).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| Error::new(format!("the server did not start: {error}")))?;
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let line = lines.next().and_then(std::result::Result::ok).unwrap_or_default();
        let url = line.strip_prefix("listening on ").map(|url| format!("{url}/api/v1"));
        let server = Self { child, api: url.unwrap_or_default() };
        if server.api.is_empty() { Err(Error::new("the server ended before it listened")) } else { Ok(server) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
