//! What an address carries: the table's name and the parameters.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use model::TableName;

use super::error::ApiError;

/// The three parts of a table's name, as the address has them.
pub(super) type TablePath = Result<Path<(String, String, String)>, PathRejection>;

/// The table that an address names.
pub(super) fn table_name(path: TablePath) -> Result<TableName, ApiError> {
    let Path((entity, project, table)) = path.map_err(|error| ApiError::parameter("path", error.body_text()))?;
    // A slash that came escaped would read as a further part.
    let part = |text: &str| if text.contains('/') { format!("{entity}/{project}/{table}/") } else { text.to_owned() };
    Ok(TableName::from_parts(&part(&table), Some(&part(&project)), Some(&part(&entity)), "")?)
}

/// The parameters of an address, each at most once.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the part of the address after the question mark.
    pub(super) fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, ApiError> {
        let mut params: Vec<(String, String)> = Vec::new();
        for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if !known.contains(&name.as_str()) {
                return Err(ApiError::parameter(
                    &name,
                    format!("it is not known here; known are {}", known.join(", ")),
                ));
            }
            if params.iter().any(|(seen, _)| *seen == name) {
                return Err(ApiError::parameter(&name, "it stands twice"));
            }
            params.push((name, value));
        }
        Ok(Self(params))
    }

    /// The text of a parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a count or an offset.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| ApiError::parameter(name, format!("{text:?} is not a whole number from 0")))
        };
        self.text(name).map(parse).transpose()
    }

    /// A parameter that is true or false, and false when it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(other) => Err(ApiError::parameter(name, format!("{other:?} is neither true nor false"))),
        }
    }

    /// A parameter that is one of some words; the first when it is not there.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(choices[0].1);
        };
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        found.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            ApiError::parameter(name, format!("{text:?} is not one of {}", words.join(", ")))
        })
    }
}

/// Reads `%xx` and `+`, as forms write them.
fn decode(text: &str) -> Result<String, ApiError> {
    let bad = || ApiError::parameter(text, "it is not valid percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)).ok_or_else(bad)?;
                let digits = std::str::from_utf8(digits).map_err(|_| bad())?;
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| bad())?);
                rest = &rest[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_strict() {
        let params = Params::parse(Some("a=%C3%A9+x&b=&c=12"), &["a", "b", "c"]).unwrap();
        assert_eq!((params.text("a"), params.text("b"), params.number("c")), (Some("é x"), Some(""), Ok(Some(12))));
        for query in ["a=%", "a=%zz", "a=%+f", "a=%ff", "d=1", "a=1&a=2"] {
            assert_eq!(Params::parse(Some(query), &["a"]).err().map(|e| e.code()), Some("bad_parameter"), "{query}");
        }
        assert_eq!(params.number("a").unwrap_err().code(), "bad_parameter");
    }
}
