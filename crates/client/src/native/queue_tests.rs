//! A queue against a model server: through losses, refusals, full queues, disks that fail and programs that die.

use proptest::prelude::*;
use wire::api::{Ack, ErrorDetail, Refusal};

use super::super::spool::{Adopted, Head};
use super::super::test_folder::TestFolder;
use super::*;
use crate::options::Durability;

/// Keeps rows by the rule of the journal: what is at or below the writer's last number is known.
#[derive(Default)]
struct Server {
    rows: Vec<Seq>,
    last_seq: Seq,
}

impl Server {
    /// Takes a body whose rows hold their own numbers; refuses every seventh.
    fn append(&mut self, body: &str) -> Reply {
        let (header, lines) = Header::decode(body).unwrap();
        assert_eq!(header.writer, writer());
        let mut ack = Ack { acked_seq: 0, n_stored: 0, n_duplicate: 0, first_offset: None, refused: Vec::new() };
        for (idx, line) in lines.lines().enumerate() {
            let seq = header.seq + idx as u64;
            assert_eq!(number(line), seq, "a row has the number it was given");
            if is_bad(seq) {
                let (code, message) = ("bad".to_owned(), "it is bad".to_owned());
                ack.refused.push(Refusal { index: idx as u64, code, message });
            } else if seq > self.last_seq {
                self.rows.push(seq);
                ack.n_stored += 1;
            } else {
                ack.n_duplicate += 1;
            }
            self.last_seq = self.last_seq.max(seq);
            ack.acked_seq = seq;
        }
        Reply::Ack(ack)
    }
}

fn is_bad(seq: Seq) -> bool {
    seq.is_multiple_of(7)
}

fn number(line: &str) -> Seq {
    line.trim_start_matches("{\"n\":").split(',').next().unwrap().parse().unwrap()
}

fn writer() -> WriterId {
    WriterId::from_bytes([7; 16])
}

fn spool(folder: &TestFolder) -> Spool {
    let head =
        Head { writer: writer().to_string(), table: "e/p/t".to_owned(), server: "http://s".to_owned(), key: None };
    // Each record in a file of its own, so that a folder that is gone is met at each.
    Spool::create(folder.path(), writer(), &head, Durability::Os).unwrap().with_segment_bytes(1)
}

fn options(max_rows: usize, when_full: WhenFull) -> Options {
    Options {
        max_queue_rows: max_rows,
        max_batch_rows: 5,
        max_batch_bytes: 200,
        max_retry_millis: 100,
        when_full,
        ..Options::default()
    }
}

/// A queue whose window is so small that most of what waits is in files.
fn queue(options: &Options, spool: Option<Spool>) -> Queue {
    Queue::with_window(writer(), options, options.batching(), spool, 1)
}

fn lines(first_seq: Seq, n_rows: u64) -> String {
    (first_seq..first_seq + n_rows)
        .map(|seq| format!("{{\"n\":{seq},\"pad\":\"{}\"}}\n", "x".repeat(seq as usize % 50)))
        .collect()
}

fn lost() -> Reply {
    Reply::Lost("it is gone".to_owned())
}

fn refused(status: u16, is_ours: bool) -> Reply {
    let detail = is_ours.then(|| ErrorDetail { code: "no".to_owned(), message: "it is refused".to_owned() });
    Reply::Error { status, detail, retry_after_millis: None }
}

/// Takes the folder away, as a disk that cannot be written.
struct Disk<'a> {
    folder: &'a TestFolder,
    is_away: bool,
}

impl Disk<'_> {
    fn set_away(&mut self, is_away: bool) {
        if is_away != self.is_away {
            let away = self.folder.path().with_extension("away");
            let (from, to) = if is_away { (self.folder.path(), &*away) } else { (&*away, self.folder.path()) };
            std::fs::rename(from, to).unwrap();
            self.is_away = is_away;
        }
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        self.set_away(false);
    }
}

#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    LostBefore,
    LostAfter,
    Busy,
    TooLarge,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Answered),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
        1 => Just(Fate::Busy),
        1 => Just(Fate::TooLarge),
    ]
}

