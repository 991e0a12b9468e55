//! Files of an outbox against a plain list of rows, through crashes, torn ends and flipped bits.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;
use crate::native::test_folder::TestFolder;

const ALL: [&str; 4] = ["rows", "lock", "new", "damaged"];

fn writer() -> WriterId {
    WriterId::from_bytes([7; 16])
}

fn head() -> Head {
    Head {
        writer: writer().to_string(),
        table: "e/p/t".to_owned(),
        server: "http://127.0.0.1:7700".to_owned(),
        key: Some("st_key".to_owned()),
    }
}

fn create(folder: &TestFolder, segment_bytes: u64) -> Spool {
    let spool = Spool::create(folder.path(), writer(), &head(), Durability::Os).unwrap();
    spool.with_segment_bytes(segment_bytes)
}

fn adopt(folder: &TestFolder) -> Spool {
    match Spool::adopt(folder.path(), writer()).unwrap() {
        Adopted::Rows(spool, read) => {
            assert_eq!(read, head());
            *spool
        }
        other => panic!("there should be rows: {other:?}"),
    }
}

/// Row `seq`, of any size.
fn line(seq: Seq, size: usize) -> String {
    format!("{{\"n\":{seq},\"pad\":\"{}\"}}\n", "x".repeat(size))
}

fn chunk(first_seq: Seq, n_rows: u64, size: usize) -> Chunk {
    Chunk::new(first_seq, (first_seq..first_seq + n_rows).map(|seq| line(seq, size)).collect()).unwrap()
}

/// All that is left to read, and what was told on the way.
fn read_all(spool: &mut Spool) -> (Vec<Chunk>, Vec<DeliveryError>) {
    let (mut chunks, mut faults) = (Vec::new(), Vec::new());
    loop {
        let (more, told) = spool.read(1).unwrap();
        faults.extend(told);
        if more.is_empty() {
            assert!(spool.is_read());
            return (chunks, faults);
        }
        chunks.extend(more);
    }
}

/// The number and the line of each row.
fn rows(chunks: &[Chunk]) -> Vec<(Seq, String)> {
    let numbered = |chunk: &Chunk| {
        let lines = chunk.lines.split_inclusive('\n').map(str::to_owned);
        (chunk.first_seq..).zip(lines).collect::<Vec<_>>()
    };
    chunks.iter().flat_map(numbered).collect()
}

