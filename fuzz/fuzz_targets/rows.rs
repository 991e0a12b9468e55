//! The body of an append, in each of its forms, and one row or value of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::Row;

fuzz_target!(init: fuzz::begin("rows"), |data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok((header, rest)) = wire::append::Header::decode(text) {
        let mut line = String::new();
        header.encode(&mut line);
        let again = wire::append::Header::decode(&line).expect("what was written can be read");
        assert_eq!(again, (header, ""));
        lines(rest);
    }
    lines(text);
    if let Ok(rows) = wire::json::split_rows(text) {
        let rows: Vec<Row> = rows.into_iter().filter_map(|row| wire::json::decode_row(row).ok()).collect();
        fuzz::check_rows(rows);
    }
    if let Ok(value) = wire::json::decode_value(text) {
        let mut json = String::new();
        wire::json::encode_value(&value, &mut json);
        wire::json::decode_value(&json).expect("what was written can be read");
    }
    if let Some(media) = wire::json::media_from_data_url(text) {
        assert!(!media.mime.is_empty());
    }
});

fn lines(text: &str) {
    fuzz::check_rows(text.lines().filter_map(|line| wire::json::decode_row(line).ok()).collect());
}
