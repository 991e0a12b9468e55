//! The Chromium that the browser tests run in.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::Result;
use crate::error::Error;
use crate::process::{command, output, status};
use crate::tools::{self, say};
use crate::workspace::root;

const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Lets a command that runs Playwright find a Chromium, and installs the tests' npm packages, which bring Playwright.
pub(crate) fn drive(mut command: Command) -> Result<Command> {
    tools::npm_ci(&root().join("tests"))?;
    if let Some(path) = find_or_install()? {
        command.env("CHROMIUM_PATH", path);
    }
    Ok(command)
}

/// A Chromium: the one that `CHROMIUM_PATH` names, one on PATH, Playwright's own, or one installed now.
///
/// `None` means Playwright's own, which Playwright finds by itself.
fn find_or_install() -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os("CHROMIUM_PATH").map(PathBuf::from) {
        return if path.is_file() {
            Ok(Some(path))
        } else {
            Err(Error::new(format!("CHROMIUM_PATH names {}, which is no file", path.display())))
        };
    }
    if let Some(path) = on_path() {
        return Ok(Some(path));
    }
    if playwrights_own() {
        return Ok(None);
    }
    say("installing Chromium for the browser tests");
    let install = status(command("npx", &["playwright", "install", "chromium"]).current_dir(root().join("tests")));
    if install.is_ok_and(|status| status.success()) && playwrights_own() {
        return Ok(None);
    }
    say("Playwright could not fetch its Chromium; trying the system's packages");
    let _ = status(&mut command("apt-get", &["update", "-qq"]));
    let _ = status(command("apt-get", &["install", "-y", "-qq", "chromium"]).env("DEBIAN_FRONTEND", "noninteractive"));
    on_path()
        .map(Some)
        .ok_or_else(|| Error::new("no Chromium: install one (apt-get install chromium), or name it in CHROMIUM_PATH"))
}

fn on_path() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |dir| dir.join(name))).find(|path| path.is_file())
}

fn playwrights_own() -> bool {
    const SCRIPT: &str = "process.stdout.write(require('@playwright/test').chromium.executablePath())";
    let path = output(command("node", &["-e", SCRIPT]).current_dir(root().join("tests")));
    path.is_some_and(|path| PathBuf::from(path).is_file())
}