#[derive(Clone, Debug)]
enum Op {
    Append {
        n_rows: u64,
        size: usize,
        gap: u64,
    },
    Skip,
    Read,
    /// Settles some of what was read.
    Settle(u64),
    /// The open file cannot be written any more.
    Break,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1_u64..5, 0_usize..120, 0_u64..2).prop_map(|(n_rows, size, gap)| Op::Append { n_rows, size, gap }),
        1 => Just(Op::Skip),
        3 => Just(Op::Read),
        3 => (0_u64..9).prop_map(Op::Settle),
        1 => Just(Op::Break),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Rows come back in order and whole, while the program runs and for the one that finds them after a crash at any byte
    /// of the last record; what is settled leaves the disk.
    #[test]
    fn it_is_a_list_that_outlives_its_program(
        ops in prop::collection::vec(op(), 0..60),
        segment_bytes in 1_u64..900,
        n_cut in any::<prop::sample::Index>(),
    ) {
        let folder = TestFolder::new();
        let mut spool = create(&folder, segment_bytes);
        let (mut appended, mut n_read, mut settled_seq, mut next_seq) = (Vec::<(Seq, String)>::new(), 0, 0, 1);
        for op in ops {
            match op {
                Op::Append { n_rows, size, gap } => {
                    let chunk = chunk(next_seq + gap, n_rows, size);
                    next_seq = chunk.last_seq() + 1;
                    let appends = rows(std::slice::from_ref(&chunk));
                    if spool.append(&chunk).is_err() {
                        // What follows goes to a new file.
                        spool.append(&chunk).unwrap();
                    }
                    appended.extend(appends);
                }
                Op::Skip => {
                    spool.skip_to_end();
                    n_read = appended.len();
                }
                Op::Read => {
                    let (chunks, faults) = spool.read(1).unwrap();
                    prop_assert_eq!(faults, []);
                    let read = rows(&chunks);
                    prop_assert!(appended[n_read..].starts_with(&read));
                    prop_assert_eq!(read.is_empty(), n_read == appended.len());
                    n_read += read.len();
                }
                Op::Settle(n) => {
                    let newest_read = appended[..n_read].last().map_or(0, |(seq, _)| *seq);
                    settled_seq = (settled_seq + n).min(newest_read);
                    spool.settle(settled_seq);
                }
                Op::Break => {
                    if let Some(segment) = spool.segments.back() {
                        spool.open = Some(File::open(spool.path(segment.number)).unwrap());
                    }
                }
            }
            prop_assert_eq!(spool.is_read(), n_read == appended.len());
        }
        let is_settled = settled_seq + 1 == next_seq;
        // What is settled is gone, but for what shares a segment with rows that wait.
        let n_settled = appended.partition_point(|(seq, _)| *seq <= settled_seq);
        let n_bytes: u64 = folder.files(&["rows"]).iter().map(|path| path.metadata().unwrap().len()).sum();
        let n_waiting: usize = appended[n_settled..].iter().map(|(_, line)| line.len() + RECORD_BYTES).sum();
        let slack = 2 * (segment_bytes + spool.head.len() as u64 + 4 * 200);
        prop_assert!(n_bytes <= n_waiting as u64 * 8 + slack, "{} bytes for {}", n_bytes, n_waiting);
        drop(spool);

        // The crash: the last record is cut at any byte, unless its program was told that it was written.
        let last = folder.files(&["rows"]).pop();
        let mut n_torn = 0;
        if let Some(last) = last.filter(|_| !is_settled) {
            let torn = chunk(next_seq, 3, 50);
            let mut bytes = std::fs::read(&last).unwrap();
            let start = bytes.len();
            encode_record(&torn, &mut bytes);
            n_torn = n_cut.index(bytes.len() - start);
            bytes.truncate(start + n_torn);
            std::fs::write(&last, bytes).unwrap();
        }
        match Spool::adopt(folder.path(), writer()).unwrap() {
            Adopted::Rows(mut spool, _) => {
                let (chunks, faults) = read_all(&mut spool);
                prop_assert_eq!(faults, []);
                let read = rows(&chunks);
                prop_assert!(appended.ends_with(&read), "cut at {}: {:?} {:?}", n_torn, read, appended);
                prop_assert!(read.len() >= appended.len() - n_settled);
                spool.settle(next_seq);
                spool.remove();
            }
            Adopted::Nothing => prop_assert_eq!(n_settled, appended.len()),
            Adopted::Unreadable(error) => prop_assert!(false, "{}", error),
        }
        prop_assert_eq!(folder.files(&ALL), Vec::<PathBuf>::new());
    }

    /// A flipped bit anywhere invents no row and changes none; what is lost is told, and its file is kept.
    #[test]
    fn damage_is_told_and_invents_nothing(
        sizes in prop::collection::vec((1_u64..5, 0_usize..80), 1..20),
        segment_bytes in 1_u64..2_000,
        file in any::<prop::sample::Index>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let folder = TestFolder::new();
        let mut spool = create(&folder, segment_bytes);
        let (mut appended, mut next_seq) = (Vec::new(), 1);
        for (n_rows, size) in sizes {
            let chunk = chunk(next_seq, n_rows, size);
            spool.append(&chunk).unwrap();
            next_seq += n_rows;
            appended.extend(rows(&[chunk]));
        }
        drop(spool);
        let files = folder.files(&["rows"]);
        let path = &files[file.index(files.len())];
        let mut bytes = std::fs::read(path).unwrap();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(path, &bytes).unwrap();

        let (mut read, mut told) = (Vec::new(), Vec::new());
        // A file whose start is damaged is set aside, and the others are found at the next look.
        for _ in 0..2 {
            match Spool::adopt(folder.path(), writer()).unwrap() {
                Adopted::Rows(mut spool, _) => {
                    let (chunks, faults) = read_all(&mut spool);
                    read.extend(rows(&chunks));
                    told.extend(faults);
                    spool.settle(next_seq);
                    spool.remove();
                }
                Adopted::Unreadable(error) => {
                    prop_assert_eq!(error.code(), "storage_damaged");
                    told.push(error);
                }
                Adopted::Nothing => {}
            }
        }
        prop_assert!(read.len() < appended.len(), "every bit counts");
        prop_assert!(read.iter().all(|row| appended.contains(row)));
        prop_assert!(read.is_sorted_by(|a, b| a.0 < b.0));
        told.dedup();
        prop_assert_eq!(told.len(), 1);
        // Nothing of it is deleted; that of a newer version is left to it.
        prop_assert!(folder.files(&["damaged", "rows"]).iter().any(|path| std::fs::read(path).unwrap() == bytes));
    }
}

#[test]
fn a_writer_is_one_programs_at_a_time() {
    let folder = TestFolder::new();
    let mut spool = create(&folder, 1_000);
    spool.append(&chunk(1, 2, 5)).unwrap();
    assert!(matches!(Spool::adopt(folder.path(), writer()).unwrap(), Adopted::Nothing), "it is being written");
    drop(spool);
    let adopted = adopt(&folder);
    assert!(matches!(Spool::adopt(folder.path(), writer()).unwrap(), Adopted::Nothing), "it is being sent");
    drop(adopted);
    assert_eq!(read_all(&mut adopt(&folder)).0, [chunk(1, 2, 5)], "nobody has settled it");
}

