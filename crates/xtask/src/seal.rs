//! `cargo xtask seal`: the last step of a build of the board, after trunk's own.
//!
//! Trunk names the page's files by what is in them, and the worker's not. Once these are named so too, a browser keeps them
//! for good and does not ask again, nor compile again what it has compiled: it starts the worker several times as soon.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::error::Error;

/// The files that page and worker name, each by the part of its name before the hash and the one behind it.
const NAMED: [(&str, &str); 4] =
    [("browser_tables", ".js"), ("worker", ".js"), ("worker", "_bg.wasm"), ("worker_loader", ".js")];
/// Those that name others.
const NAMING: [&str; 2] = ["worker_loader.js", "index.html"];

/// Seals the folder in which trunk has put what it built.
pub(crate) fn run() -> Result {
    let folder = env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from);
    seal(&folder.ok_or_else(|| Error::new("`seal` is called by trunk, at the end of a build"))?)
}

/// Names the worker's files by their content, here and in the files that name them, and copies the page: hosts of files
/// answer with the copy where no file is, so that the address of a table opens its panel there, too.
fn seal(folder: &Path) -> Result {
    let mut hasher = DefaultHasher::new();
    for (stem, end) in NAMED {
        let path = folder.join(format!("{stem}{end}"));
        hasher.write(&fs::read(&path).map_err(Error::at(&path))?);
    }
    let hash = format!("{:016x}", hasher.finish());
    for name in NAMING {
        let path = folder.join(name);
        let mut text = fs::read_to_string(&path).map_err(Error::at(&path))?;
        for (stem, end) in NAMED {
            text = text.replace(&format!("\"/{stem}{end}\""), &format!("\"/{stem}-{hash}{end}\""));
        }
        fs::write(&path, text).map_err(Error::at(&path))?;
    }
    for (stem, end) in NAMED {
        let path = folder.join(format!("{stem}{end}"));
        fs::rename(&path, folder.join(format!("{stem}-{hash}{end}"))).map_err(Error::at(&path))?;
    }
    let page = folder.join("index.html");
    fs::copy(&page, folder.join("404.html")).map_err(Error::at(&page))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADER: &str = r#"fetch("/worker_bg.wasm"); importScripts("/browser_tables.js", "/worker.js");"#;
    const PAGE: &str = r#"<script src="/browser_tables.js"></script>new Worker("/worker_loader.js" + table)"#;

    /// The name of the page's worker and what the page is, of a board with such a wasm.
    fn sealed(name: &str, wasm: &str) -> (String, String, PathBuf) {
        let folder = env::temp_dir().join(format!("streamtable-seal-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = [("browser_tables.js", ""), ("worker.js", ""), ("worker_bg.wasm", wasm)];
        for (name, text) in files.into_iter().chain([("worker_loader.js", LOADER), ("index.html", PAGE)]) {
            fs::write(folder.join(name), text).unwrap();
        }
        seal(&folder).unwrap();
        let page = fs::read_to_string(folder.join("index.html")).unwrap();
        let loader = page.split('"').find(|part| part.starts_with("/worker_loader-")).unwrap()[1..].to_owned();
        (loader, page, folder)
    }

    #[test]
    fn every_name_leads_to_its_file_and_changes_with_what_is_in_it() {
        let (loader, page, folder) = sealed("a", "one");
        assert_eq!(fs::read_to_string(folder.join("404.html")).unwrap(), page);
        let text = page + &fs::read_to_string(folder.join(&loader)).unwrap();
        let names: Vec<&str> = text.split('"').filter(|part| part.starts_with('/')).collect();
        assert_eq!(names.len(), 5);
        for name in names {
            assert!(folder.join(&name[1..]).is_file(), "{name}");
        }
        let (same, _, other_folder) = sealed("b", "one");
        let (other, _, third_folder) = sealed("c", "two");
        assert_eq!(loader, same);
        assert_ne!(loader, other);
        for folder in [folder, other_folder, third_folder] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
