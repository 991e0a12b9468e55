//! Why a key is refused, and what is wrong with the file of keys.

use std::path::PathBuf;
use std::time::Duration;

use super::Right;

/// The file of keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys in {path}: {reason}")]
pub struct KeysError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: String,
}

/// Why a request may not do what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None came.
    #[error(
        "this server asks for a key; open the board by a link that has one, or send it as `Authorization: Bearer KEY`"
    )]
    Missing,
    /// It is none of this server's.
    #[error("the key is not known here, or not whole")]
    Unknown,
    /// It was one.
    #[error("the key {id} was revoked")]
    Revoked {
        /// The key's id.
        id: String,
    },
    /// It is for something else.
    #[error("the key {id} allows to {has}, and this takes a key that allows to {needs}")]
    Right {
        /// The key's id.
        id: String,
        /// What it is for.
        has: &'static str,
        /// What it would have to be for.
        needs: &'static str,
    },
    /// It is for other tables.
    #[error("the key {id} is for the tables of {scope}, and not for {table}")]
    Scope {
        /// The key's id.
        id: String,
        /// Where it holds.
        scope: String,
        /// The table that was asked for.
        table: String,
    },
    /// It is for other pages.
    #[error("the key {id} is for certain pages only, and not for {}", from.as_deref().unwrap_or("what names no page"))]
    Origin {
        /// The key's id.
        id: String,
        /// The page's origin.
        from: Option<String>,
    },
    /// More comes with it than may.
    #[error("more comes with the key {id} than may; ask again later")]
    RateLimited {
        /// The key's id.
        id: String,
        /// When.
        wait: Duration,
    },
    /// The table is as large as the key lets it grow.
    #[error("the table has {n_bytes} bytes, and with the key {id} it takes more rows below {max_bytes} only")]
    TableFull {
        /// The key's id.
        id: String,
        /// What the table has.
        n_bytes: u64,
        /// What it may have.
        max_bytes: u64,
    },
}

impl KeyError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            KeyError::Missing => "key_missing",
            KeyError::Unknown => "key_unknown",
            KeyError::Revoked { .. } => "key_revoked",
            KeyError::Right { .. } => "key_right",
            KeyError::Scope { .. } => "key_scope",
            KeyError::Origin { .. } => "key_origin",
            KeyError::RateLimited { .. } => "rate_limited",
            KeyError::TableFull { .. } => "table_full",
        }
    }

    pub(super) fn right(id: &str, has: Right, needs: Right) -> Self {
        let verb = |right: Right| match right {
            Right::Write => "append",
            Right::Read => "read",
            Right::Admin => "administer",
        };
        KeyError::Right { id: id.to_owned(), has: verb(has), needs: verb(needs) }
    }
}
