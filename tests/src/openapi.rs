//! Holds answers against `openapi.yaml`: that the path, the method, the status and the media type are documented, and
//! that the body fits its schema. Reads as much of JSON Schema as the document uses.

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::http::Answer;

const TEXT: &str = include_str!("../../crates/server/openapi.yaml");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The document.
pub struct Document(Json);

/// The server's own document.
///
/// # Panics
/// When it is not YAML.
#[must_use]
pub fn document() -> &'static Document {
    static DOCUMENT: LazyLock<Document> =
        LazyLock::new(|| Document(serde_yaml_ng::from_str(TEXT).expect("openapi.yaml is YAML that JSON can hold")));
    &DOCUMENT
}

/// The document as it is kept in the repository.
#[must_use]
pub fn text() -> &'static str {
    TEXT
}

impl Document {
    /// Every operation and status: `get /tables 200`.
    #[must_use]
    pub fn answers(&self) -> Vec<String> {
        let mut answers = Vec::new();
        for (path, item) in self.paths() {
            for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
                let responses = item[*method]["responses"].as_object().expect("an operation has responses");
                answers.extend(responses.keys().map(|status| format!("{method} {path} {status}")));
            }
        }
        answers
    }

    /// Every path and method.
    #[must_use]
    pub fn routes(&self) -> Vec<(String, &'static str)> {
        let of_path = |(path, item): (&str, &Json)| {
            let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
            methods.map(|method| (path.to_owned(), *method)).collect::<Vec<_>>()
        };
        self.paths().flat_map(of_path).collect()
    }

    /// The name by which [`Document::answers`] lists an answer.
    #[must_use]
    pub fn name_of(&self, method: &str, path: &str, status: u16) -> String {
        let template = self.template(path).map_or(path, |(template, _)| template);
        format!("{} {template} {status}", method.to_lowercase())
    }

    /// Checks one answer.
    ///
    /// # Panics
    /// When it is not documented.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let Some(path) = path.strip_prefix("/api/v1") else { return };
        if matches!(method, "OPTIONS" | "HEAD") {
            return;
        }
        let what = format!("{method} {path} {}", answer.status);
        let operation = self.template(path).map(|(_, item)| &item[method.to_lowercase()]);
        let response = match operation {
            None => self.error_response(answer, 404, &what),
            Some(Json::Null) => self.error_response(answer, 405, &what),
            Some(operation) => self.resolve(&operation["responses"][answer.status.to_string()]),
        };
        assert!(response.is_object(), "{what} is not documented: {}", answer.text());
        for header in response["headers"].as_object().into_iter().flatten() {
            assert!(!answer.header(header.0).is_empty(), "{what} lacks {}", header.0);
        }
        let content_type = answer.header("content-type").split(';').next().unwrap_or("").trim();
        if response["content"].is_null() && answer.body.is_empty() {
            return;
        }
        let content = response["content"].as_object();
        let Some(media) = content.and_then(|content| content.get(content_type)) else {
            panic!("{what}: the type {content_type:?} is not documented");
        };
        if content_type == "application/json"
            && let Err(reason) = self.fits(&answer.json(), &media["schema"], "body")
        {
            panic!("{what}: {reason}: {}", answer.text());
        }
    }

    /// Checks what comes another way than as an answer's body against one of the document's schemas.
    ///
    /// # Panics
    /// When it does not fit.
    pub fn check_schema(&self, name: &str, value: &Json) {
        if let Err(reason) = self.fits(value, &self.0["components"]["schemas"][name], name) {
            panic!("{reason}: {value}");
        }
    }

    /// What every address outside the document answers.
    fn error_response(&self, answer: &Answer, status: u16, what: &str) -> &Json {
        // A name that is none may make an address that is none.
        let is_name_error = answer.status == 400 && answer.code().starts_with("name_");
        assert!(answer.status == status || is_name_error, "{what}: {status} was expected, {}", answer.text());
        &self.0["components"]["responses"]["BadRequest"]
    }

    fn paths(&self) -> impl Iterator<Item = (&str, &Json)> {
        let paths = self.0["paths"].as_object().expect("the document has paths");
        paths.iter().map(|(path, item)| (path.as_str(), item))
    }

    fn template(&self, path: &str) -> Option<(&str, &Json)> {
        let parts: Vec<&str> = path.split('/').collect();
        self.paths().find(|(template, _)| {
            let template: Vec<&str> = template.split('/').collect();
            let fits = |(t, p): (&&str, &&str)| t == p || (t.starts_with('{') && !p.is_empty());
            template.len() == parts.len() && template.iter().zip(&parts).all(fits)
        })
    }

    fn resolve<'a>(&'a self, node: &'a Json) -> &'a Json {
        match node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.0.pointer(pointer).unwrap_or_else(|| panic!("{pointer} leads nowhere")),
            None => node,
        }
    }

    fn fits(&self, value: &Json, schema: &Json, at: &str) -> Result<(), String> {
        let schema = self.resolve(schema);
        let types: Vec<&str> = match &schema["type"] {
            Json::String(name) => vec![name],
            Json::Array(names) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let is = |name: &&str| match *name {
            "null" => value.is_null(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("the type {other} is not known"),
        };
        if !types.is_empty() && !types.iter().any(is) {
            return Err(format!("{at} is not of type {types:?}"));
        }
        if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
            return Err(format!("{at} is not one of {}", schema["enum"]));
        }
        for (idx, item) in value.as_array().into_iter().flatten().enumerate() {
            self.fits(item, &schema["items"], &format!("{at}[{idx}]"))?;
        }
        let Some(fields) = value.as_object() else { return Ok(()) };
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if !fields.contains_key(name) {
                return Err(format!("{at} lacks {name:?}"));
            }
        }
        for (name, field) in fields {
            match schema["properties"].get(name) {
                Some(schema) => self.fits(field, schema, &format!("{at}.{name}"))?,
                None if schema["additionalProperties"] == Json::Bool(false) => {
                    return Err(format!("{at}.{name} is not documented"));
                }
                None => {}
            }
        }
        Ok(())
    }
}
