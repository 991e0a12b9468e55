//! `cargo xtask check`: format, lints, types, dependencies and tidiness.

use crate::Result;
use crate::error::Error;
use crate::process::{command, run, status};
use crate::tools::{self, path_with, say};
use crate::workspace::root;

/// The crates that run in a browser.
const WEB_CRATES: [&str; 3] = ["streamtable", "streamtable-filter", "streamtable-board"];

fn step(what: &str, step: impl FnOnce() -> Result) -> Result {
    say(what);
    step()
}

pub(crate) fn check() -> Result {
    tools::rust_targets()?;
    tools::rust_components()?;
    step("format", || {
        run(&mut command("cargo", &["fmt", "--all", "--check"]))?;
        run(&mut command("cargo", &["fmt", "--all", "--check", "--manifest-path", "fuzz/Cargo.toml"]))
    })?;
    step("lints", || {
        run(&mut command(
            "cargo",
            &[
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--features",
                "streamtable-tests/cluster",
                "--",
                "-D",
                "warnings",
            ],
        ))
    })?;
    step("lints of what runs in a browser", || {
        let mut clippy = command("cargo", &["clippy", "--quiet", "--target", "wasm32-unknown-unknown"]);
        for package in WEB_CRATES {
            clippy.args(["--package", package]);
        }
        // What traps or blocks in a browser is refused there by a configuration of its own.
        clippy.args(["--features", "streamtable/npm", "--", "-D", "warnings"]);
        run(clippy.env("CLIPPY_CONF_DIR", root().join("crates/xtask/clippy-wasm")))?;
        let tests = ["--package", "streamtable", "--features", "arrow", "--test", "web", "--", "-D", "warnings"];
        run(command("cargo", &["clippy", "--quiet", "--target", "wasm32-unknown-unknown"]).args(tests))
    })?;
    step("types", || {
        for dir in ["crates/client/npm", "tests"] {
            let dir = root().join(dir);
            tools::npm_ci(&dir)?;
            run(command("npx", &["--no-install", "tsc", "--noEmit"]).current_dir(dir))?;
        }
        Ok(())
    })?;
    step("dependencies", dependencies)?;
    step("tidiness", || run(&mut command("cargo", &["test", "--quiet", "--package", "xtask"])))
}

fn dependencies() -> Result {
    let path = path_with(&[tools::cargo_deny()?]);
    let deny = |checks: &[&str]| {
        let mut deny = command("cargo", &["deny", "--log-level", "error", "check"]);
        deny.args(checks).env("PATH", &path);
        deny
    };
    run(&mut deny(&["bans", "licenses", "sources"]))?;
    // The list of advisories is fetched from its own repository, which a closed network refuses.
    if !status(&mut deny(&["advisories"]))?.success() {
        if std::env::var_os("STREAMTABLE_REQUIRE_ADVISORIES").is_some() {
            return Err(Error::new("the advisories were not checked, or one applies"));
        }
        say("warning: the advisories were not checked, or one applies; see above");
    }
    Ok(())
}
