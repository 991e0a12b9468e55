//! The tools that the commands need: found where they are, else installed once into the user's cache.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::error::Error;
use crate::process::{command, output, run};
use crate::workspace::{self, locked_version, root};

const TRUNK_VERSION: &str = "0.21.14";
const CARGO_DENY_VERSION: &str = "0.19.4";
const CARGO_FUZZ_VERSION: &str = "0.13.1";

/// A program that cargo can build.
struct CargoTool {
    package: &'static str,
    /// The program to look for, and the words that make it print its version.
    program: &'static str,
    version_args: &'static [&'static str],
    version: String,
}

/// Makes sure of the wasm target and of the components that the checks use.
pub(crate) fn rust_targets() -> Result {
    let installed = output(&mut command("rustup", &["target", "list", "--installed"]));
    // Without rustup the toolchain is somebody else's business; the build will tell.
    if installed.is_some_and(|targets| !targets.contains("wasm32-unknown-unknown")) {
        say("adding the wasm32-unknown-unknown target");
        run(&mut command("rustup", &["target", "add", "wasm32-unknown-unknown"]))?;
    }
    Ok(())
}

/// Makes sure of rustfmt and clippy.
pub(crate) fn rust_components() -> Result {
    let installed = output(&mut command("rustup", &["component", "list", "--installed"]));
    for component in ["rustfmt", "clippy"] {
        if installed.as_ref().is_some_and(|list| !list.contains(component)) {
            say(&format!("adding {component}"));
            run(&mut command("rustup", &["component", "add", component]))?;
        }
    }
    Ok(())
}

/// The folder of `trunk`.
pub(crate) fn trunk() -> Result<PathBuf> {
    cargo_tool(&CargoTool {
        package: "trunk",
        program: "trunk",
        version_args: &["--version"],
        version: TRUNK_VERSION.to_owned(),
    })
}

/// The folder of `wasm-bindgen` and `wasm-bindgen-test-runner`, of the version that the code is linked with.
pub(crate) fn wasm_bindgen() -> Result<PathBuf> {
    cargo_tool(&CargoTool {
        package: "wasm-bindgen-cli",
        program: "wasm-bindgen",
        version_args: &["--version"],
        version: locked_version("wasm-bindgen")?,
    })
}

/// The folder of `cargo-deny`.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    cargo_tool(&CargoTool {
        package: "cargo-deny",
        program: "cargo-deny",
        version_args: &["--version"],
        version: CARGO_DENY_VERSION.to_owned(),
    })
}

/// The folder of `cargo-fuzz`.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    cargo_tool(&CargoTool {
        package: "cargo-fuzz",
        program: "cargo-fuzz",
        version_args: &["--version"],
        version: CARGO_FUZZ_VERSION.to_owned(),
    })
}

/// The folder of `wasm-opt`, which comes with the npm package's own tools.
pub(crate) fn wasm_opt() -> Result<PathBuf> {
    let dir = root().join("crates/client/npm");
    npm_ci(&dir)?;
    Ok(dir.join("node_modules/.bin"))
}

/// Installs what a folder's package-lock.json names, unless it is there already.
pub(crate) fn npm_ci(dir: &Path) -> Result {
    let lock = dir.join("package-lock.json");
    // npm writes this file when it has installed everything.
    let installed = dir.join("node_modules/.package-lock.json");
    if workspace::is_fresh(&installed, &[lock, dir.join("package.json")]) {
        return Ok(());
    }
    let shown = dir.strip_prefix(root()).unwrap_or(dir).display().to_string();
    say(&format!("installing the npm packages of {shown}"));
    let mut npm = command("npm", &["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(npm.current_dir(dir))?;
    // npm may keep the file's old time when nothing changed.
    let now = fs::File::options()
        .append(true)
        .open(&installed)
        .and_then(|file| file.set_modified(std::time::SystemTime::now()));
    now.map_err(Error::at(&installed))
}

/// PATH with these folders first.
pub(crate) fn path_with(folders: &[PathBuf]) -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&path));
    env::join_paths(all).unwrap_or(path)
}

/// Says what is going on, and why it takes a while.
pub(crate) fn say(sentence: &str) {
    eprintln!("\u{1b}[36mxtask\u{1b}[0m {sentence}");
}

fn cargo_tool(tool: &CargoTool) -> Result<PathBuf> {
    let has_version = |program: PathBuf| {
        let printed = output(Command::new(&program).args(tool.version_args));
        printed.is_some_and(|text| text.split_whitespace().any(|word| word == tool.version)).then_some(program)
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|dir| dir.join(tool.program));
    let cached = cache()?.join(format!("{}-{}", tool.package, tool.version));
    let found = std::iter::once(cached.join("bin").join(tool.program)).chain(on_path).find_map(has_version);
    if let Some(program) = found {
        return Ok(program.parent().map(Path::to_path_buf).unwrap_or_default());
    }
    say(&format!(
        "building {} {} once, into {}; this takes some minutes",
        tool.package,
        tool.version,
        cached.display()
    ));
    let spec = format!("{}@{}", tool.package, tool.version);
    let mut install = command("cargo", &["install", "--locked", "--quiet", &spec, "--root"]);
    install.arg(&cached);
    // A tool that is built once and runs for seconds need not be optimised for minutes.
    install.envs([
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
        ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ]);
    // Outside the workspace, so that neither its toolchain file nor its flags take part.
    run(install.current_dir(env::temp_dir()).env_remove("CARGO_TARGET_DIR"))?;
    Ok(cached.join("bin"))
}

/// The folder of the tools.
pub(crate) fn cache() -> Result<PathBuf> {
    let in_folder = |name: &str, below: &str| env::var_os(name).map(|dir| PathBuf::from(dir).join(below));
    in_folder("STREAMTABLE_TOOLS", "")
        .or_else(|| in_folder("XDG_CACHE_HOME", "streamtable/tools"))
        .or_else(|| in_folder("HOME", ".cache/streamtable/tools"))
        .or_else(|| in_folder("LOCALAPPDATA", "streamtable/tools"))
        .ok_or_else(|| Error::new("no folder for the tools: set STREAMTABLE_TOOLS"))
}
