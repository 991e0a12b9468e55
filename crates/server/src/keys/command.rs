//! `streamtable-server key …`: makes, lists and revokes keys, whether a server runs or not.

use std::path::{Path, PathBuf};

use model::TableName;

use super::file::KeyFile;
use super::text::{NewKey, hash_of, new_key};
use super::{Key, KeyLimits, Keys, Right, Scope};
use crate::clock::now_micros;

/// What to do with keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum KeyCommand {
    /// Makes a key and says it, once: it is kept as a hash only. A server that runs knows it within a second, and from then on
    /// asks for a key whatever is wanted.
    Create {
        /// Where.
        #[command(flatten)]
        place: KeyPlace,
        /// The entity whose tables it is for.
        #[arg(long)]
        entity: String,
        /// The project whose tables it is for; without it, all of the entity's.
        #[arg(long)]
        project: Option<String>,
        /// What it allows: to append and nothing else, to read, or everything.
        #[arg(long)]
        right: Right,
        /// A page's origin, such as https://app.example, from which it may be used; can be given several times. Without any it may be
        /// used by every page and program.
        #[arg(long = "origin", value_name = "ORIGIN", value_parser = parse_origin)]
        origins: Vec<String>,
        /// The board's address, for the link that a key to read is told with.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7700")]
        board: String,
        /// How much may come with it.
        #[command(flatten)]
        limits: KeyLimits,
    },
    /// Lists the keys: ids, rights, where they hold, and which are revoked.
    List {
        /// Where.
        #[command(flatten)]
        place: KeyPlace,
    },
    /// Revokes a key, for ever. A server that runs ends what goes on with it, within a second.
    Revoke {
        /// Where.
        #[command(flatten)]
        place: KeyPlace,
        /// The key's id, as `list` and `create` tell it.
        id: String,
    },
}

/// Where the keys are.
#[derive(Clone, Debug, clap::Args)]
pub struct KeyPlace {
    /// The folder that holds the rows; it is made when it is not there.
    #[arg(long, env = "STREAMTABLE_DATA", default_value = "./data", value_name = "DIR")]
    data: PathBuf,
    /// The file of keys, where it is not keys.db in that folder.
    #[arg(long, env = "STREAMTABLE_KEYS", value_name = "FILE")]
    keys: Option<PathBuf>,
}

impl KeyPlace {
    fn path(&self) -> PathBuf {
        Keys::path(&self.data, self.keys.as_deref())
    }
}

impl KeyCommand {
    /// Does it, and gives what is to be told on stdout and on stderr.
    ///
    /// # Errors
    /// A sentence.
    pub fn run(self) -> Result<(String, String), Box<dyn std::error::Error>> {
        match self {
            KeyCommand::Create { place, entity, project, right, origins, board, limits } => {
                let project_of_name = project.as_deref().unwrap_or("default");
                TableName::from_parts("table", Some(project_of_name), Some(&entity), "")?;
                let NewKey { id, text } = new_key(right, &entity)?;
                let (hash, scope) = (hash_of(&text), Scope { entity, project });
                let created_micros = now_micros();
                let told = format!("the key {id} allows to {right} on {scope}; it is not told again");
                let key = Key { id, hash, right, scope, origins, limits, created_micros, revoked_micros: None };
                KeyFile::new(place.path()).add(&key)?;
                let link = (right == Right::Read).then(|| format!("{}/#key={text}\n", board.trim_end_matches('/')));
                Ok((format!("{text}\n{}", link.unwrap_or_default()), told))
            }
            KeyCommand::List { place } => Ok((list(&place.path())?, String::new())),
            KeyCommand::Revoke { place, id } => match KeyFile::new(place.path()).revoke(&id, now_micros())? {
                true => Ok((String::new(), format!("the key {id} is revoked"))),
                false => Err(format!("there is no key {id} that is not revoked").into()),
            },
        }
    }
}

fn list(path: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let file = KeyFile::new(path.to_owned());
    if file.mark()?.is_none() {
        return Ok(String::new());
    }
    let line = |key: &Key| {
        let origins = if key.origins.is_empty() { "*".to_owned() } else { key.origins.join(",") };
        let state = if key.revoked_micros.is_some() { "revoked" } else { "valid" };
        format!("{}  {:5}  {:7}  {}  {origins}{}\n", key.id, key.right.name(), state, key.scope, limits(&key.limits))
    };
    Ok(file.read()?.iter().map(line).collect())
}

fn limits(limits: &KeyLimits) -> String {
    let KeyLimits { max_requests_per_second, max_rows_per_second, max_row_bytes, max_columns, max_table_bytes } =
        *limits;
    let all = [
        ("requests/s", max_requests_per_second.map(u64::from)),
        ("rows/s", max_rows_per_second.map(u64::from)),
        ("row-bytes", max_row_bytes),
        ("columns", max_columns),
        ("table-bytes", max_table_bytes),
    ];
    all.iter().filter_map(|(name, limit)| Some(format!("  {name}<={}", (*limit)?))).collect()
}

/// An origin as browsers send it: scheme, host and port.
fn parse_origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match !host.is_empty() && host.bytes().all(is_of_host) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("an origin is a scheme and a host, such as https://app.example".to_owned()),
    }
}