#[test]
fn what_is_left_of_a_start_is_cleared_away() {
    let folder = TestFolder::new();
    let other = WriterId::from_bytes([8; 16]);
    drop(create(&folder, 1_000));
    std::fs::write(folder.path().join(format!("{other}.new")), "").unwrap();
    assert_eq!(writers(folder.path()).unwrap().into_iter().collect::<Vec<_>>(), [writer()]);
    assert_eq!(folder.files(&ALL).len(), 2, "it may be about to get its name");
    let nameless = File::options().write(true).open(&folder.files(&["new"])[0]).unwrap();
    nameless.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
    nameless.lock().unwrap();
    writers(folder.path()).unwrap();
    assert_eq!(folder.files(&["new"]).len(), 1, "somebody has it");
    drop(nameless);
    writers(folder.path()).unwrap();
    assert!(matches!(Spool::adopt(folder.path(), writer()).unwrap(), Adopted::Nothing));
    assert_eq!(folder.files(&ALL), Vec::<PathBuf>::new());
}

#[test]
fn rows_far_larger_than_a_segment_come_back() {
    for durability in [Durability::Os, Durability::Disk] {
        let folder = TestFolder::new();
        let spool = Spool::create(folder.path(), writer(), &head(), durability).unwrap();
        let mut spool = spool.with_segment_bytes(1_000);
        let chunks = [chunk(1, 1, 5), chunk(2, 1, 3 << 20), chunk(3, 2, 300_000), chunk(5, 1, 5), chunk(6, 1, 5)];
        for chunk in &chunks {
            spool.append(chunk).unwrap();
        }
        assert_eq!(read_all(&mut spool).0, chunks);
        drop(spool);
        assert_eq!(read_all(&mut adopt(&folder)).0, chunks);
    }
}

#[test]
fn a_head_that_could_not_be_read_back_is_refused() {
    let folder = TestFolder::new();
    let head = Head { key: Some("k".repeat(MAX_HEAD_BYTES)), ..head() };
    let error = Spool::create(folder.path(), writer(), &head, Durability::Os).unwrap_err();
    assert_eq!((error.kind(), folder.files(&ALL).len()), (io::ErrorKind::InvalidInput, 0));
    let head = Head { key: Some("k".repeat(MAX_HEAD_BYTES - 500)), ..head };
    let mut spool = Spool::create(folder.path(), writer(), &head, Durability::Os).unwrap();
    spool.append(&chunk(1, 2, 5)).unwrap();
    assert_eq!(read_all(&mut spool).0, [chunk(1, 2, 5)]);
}

#[test]
fn a_file_that_cannot_be_read_is_tried_again_before_it_is_given_up() {
    let folder = TestFolder::new();
    let mut spool = create(&folder, 1);
    spool.append(&chunk(1, 1, 5)).unwrap();
    spool.append(&chunk(2, 1, 5)).unwrap();
    let path = &folder.files(&["rows"])[0];
    let away = path.with_extension("away");
    std::fs::rename(path, &away).unwrap();
    assert!((0..MAX_FAILED_READS).all(|_| spool.read(1).is_err()));
    std::fs::rename(&away, path).unwrap();
    assert_eq!(spool.read(1).unwrap(), (vec![chunk(1, 1, 5)], vec![]));
    std::fs::remove_file(&folder.files(&["rows"])[1]).unwrap();
    assert!((0..MAX_FAILED_READS).all(|_| spool.read(1).is_err()));
    let (chunks, faults) = spool.read(1).unwrap();
    assert_eq!((chunks.len(), faults.len()), (0, 1));
    assert_eq!(faults[0].code(), "storage_damaged");
}

#[test]
fn files_of_a_newer_version_are_left_alone() {
    let folder = TestFolder::new();
    let mut spool = create(&folder, 1_000);
    spool.append(&chunk(1, 1, 5)).unwrap();
    drop(spool);
    let path = &folder.files(&["rows"])[0];
    let mut bytes = std::fs::read(path).unwrap();
    bytes[8] = 2;
    std::fs::write(path, &bytes).unwrap();
    let Adopted::Unreadable(error) = Spool::adopt(folder.path(), writer()).unwrap() else { panic!("it is newer") };
    assert!(error.to_string().contains("newer version (2)"), "{error}");
    assert_eq!(std::fs::read(path).unwrap(), bytes);
}

/// The file was written by version 1, whose program was stopped in the middle of its third record.
#[test]
fn files_of_version_1_are_read() {
    let folder = TestFolder::new();
    let bytes = include_bytes!("../../../../../tests/data/outbox-v1.rows");
    std::fs::write(segment_path(folder.path(), writer(), 1), bytes).unwrap();
    let mut spool = adopt(&folder);
    let (chunks, faults) = read_all(&mut spool);
    assert_eq!((chunks, faults), (vec![chunk(1, 2, 3), chunk(5, 1, 0)], vec![]));
    spool.remove();
    assert_eq!(folder.files(&ALL), Vec::<PathBuf>::new());
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_rows() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TestFolder::new();
    let mut spool = create(&folder, 1_000);
    spool.append(&chunk(1, 1, 5)).unwrap();
    for path in folder.files(&ALL) {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o077, 0, "{}", path.display());
    }
}
