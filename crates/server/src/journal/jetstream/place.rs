//! Where a table's rows go: its stream, and its subject within it.

use model::TableName;

/// The name of a stream.
pub(super) fn stream(partition: u32) -> String {
    format!("streamtable_rows_{partition}")
}

/// The subjects of a stream.
pub(super) fn subjects(partition: u32) -> String {
    format!("rows.{partition}.>")
}

/// The stream of a table. It is the same in every version, since a table's rows must all be in one.
pub(super) fn partition(table: &TableName, n_partitions: u32) -> u32 {
    crc32fast::hash(table.to_string().as_bytes()) % n_partitions
}

/// The subject of a table: a name's dots, and whatever else a subject gives a meaning to, are written as `%2E`.
pub(super) fn subject(table: &TableName, partition: u32) -> String {
    let mut subject = format!("rows.{partition}");
    for part in [table.entity(), table.project(), table.table()] {
        subject.push('.');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') {
                subject.push(char::from(byte));
            } else {
                subject.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_keeps_its_stream_and_subject() {
        let check = |name: &str, expect: (u32, &str)| {
            let table = TableName::parse(name).unwrap();
            let at = partition(&table, 8);
            assert_eq!((at, subject(&table, at).as_str()), expect, "rows that are there would not be found");
        };
        check("e/p/t", (0, "rows.0.e.p.t"));
        check("acme.org/v1.2/a-b_c", (2, "rows.2.acme%2Eorg.v1%2E2.a-b_c"));
    }
}
