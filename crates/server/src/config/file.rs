//! The file of settings: TOML whose keys are the flags' names.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use super::ConfigError;

/// Flags that a file may not hold.
const NOT_IN_FILES: [&str; 4] = ["check-ready", "config", "help", "version"];

/// What a file says, as flags of `command`; what the environment says better is left out.
///
/// # Errors
/// [`ConfigError::File`]: it cannot be read, is no TOML, has a key that is no flag, or a value that the flag cannot have.
pub(super) fn flags(path: &Path, command: &Command) -> Result<Vec<String>, ConfigError> {
    let fault = |reason: String| ConfigError::File { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| fault(error.to_string().trim().to_owned()))?;
    let mut flags = Vec::new();
    for (key, value) in &table {
        let known: Vec<&Arg> = command.get_arguments().filter(|arg| is_setting(arg)).collect();
        let Some(arg) = known.iter().find(|arg| arg.get_long() == Some(key)) else {
            let names: Vec<&str> = known.iter().filter_map(|arg| arg.get_long()).collect();
            return Err(fault(format!("there is no setting {key:?}; known are {}", names.join(", "))));
        };
        let flag =
            flag(arg, key, value).ok_or_else(|| fault(format!("{key} cannot be of the type {}", value.type_str())))?;
        // By itself, so that the fault is the file's and not the command line's.
        let name = OsString::from(command.get_name());
        let checked = command.clone().try_get_matches_from([name].into_iter().chain(flag.iter().map(OsString::from)));
        checked.map_err(|error| fault(format!("{key}: {}", first_line(&error.to_string()))))?;
        if !is_in_environment(arg) {
            flags.extend(flag);
        }
    }
    Ok(flags)
}

fn is_setting(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|name| !NOT_IN_FILES.contains(&name))
}

fn is_in_environment(arg: &Arg) -> bool {
    arg.get_env().is_some_and(|name| std::env::var_os(name).is_some())
}

/// A value as a flag; none at all for what is false. `None` when it cannot be one.
fn flag(arg: &Arg, key: &str, value: &Value) -> Option<Option<String>> {
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    match value {
        Value::Boolean(is_on) if is_switch => Some(is_on.then(|| format!("--{key}"))),
        Value::String(text) if !is_switch => Some(Some(format!("--{key}={text}"))),
        Value::Integer(number) if !is_switch => Some(Some(format!("--{key}={number}"))),
        _ => None,
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("").trim_start_matches("error: ")
}
