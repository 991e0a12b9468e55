//! Names of tables and the small texts of requests: what is read prints as what reads the same.
#![no_main]

use expr::{Locale, Pattern, Span};
use libfuzzer_sys::fuzz_target;
use model::{ColumnType, TableName, WriterId};

fuzz_target!(init: fuzz::begin("name"), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(name) = TableName::parse(text) {
        let printed = name.to_string();
        assert_eq!(TableName::parse(&printed).as_ref(), Ok(&name));
        for part in [name.entity(), name.project(), name.table()] {
            assert!(!part.is_empty() && part.len() <= 128 && part != "." && part != "..");
            assert!(part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{part:?}");
        }
        assert_eq!(printed.matches('/').count(), 2);
    }
    let mut parts = text.splitn(3, '\0');
    let table = parts.next().unwrap_or_default();
    let (project, entity) = (parts.next(), parts.next());
    if let Ok(name) = TableName::from_parts(table, project, entity, "local") {
        assert_eq!(TableName::parse(&name.to_string()), Ok(name));
    }
    if let Ok(writer) = text.parse::<WriterId>() {
        assert_eq!(writer.to_string().parse(), Ok(writer));
    }
    if let Ok(column_type) = text.parse::<ColumnType>() {
        assert_eq!(column_type.name(), text);
    }
    if let Some(span) = Span::parse(text) {
        assert_eq!(Span::parse(&span.to_string()).map(Span::micros), Some(span.micros()));
    }
    if let Some(locale) = Locale::from_tag(text) {
        assert_eq!(Locale::from_tag(locale.tag().unwrap_or("root")), Some(locale));
    }
    if let Some(time) = expr::parse_timestamp(text) {
        let _ = time.civil();
    }
    if let Ok(pattern) = Pattern::new(text) {
        let _ = pattern.is_found_in(text);
    }
});
