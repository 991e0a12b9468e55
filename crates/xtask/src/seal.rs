//! `cargo xtask seal`: the last step of a build of the board, after trunk's own.
//!
//! Trunk names the files that it builds by what is in them, and those that it copies not. Once these are named so too, a
//! browser keeps all of them for good and does not ask again, nor compile again what it has compiled: it starts the worker
//! several times as soon.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::error::Error;

/// The files that get such a name here: trunk copies them as they are. Each may name those before it.
const COPIED: [&str; 2] = ["browser_tables.js", "worker_loader.js"];
/// The program's files by the names that the worker's loader gives them, and what trunk's names for them end with.
const PROGRAM: [(&str, &str); 2] = [("board.js", ".js"), ("board_bg.wasm", "_bg.wasm")];

/// Seals the folder in which trunk has put what it built.
pub(crate) fn run() -> Result {
    let folder = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    seal(&folder.ok_or_else(|| Error::new("`seal` is called by trunk, at the end of a build"))?)
}

/// Names the files by their content, here and in the files that name them, and copies the page: hosts of files answer with the
/// copy where no file is, so that the address of a table opens its panel there, too.
fn seal(folder: &Path) -> Result {
    let mut names: Vec<(&str, String)> =
        PROGRAM.iter().map(|(name, end)| Ok((*name, program_file(folder, end)?))).collect::<Result<_>>()?;
    for name in COPIED {
        let path = folder.join(name);
        let text = renamed(fs::read_to_string(&path).map_err(Error::at(&path))?, &names);
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        let (stem, end) = name.split_once('.').unwrap_or((name, ""));
        let sealed = format!("{stem}-{:016x}.{end}", hasher.finish());
        fs::write(folder.join(&sealed), text).map_err(Error::at(&path))?;
        fs::remove_file(&path).map_err(Error::at(&path))?;
        names.push((name, sealed));
    }
    let page = folder.join("index.html");
    let text = renamed(fs::read_to_string(&page).map_err(Error::at(&page))?, &names);
    for name in ["index.html", "404.html"] {
        let path = folder.join(name);
        fs::write(&path, &text).map_err(Error::at(&path))?;
    }
    Ok(())
}

/// A text that names files by the names that they have now.
fn renamed(text: String, names: &[(&str, String)]) -> String {
    names.iter().fold(text, |text, (name, sealed)| text.replace(&format!("\"/{name}\""), &format!("\"/{sealed}\"")))
}

/// The name that trunk gave to a file of the program.
fn program_file(folder: &Path, end: &str) -> Result<String> {
    let is_it = |name: &String| {
        let middle = name.strip_prefix("board-").and_then(|rest| rest.strip_suffix(end));
        middle.is_some_and(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let files = fs::read_dir(folder).map_err(Error::at(folder))?;
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let found: Vec<String> = names.filter(is_it).collect();
    match &found[..] {
        [name] => Ok(name.clone()),
        _ => Err(Error::new(format!("trunk has built {} files `board-…{end}`, and not one", found.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADER: &str = r#"fetch("/board_bg.wasm"); importScripts("/browser_tables.js"); import("/board.js")"#;
    const PAGE: &str = r#"<script src="/browser_tables.js"></script>new Worker("/worker_loader.js" + table)"#;

    /// The name of the page's worker and what the page is, of a board with such a program.
    fn sealed(name: &str, program_hash: &str) -> (String, String, PathBuf) {
        let folder = env::temp_dir().join(format!("streamtable-seal-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (glue, wasm) = (format!("board-{program_hash}.js"), format!("board-{program_hash}_bg.wasm"));
        for (name, text) in [
            ("browser_tables.js", ""),
            ("worker_loader.js", LOADER),
            ("index.html", PAGE),
            (glue.as_str(), ""),
            (wasm.as_str(), ""),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
        seal(&folder).unwrap();
        let page = fs::read_to_string(folder.join("index.html")).unwrap();
        let loader = page.split('"').find(|part| part.starts_with("/worker_loader-")).unwrap()[1..].to_owned();
        (loader, page, folder)
    }

    #[test]
    fn every_name_leads_to_its_file_and_changes_with_what_is_in_it() {
        let (loader, page, folder) = sealed("a", "01");
        assert_eq!(fs::read_to_string(folder.join("404.html")).unwrap(), page);
        let text = page + &fs::read_to_string(folder.join(&loader)).unwrap();
        let names: Vec<&str> = text.split('"').filter(|part| part.starts_with('/')).collect();
        assert_eq!(names.len(), 5);
        for name in names {
            assert!(folder.join(&name[1..]).is_file(), "{name}");
        }
        let (same, _, other_folder) = sealed("b", "01");
        let (other, _, third_folder) = sealed("c", "02");
        assert_eq!(loader, same);
        assert_ne!(loader, other);
        for folder in [folder, other_folder, third_folder] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