/// Answers what the queue sends, if it sends; says whether it is finished.
fn step(queue: &mut Queue, server: &mut Server, now_millis: u64, fate: Fate) -> bool {
    let body = match queue.next(now_millis) {
        Todo::Send(body) => body,
        todo => return todo == Todo::Finished,
    };
    let reply = match fate {
        Fate::Answered => server.append(&body),
        Fate::LostBefore => lost(),
        Fate::LostAfter => {
            server.append(&body);
            lost()
        }
        Fate::Busy => refused(503, true),
        // It means the request: a single row is taken.
        Fate::TooLarge if body.lines().count() > 2 => refused(413, true),
        Fate::TooLarge => server.append(&body),
    };
    queue.on_reply(now_millis, reply, 0.5);
    false
}

/// Answers all that a queue sends until nothing waits.
fn run(queue: &mut Queue, server: &mut Server, now_millis: u64) {
    for n in 0..1_000 {
        if step(queue, server, now_millis + n * 1_000, Fate::Answered) || queue.settled_seq() == queue.last_seq {
            return;
        }
    }
    panic!("it comes to no end");
}

/// Answers all that a queue sends until it is finished.
fn drain(queue: &mut Queue, server: &mut Server, now_millis: u64) {
    for n in 0..1_000 {
        if step(queue, server, now_millis + n * 1_000, Fate::Answered) {
            return queue.close();
        }
    }
    panic!("it comes to no end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Every row is stored once and in order or counted as dropped, whatever becomes of requests, of the disk, and of the
    /// program: what it leaves in files is delivered by whoever finds it.
    #[test]
    fn each_row_is_stored_once_and_in_order_or_counted(
        steps in prop::collection::vec((0_u64..9, fate(), 0_u64..400, prop::bool::weighted(0.15)), 1..60),
        has_files in any::<bool>(),
        drops_oldest in any::<bool>(),
        max_rows in 9_usize..60,
        dies in any::<bool>(),
    ) {
        let folder = TestFolder::new();
        let when_full = if drops_oldest { WhenFull::DropOldest } else { WhenFull::DropNewest };
        let options = options(max_rows, when_full);
        let mut disk = Disk { folder: &folder, is_away: false };
        let (mut queue, mut server) = (queue(&options, has_files.then(|| spool(&folder))), Server::default());
        let (mut now_millis, mut n_given, mut last_seq) = (0, 0, 0);
        for (n_rows, fate, pause_millis, is_away) in steps {
            disk.set_away(has_files && is_away);
            now_millis += pause_millis;
            // Rows that are dropped at once have no number, so that what follows takes theirs.
            let result = queue.push(&lines(last_seq + 1, n_rows));
            n_given += n_rows;
            let dropped = match result {
                Ok(()) => 0,
                Err(DeliveryError::QueueFull { n_rows }) => n_rows,
                Err(error) => panic!("{error}"),
            };
            if drops_oldest && !queue.store.is_unreadable() {
                prop_assert_eq!(dropped, 0, "what waits makes room");
            }
            last_seq += n_rows - dropped;
            prop_assert_eq!(queue.last_seq, last_seq);
            prop_assert!(queue.n_rows() <= max_rows as u64);
            step(&mut queue, &mut server, now_millis, fate);
            let status = queue.status();
            let n_dealt_with = status.acknowledged + status.rejected + status.dropped + status.queued;
            prop_assert_eq!(n_dealt_with, n_given, "{:?}", status);
            let is_safe = has_files && !queue.store.is_failing();
            prop_assert!(!is_safe || status.volatile == 0);
            prop_assert_eq!(status.storage == Storage::Files, is_safe);
            if !has_files {
                prop_assert_eq!(status.volatile, status.queued);
            }
        }
        disk.set_away(false);
        let status = queue.status();
        let (n_dropped, mut is_dead) = (status.dropped, false);
        if dies && has_files {
            // One more look at the disk before the end, so that nothing is in memory alone.
            now_millis += RETRY_FILES_MILLIS;
            step(&mut queue, &mut server, now_millis, Fate::LostAfter);
            prop_assert_eq!(queue.status().volatile, 0);
            is_dead = true;
            drop(queue);
            match Spool::adopt(folder.path(), writer()).unwrap() {
                Adopted::Rows(spool, _) => queue = Queue::left_behind(writer(), &options, *spool),
                Adopted::Nothing => queue = self::queue(&options, None),
                Adopted::Unreadable(error) => panic!("{error}"),
            }
        }
        queue.finish();
        drain(&mut queue, &mut server, now_millis);
        let final_status = queue.status();
        // A file that could not be deleted is sent again by whoever finds it, and changes nothing.
        let n_stored = server.rows.len();
        if let Adopted::Rows(spool, _) = Spool::adopt(folder.path(), writer()).unwrap() {
            drain(&mut Queue::left_behind(writer(), &options, *spool), &mut server, now_millis);
        }
        prop_assert_eq!(server.rows.len(), n_stored);
        prop_assert_eq!(folder.files(&["rows", "lock", "new", "damaged"]), Vec::<std::path::PathBuf>::new());

        prop_assert!(server.rows.is_sorted_by(|a, b| a < b), "{:?}", server.rows);
        let missing: Vec<Seq> = (1..=last_seq).filter(|seq| !is_bad(*seq) && !server.rows.contains(seq)).collect();
        if drops_oldest {
            // Rows that were dropped may have been sent before; and those the dead program dropped were in its files.
            prop_assert!(missing.len() as u64 <= n_dropped, "{:?}", missing);
        } else {
            prop_assert_eq!(missing, Vec::<Seq>::new());
        }
        if !is_dead {
            let status = final_status;
            prop_assert_eq!(status.acknowledged + status.rejected + status.dropped, n_given);
            prop_assert_eq!((status.queued, status.bytes, status.volatile), (0, 0, 0));
        }
    }
}

/// The body that the queue wants to send.
fn sent(queue: &mut Queue, now_millis: u64) -> String {
    match queue.next(now_millis) {
        Todo::Send(body) => body,
        todo => panic!("{todo:?}"),
    }
}

/// The codes of the errors that were told.
fn told(queue: &mut Queue) -> Vec<String> {
    let code = |notice| if let Notice::Error(error) = notice { Some(error.code().to_owned()) } else { None };
    queue.take_notices().into_iter().filter_map(code).collect()
}

#[test]
fn what_is_refused_is_told_with_its_rows() {
    let mut queue = queue(&options(99, WhenFull::DropNewest), None);
    let mut server = Server::default();
    queue.push(&lines(1, 9)).unwrap();
    run(&mut queue, &mut server, 0);
    let errors: Vec<DeliveryError> = queue
        .take_notices()
        .into_iter()
        .filter_map(|notice| if let Notice::Error(error) = notice { Some(error) } else { None })
        .collect();
    let [DeliveryError::RowRefused { seq: 7, row, code, .. }] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((row.get("n"), code.as_str()), (Some(&model::Value::Float(7.0)), "bad"));
    queue.push(&lines(10, 2)).unwrap();
    sent(&mut queue, 90_000);
    queue.on_reply(90_000, refused(404, true), 0.5);
    let notices = queue.take_notices();
    let Some(Notice::Error(DeliveryError::RequestRefused { first_seq: 10, rows, .. })) = notices.first() else {
        panic!("{notices:?}")
    };
    assert_eq!(rows.len(), 2);
    assert_eq!((queue.status().rejected, queue.status().queued), (3, 0));
}

#[test]
fn one_outage_is_told_once() {
    let mut queue = queue(&options(99, WhenFull::DropNewest), None);
    queue.push(&lines(1, 1)).unwrap();
    for (now_millis, reply) in [(0, lost()), (1_000, refused(503, true)), (2_000, lost())] {
        sent(&mut queue, now_millis);
        queue.on_reply(now_millis, reply, 0.5);
    }
    assert_eq!(told(&mut queue), ["network"]);
    assert_eq!(
        (queue.status().state, queue.status().last_error.unwrap().code),
        (State::Retrying, "network".to_owned())
    );
}

#[test]
fn rows_on_their_way_stay_and_those_behind_them_make_room() {
    let mut queue = queue(&options(6, WhenFull::DropOldest), None);
    let mut server = Server::default();
    queue.push(&lines(1, 4)).unwrap();
    let body = sent(&mut queue, 0);
    queue.push(&lines(5, 2)).unwrap();
    queue.push(&lines(7, 2)).unwrap();
    assert_eq!((queue.status().dropped, queue.status().queued), (2, 6), "5 and 6 made room");
    queue.push(&lines(9, 1)).unwrap();
    assert_eq!(queue.status().dropped, 3, "and 7 did");
    queue.on_reply(0, server.append(&body), 0.5);
    run(&mut queue, &mut server, 100);
    assert_eq!(server.rows, [1, 2, 3, 4, 8, 9]);

    queue.push(&lines(10, 4)).unwrap();
    let body = sent(&mut queue, 90_000);
    queue.push(&lines(14, 2)).unwrap();
    assert_eq!(queue.push(&lines(16, 3)), Err(DeliveryError::QueueFull { n_rows: 1 }), "three rows, and room for two");
    assert_eq!(told(&mut queue), ["queue_full"; 3]);
    queue.on_reply(90_000, server.append(&body), 0.5);
    run(&mut queue, &mut server, 91_000);
    assert_eq!(server.rows[6..], [10, 11, 12, 13, 16, 17]);
}

#[test]
fn of_more_rows_than_can_wait_the_newest_do() {
    let mut queue = queue(&options(3, WhenFull::DropOldest), None);
    assert_eq!(queue.push(&lines(1, 5)), Err(DeliveryError::QueueFull { n_rows: 2 }));
    assert!(sent(&mut queue, 0).contains("{\"n\":3,"));
    let options = Options { max_queue_bytes: 60, ..options(99, WhenFull::DropOldest) };
    let mut queue = self::queue(&options, None);
    assert_eq!(queue.push(&lines(1, 9)), Err(DeliveryError::QueueFull { n_rows: 7 }));
    assert!(queue.status().bytes <= 60);
    assert_eq!(queue.push(&lines(99, 1)), Err(DeliveryError::QueueFull { n_rows: 1 }), "it never fits");
    assert_eq!(queue.status().queued, 2, "and nothing is dropped for it");
}

#[test]
fn a_disk_that_fails_is_told_once_and_made_up_for() {
    let folder = TestFolder::new();
    let mut queue = queue(&options(99, WhenFull::DropNewest), Some(spool(&folder)));
    let mut disk = Disk { folder: &folder, is_away: false };
    queue.push(&lines(1, 3)).unwrap();
    disk.set_away(true);
    queue.push(&lines(4, 3)).unwrap();
    queue.push(&lines(7, 3)).unwrap();
    assert_eq!((queue.status().volatile, queue.status().storage), (6, Storage::Memory));
    sent(&mut queue, 10);
    queue.on_reply(10, lost(), 0.5);
    assert_eq!(told(&mut queue), ["storage_unavailable", "network"]);
    disk.set_away(false);
    assert_eq!(queue.next(20), Todo::WaitUntil(60), "the disk has its own time");
    assert_eq!(queue.status().volatile, 6);
    sent(&mut queue, RETRY_FILES_MILLIS + 10);
    assert_eq!((queue.status().volatile, queue.status().storage), (0, Storage::Files));
    drop(queue);
    let Adopted::Rows(spool, _) = Spool::adopt(folder.path(), writer()).unwrap() else { panic!("rows are there") };
    let mut server = Server::default();
    drain(&mut Queue::left_behind(writer(), &options(1, WhenFull::DropNewest), *spool), &mut server, 0);
    assert_eq!(server.rows, [1, 2, 3, 4, 5, 6, 8, 9]);
}

#[test]
fn what_waits_in_files_is_not_held_in_memory() {
    let folder = TestFolder::new();
    let options = Options { max_batch_bytes: 1_000, ..options(100_000, WhenFull::DropNewest) };
    let mut queue = queue(&options, Some(spool(&folder).with_segment_bytes(100_000)));
    let n_rows = 20_000;
    for seq in 1..=n_rows {
        queue.push(&lines(seq, 1)).unwrap();
    }
    let (n_known, n_queued) = (queue.machine.outbox().n_rows(), queue.status().queued);
    assert!(n_known < 100, "{n_known} rows are in memory");
    assert_eq!((n_queued, queue.status().volatile), (n_rows, 0));
    let (seq, mut server, mut now_millis) = (queue.hurry(), Server::default(), 0);
    while queue.settled_seq() < seq {
        step(&mut queue, &mut server, now_millis, Fate::Answered);
        // What somebody waits for does not linger.
        now_millis += 1;
        assert!(queue.machine.outbox().n_bytes() < 600_000);
    }
    assert_eq!(server.last_seq, n_rows);
    assert!(now_millis <= n_rows, "{now_millis}");
    let n_bytes: u64 = folder.files(&["rows"]).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(n_bytes < 1_000, "{n_bytes} bytes are left of nothing");
}
