//! Files of earlier formats, as servers of their time left them: each is read whole, and goes on from where it ended.

use std::path::{Path, PathBuf};

use super::common::{Folder, append, open, writer};
use model::{Row, TableName, Timestamp, Value};
use server::journal::{Journal, Retention, SqliteJournal, decode};

/// The newest format, which a new file has.
const FORMAT: i64 = 2;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name)
}

/// A folder with a file of an earlier format.
fn folder_of(name: &str) -> Folder {
    let folder = Folder::new();
    std::fs::copy(fixture(name), folder.0.join("streamtable.db")).expect("the file is in the tree");
    folder
}

fn version(folder: &Folder) -> i64 {
    let conn = rusqlite::Connection::open(folder.0.join("streamtable.db")).expect("it is there");
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("it is a database")
}

fn table_rows(journal: &SqliteJournal, table: &str) -> Vec<Row> {
    let name = TableName::parse(table).expect("it is a name");
    let end = journal.table(&name).expect("it is there").next_offset;
    let mut rows = Vec::new();
    while (rows.len() as u64) < end {
        for frame in journal.read(&name, rows.len() as u64..end, 1).expect("it is whole") {
            let stored = decode(&frame).expect("it is whole");
            assert_eq!(stored.first_offset, rows.len() as u64);
            rows.extend((0..stored.batch.n_rows()).map(|idx| stored.batch.row(idx)));
        }
    }
    rows
}

#[test]
fn format_1_is_read_whole_and_goes_on() {
    let folder = folder_of("journal-v1.db");
    assert_eq!(version(&folder), 1);
    for _ in ["made of format 1", "opened again"] {
        let journal = open(&folder.0).expect("every format before is read");
        let names: Vec<String> = journal.tables().iter().map(|table| table.name.to_string()).collect();
        assert_eq!(names, ["e/p/cells", "e/p/many", "local/default/t"]);
        let cells = table_rows(&journal, "e/p/cells");
        let get = |row: &Row, column: &str| row.get(column).cloned().unwrap_or(Value::Null);
        assert_eq!(cells.len(), 6);
        assert_eq!(get(&cells[0], "i"), Value::Int(1 << 60));
        assert!(matches!(get(&cells[0], "f"), Value::Float(float) if float.is_nan()));
        assert_eq!(get(&cells[0], "at"), Value::Time(Timestamp(1_700_000_000_000_000)));
        assert_eq!(get(&cells[2], "n"), Value::Text("mixed".to_owned()));
        assert_eq!(get(&cells[3], "_writer"), Value::Null);
        assert_eq!(get(&cells[5], "_seq"), Value::Int(5));
        let many = table_rows(&journal, "e/p/many");
        assert!(many.len() >= 60);
        for (idx, row) in many.iter().take(60).enumerate() {
            assert_eq!(get(row, "i"), Value::Float(idx as f64 + 1.0));
        }
        let state = journal.table(&TableName::parse("e/p/cells").unwrap()).unwrap();
        assert_eq!((state.first_offset, state.next_offset, state.retention), (0, 6, None));
        assert_eq!(
            Value::Time(Timestamp(state.created_micros)),
            get(&cells[0], "_received"),
            "it was made with its first row"
        );
        assert_eq!(state.schema.columns().len(), 9);
    }
    assert_eq!(version(&folder), FORMAT);

    // The writer is known, and so are new things to the old file.
    let journal = open(&folder.0).expect("it is of this format now");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing");
    let sent = runtime.block_on(journal.append(append(&journal, "many", 2, 51..71))).expect("it is stored");
    assert_eq!((sent.n_stored, sent.n_duplicate, sent.first_offset), (10, 10, Some(60)));
    let kept = Retention { max_rows: Some(5), ..Retention::default() };
    let many = TableName::parse("e/p/many").unwrap();
    assert_eq!(runtime.block_on(journal.set_retention(&many, Some(kept))), Ok(true));
    journal.tidy_up().expect("the file can be written");
    assert_eq!(journal.table(&many).expect("it is there").first_offset, 60);
    assert_eq!(runtime.block_on(journal.delete(&TableName::parse("e/p/cells").unwrap())), Ok(true));
    drop(journal);
    let journal = open(&folder.0).expect("it is whole");
    assert_eq!((journal.tables().len(), journal.table(&many).unwrap().retention), (2, Some(kept)));
    assert_eq!(journal.table(&many).unwrap().first_offset, 60);
    assert!(writer(2).to_string().starts_with("0202"));
}

#[test]
fn a_new_file_and_one_that_was_brought_up_to_date_are_alike() {
    let schema = |folder: &Folder| {
        drop(open(&folder.0).expect("it can be written"));
        let conn = rusqlite::Connection::open(folder.0.join("streamtable.db")).expect("it is there");
        let columns = "SELECT m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk
            FROM sqlite_schema m, pragma_table_info(m.name) c ORDER BY 1, 2";
        let mut statement = conn.prepare(columns).expect("it is a query");
        let read = |row: &rusqlite::Row<'_>| {
            let (table, column, of_type): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (not_null, default, key): (i64, Option<String>, i64) = (row.get(3)?, row.get(4)?, row.get(5)?);
            Ok(format!("{table}.{column} {of_type} {not_null} {default:?} {key}"))
        };
        statement.query_map([], read).expect("it runs").map(|line| line.expect("it is a line")).collect::<Vec<_>>()
    };
    let (new, old) = (schema(&Folder::new()), schema(&folder_of("journal-v1.db")));
    assert!(new.len() > 15, "{new:?}");
    assert_eq!(new, old);
}

#[test]
fn a_later_format_is_refused_and_left_as_it_is() {
    let folder = folder_of("journal-v1.db");
    let conn = rusqlite::Connection::open(folder.0.join("streamtable.db")).expect("it is there");
    conn.pragma_update(None, "user_version", FORMAT + 1).expect("it can be written");
    drop(conn);
    let file = std::fs::read(folder.0.join("streamtable.db")).expect("it is there");
    let error = open(&folder.0).map(drop).expect_err("it is of a later format");
    assert_eq!(error.code(), "journal_too_new");
    assert!(error.to_string().contains("has format 3, written by a later version; this one knows formats up to 2"));
    assert_eq!(std::fs::read(folder.0.join("streamtable.db")).expect("it is there"), file);
}
