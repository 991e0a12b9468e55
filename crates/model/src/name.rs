//! Names of tables: `entity/project/table`, given whole or in parts.

use std::fmt;

/// The entity of a server without accounts, and of tables that live in the browser.
pub const LOCAL_ENTITY: &str = "local";
/// The project of a table whose name gives none.
pub const DEFAULT_PROJECT: &str = "default";
/// The longest a part of a name may be, in characters.
pub const MAX_NAME_PART_CHARS: usize = 128;

/// The full name of a table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    entity: String,
    project: String,
    table: String,
}

/// Which part of a name an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePart {
    /// The owner: a person or a team.
    Entity,
    /// The project within the entity.
    Project,
    /// The table within the project.
    Table,
}

impl fmt::Display for NamePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NamePart::Entity => "entity",
            NamePart::Project => "project",
            NamePart::Table => "table",
        })
    }
}

/// Why a text names no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A part is the empty text.
    #[error("the {0} of a table name must not be empty")]
    EmptyPart(NamePart),
    /// More than three parts.
    #[error("a table name has at most three parts, entity/project/table, but {0:?} has {1}")]
    TooManyParts(String, usize),
    /// A part stands both in the name and as an argument of its own.
    #[error("the {0} is given twice: in the name {1:?} and apart from it")]
    PartTwice(NamePart, String),
    /// A character outside `[A-Za-z0-9._-]`.
    #[error("the {part} {text:?} holds {character:?}; a name is made of A-Z, a-z, 0-9, '.', '_' and '-'")]
    BadCharacter {
        /// The part that holds it.
        part: NamePart,
        /// The part's text.
        text: String,
        /// The first character that is not allowed.
        character: char,
    },
    /// `.` or `..`, which an address cannot carry.
    #[error("the {0} must not be \".\" or \"..\"")]
    Dots(NamePart),
    /// More than [`MAX_NAME_PART_CHARS`] characters.
    #[error("the {0} has {1} characters; at most {MAX_NAME_PART_CHARS} are allowed")]
    TooLong(NamePart, usize),
}

impl NameError {
    /// A code that stays the same from version to version.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NameError::EmptyPart(_) => "name_empty_part",
            NameError::TooManyParts(..) => "name_too_many_parts",
            NameError::PartTwice(..) => "name_part_twice",
            NameError::BadCharacter { .. } => "name_bad_character",
            NameError::Dots(_) => "name_dots",
            NameError::TooLong(..) => "name_too_long",
        }
    }
}

impl TableName {
    /// Reads `table`, `project/table` or `entity/project/table`; what is missing is `local` and `default`.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn parse(name: &str) -> Result<Self, NameError> {
        Self::from_parts(name, None, None, LOCAL_ENTITY)
    }

    /// Joins a name with parts given apart from it.
    ///
    /// `name` has one to three parts. `project` and `entity`, where given, fill the parts it lacks; an entity still
    /// missing is `default_entity`, a missing project is `default`.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn from_parts(
        name: &str,
        project: Option<&str>,
        entity: Option<&str>,
        default_entity: &str,
    ) -> Result<Self, NameError> {
        let parts: Vec<&str> = name.split('/').collect();
        let (in_name_entity, in_name_project, table) = match parts[..] {
            [table] => (None, None, table),
            [project, table] => (None, Some(project), table),
            [entity, project, table] => (Some(entity), Some(project), table),
            _ => return Err(NameError::TooManyParts(name.to_owned(), parts.len())),
        };
        let join = |part, inside: Option<&str>, apart: Option<&str>, default: &str| match (inside, apart) {
            (Some(_), Some(_)) => Err(NameError::PartTwice(part, name.to_owned())),
            (Some(text), None) | (None, Some(text)) => checked(part, text),
            (None, None) => checked(part, default),
        };
        Ok(Self {
            entity: join(NamePart::Entity, in_name_entity, entity, default_entity)?,
            project: join(NamePart::Project, in_name_project, project, DEFAULT_PROJECT)?,
            table: checked(NamePart::Table, table)?,
        })
    }

    /// The owner.
    #[must_use]
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The table's own name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

fn checked(part: NamePart, text: &str) -> Result<String, NameError> {
    let n_chars = text.chars().count();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() {
        return Err(NameError::EmptyPart(part));
    }
    if let Some(character) = text.chars().find(|&c| !allowed(c)) {
        return Err(NameError::BadCharacter { part, text: text.to_owned(), character });
    }
    if n_chars > MAX_NAME_PART_CHARS {
        return Err(NameError::TooLong(part, n_chars));
    }
    if matches!(text, "." | "..") {
        return Err(NameError::Dots(part));
    }
    Ok(text.to_owned())
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.entity, self.project, self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, project: Option<&str>, entity: Option<&str>, expect: Result<&str, &str>) {
        let got = TableName::from_parts(name, project, entity, "me");
        let got = got.map(|name| name.to_string()).map_err(|error| error.code());
        assert_eq!(got, expect.map(str::to_owned), "{name:?} {project:?} {entity:?}");
    }

    #[test]
    fn parts_join() {
        check("t", None, None, Ok("me/default/t"));
        check("p/t", None, None, Ok("me/p/t"));
        check("e/p/t", None, None, Ok("e/p/t"));
        check("t", Some("p"), None, Ok("me/p/t"));
        check("t", Some("p"), Some("e"), Ok("e/p/t"));
        check("p/t", None, Some("e"), Ok("e/p/t"));
        check("t", None, Some("e"), Ok("e/default/t"));
        check("a.b-c_D9", None, None, Ok("me/default/a.b-c_D9"));
    }

    #[test]
    fn bad_names_name_their_fault() {
        check("", None, None, Err("name_empty_part"));
        check("p/", None, None, Err("name_empty_part"));
        check("/t", None, None, Err("name_empty_part"));
        check("e//t", None, None, Err("name_empty_part"));
        check("t", Some(""), None, Err("name_empty_part"));
        check("a/b/c/d", None, None, Err("name_too_many_parts"));
        check("p/t", Some("q"), None, Err("name_part_twice"));
        check("e/p/t", None, Some("f"), Err("name_part_twice"));
        check("a b", None, None, Err("name_bad_character"));
        check("é", None, None, Err("name_bad_character"));
        check("..", None, None, Err("name_dots"));
        check(&"x".repeat(129), None, None, Err("name_too_long"));
        check(&"x".repeat(128), None, None, Ok(&format!("me/default/{}", "x".repeat(128))));
    }

    #[test]
    fn an_error_names_the_part() {
        let error = TableName::parse("my team/p/t").unwrap_err();
        assert!(error.to_string().contains("entity \"my team\""), "{error}");
    }
}
