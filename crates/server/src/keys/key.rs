//! A key as it is kept: what it allows, from where, and how much.

use std::fmt;

use clap::ValueEnum;
use model::TableName;

/// What a key allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Right {
    /// Append rows, and nothing else: such keys are made to be seen in a page.
    Write,
    /// Read rows, follow them, ask about them.
    Read,
    /// Everything: append, read, delete tables and say what is kept of them.
    Admin,
}

impl Right {
    /// Whether it includes another.
    pub(crate) fn includes(self, other: Right) -> bool {
        self == Right::Admin || self == other
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Right::Write => "write",
            Right::Read => "read",
            Right::Admin => "admin",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        [Right::Write, Right::Read, Right::Admin].into_iter().find(|right| right.name() == name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much may come with a key. What is not said has the server's limits alone, which hold in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct KeyLimits {
    /// The most requests a second, over some seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_requests_per_second: Option<u32>,
    /// The most rows a second, over some seconds.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_rows_per_second: Option<u32>,
    /// The largest row, as JSON, in bytes.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_row_bytes: Option<u64>,
    /// The most columns of a table.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_columns: Option<u64>,
    /// The bytes on disk from which on a table takes no more rows.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_table_bytes: Option<u64>,
}

/// Where a key holds: in an entity, or in one of its projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The entity.
    pub entity: String,
    /// The project; none for all of the entity's.
    pub project: Option<String>,
}

impl Scope {
    pub(super) fn has(&self, table: &TableName) -> bool {
        self.entity == table.entity() && self.project.as_deref().is_none_or(|project| project == table.project())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.entity, self.project.as_deref().unwrap_or("*"))
    }
}

/// A key, without its text, which is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// By which it is named, in lists and to revoke it; no secret.
    pub id: String,
    /// The hash of its text.
    pub(super) hash: [u8; 32],
    /// What it allows.
    pub right: Right,
    /// Where.
    pub scope: Scope,
    /// The pages from which it may be used, such as `https://app.example`; empty for any page and program.
    pub origins: Vec<String>,
    /// How much may come with it.
    pub limits: KeyLimits,
    /// When it was made, in microseconds since 1970.
    pub created_micros: i64,
    /// When it was revoked.
    pub revoked_micros: Option<i64>,
}
