//! The view against a server of its own: a table of numbers that grows, of which it answers what is asked, in any order of
//! events.

use super::*;
use proptest::prelude::*;

/// A server that holds the numbers from 0 on, and answers what is asked of them by rank, the greatest first.
#[derive(Default)]
struct Server {
    n_rows: u64,
    asked: Option<QueryRequest>,
}

impl Server {
    /// How many rows the view has that was asked for last.
    fn n_in_view(&self, question: &QueryRequest) -> u64 {
        question.before.unwrap_or(u64::MAX).min(self.n_rows)
    }

    fn answer(&self) -> (Option<u64>, QueryAnswer, Vec<NamedCells>) {
        let question = self.asked.as_ref().unwrap();
        let (n, n_asked) = (self.n_in_view(question), question.rows.unwrap());
        let rank_of = |row_id: u64| (row_id < n).then(|| n - 1 - row_id);
        let around = question.around.and_then(|id| Some(rank_of(id)?.saturating_sub(question.above)));
        let first = if question.at_end { n.saturating_sub(n_asked) } else { around.unwrap_or(question.first).min(n) };
        let row_ids: Vec<u64> = (first..(first + n_asked).min(n)).map(|rank| n - 1 - rank).collect();
        let cell = |id: u64| question.columns.iter().flatten().map(move |name| (name.clone(), Value::Float(id as f64)));
        let rows = row_ids.iter().map(|id| cell(*id).collect()).collect();
        let columns = vec![ColumnInfo { name: "n".into(), column_type: "float".into() }];
        let answer =
            QueryAnswer { next_offset: self.n_rows, n_rows: n, columns, first, row_ids, ..QueryAnswer::default() };
        (question.request, answer, rows)
    }
}

fn new_view() -> RemoteView {
    RemoteView::new("table(\"t\").rows()".to_owned(), false, None)
}

fn ask(request: u32, anchor: Anchor, n_rows: u32) -> Ask {
    Ask { request, anchor, n_rows, columns: vec!["n".into()] }
}

/// Lets everything that is to go out be answered at once.
fn settle(view: &mut RemoteView, server: &mut Server) -> usize {
    let mut n_questions = 0;
    while let Some(question) = view.next_question() {
        n_questions += 1;
        server.asked = Some(question);
        let (request, answer, rows) = server.answer();
        view.take(request, &answer, &rows);
    }
    n_questions
}

fn push(view: &mut RemoteView, server: &Server) {
    let (request, answer, rows) = server.answer();
    view.take(request, &answer, &rows);
}

/// What the page gets: for each request the first rank, the row ids and the cells' numbers.
fn taken(view: &mut RemoteView) -> Vec<(u32, u64, Vec<f64>)> {
    let (ready, given_up) = view.take_ready();
    assert!(given_up.is_empty());
    let window = |message: WindowMessage| {
        let window = message.window;
        assert_eq!(window.columns[0].numbers, window.row_ids);
        (message.request, window.first_rank, window.row_ids)
    };
    ready.into_iter().map(window).collect()
}

fn opened(n_rows: u64) -> (RemoteView, Server) {
    let (mut view, mut server) = (new_view(), Server { n_rows, asked: None });
    assert_eq!(view.next_question(), None, "there is no connection yet");
    view.opened();
    settle(&mut view, &mut server);
    (view, server)
}

#[test]
fn what_is_held_is_told_at_once_and_what_is_not_is_asked() {
    let (mut view, mut server) = opened(1000);
    assert_eq!((view.head().map(|head| head.n_rows), view.revision()), (Some(1000), 1));
    view.ask(ask(1, Anchor::Rank(100.0), 50));
    assert_eq!(settle(&mut view, &mut server), 1);
    assert_eq!(taken(&mut view), [(1, 100, (850..900).rev().map(f64::from).collect())]);
    for (anchor, first) in
        [(Anchor::Rank(120.0), 120), (Anchor::Row { row_id: 870.0, n_above: 4.0, else_rank: 0.0 }, 125)]
    {
        view.ask(ask(2, anchor, 5));
        assert_eq!(settle(&mut view, &mut server), 0, "{anchor:?}");
        assert_eq!(taken(&mut view)[0].1, first);
    }
    // What reaches beyond what is held is asked for, and so are the last rows and a row that is not held.
    for (anchor, first) in [
        (Anchor::Rank(148.0), 148),
        (Anchor::End, 995),
        (Anchor::Row { row_id: 3.0, n_above: 9.0, else_rank: 0.0 }, 987),
        (Anchor::Row { row_id: 5000.0, n_above: 9.0, else_rank: 7.0 }, 7),
    ] {
        view.ask(ask(3, anchor, 5));
        assert_eq!(settle(&mut view, &mut server), 1, "{anchor:?}");
        assert_eq!(taken(&mut view)[0].1, first);
    }
    assert_eq!(view.revision(), 1, "nothing has changed");
}

#[test]
fn a_push_is_a_new_revision_and_tells_what_the_page_then_asks() {
    let (mut view, mut server) = opened(1000);
    view.ask(ask(1, Anchor::Row { row_id: 500.0, n_above: 10.0, else_rank: 0.0 }, 40));
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[0].1, 489);
    server.n_rows += 7;
    push(&mut view, &server);
    assert_eq!((view.revision(), view.head().unwrap().n_rows), (2, 1007));
    // The page holds another row by now, which stands in the same window.
    view.ask(ask(2, Anchor::Row { row_id: 495.0, n_above: 15.0, else_rank: 0.0 }, 40));
    assert_eq!(settle(&mut view, &mut server), 0);
    assert_eq!(taken(&mut view)[0].1, 496);
}

#[test]
fn rows_that_are_too_many_for_one_answer_come_in_several() {
    let (mut view, mut server) = opened(35_000);
    view.ask(ask(1, Anchor::Rank(5.0), 25_000));
    assert_eq!(settle(&mut view, &mut server), 3);
    let expect: Vec<f64> = (35_000 - 5 - 25_000..35_000 - 5).rev().map(f64::from).collect();
    assert_eq!(taken(&mut view), [(1, 5, expect)]);
    view.ask(ask(2, Anchor::Rank(30_000.0), u32::MAX));
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[0].2.len(), 5000);
}

#[test]
fn a_pause_holds_the_rows_that_there_were_wherever_they_are_asked_for() {
    let (mut view, mut server) = opened(1000);
    view.ask(ask(1, Anchor::Rank(0.0), 10));
    settle(&mut view, &mut server);
    view.set_paused(true);
    server.n_rows = 1500;
    assert_eq!(settle(&mut view, &mut server), 1, "the server has to follow the rows there were");
    assert_eq!(view.n_held_back(1500), 500);
    view.ask(ask(2, Anchor::Rank(990.0), 20));
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[1].2, (0..10).rev().map(f64::from).collect::<Vec<_>>());
    assert_eq!(view.head().unwrap().n_rows, 1000);
    view.set_paused(false);
    settle(&mut view, &mut server);
    assert_eq!((view.head().unwrap().n_rows, view.n_held_back(1500)), (1500, 0));
}

#[test]
fn a_pause_that_begins_before_the_first_answer_begins_with_that() {
    let (mut view, mut server) = (new_view(), Server { n_rows: 10, asked: None });
    view.set_paused(true);
    view.opened();
    settle(&mut view, &mut server);
    server.n_rows = 20;
    view.ask(ask(1, Anchor::Rank(0.0), 100));
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[0].2.len(), 10);
}

#[test]
fn what_was_asked_over_a_lost_connection_is_asked_again() {
    let (mut view, mut server) = opened(100);
    view.ask(ask(1, Anchor::Rank(0.0), 10));
    let lost = view.next_question().unwrap();
    view.lost();
    assert_eq!(view.next_question(), None);
    view.opened();
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[0].0, 1);
    // An answer that comes late is let pass.
    server.asked = Some(lost);
    server.n_rows = 5;
    push(&mut view, &server);
    assert_eq!(view.head().unwrap().n_rows, 100);
}

#[test]
fn another_query_answers_what_waits_and_a_refused_one_gives_up() {
    let (mut view, mut server) = opened(100);
    view.ask(ask(1, Anchor::Rank(0.0), 10));
    let question = view.next_question().unwrap();
    view.show("table(\"t\").rows()".to_owned(), false);
    assert_eq!(view.head(), None);
    settle(&mut view, &mut server);
    assert_eq!(taken(&mut view)[0].0, 1);
    assert!(!view.refused(question.request));
    view.ask(ask(2, Anchor::Rank(50.0), 10));
    let question = view.next_question().unwrap();
    assert!(view.refused(question.request));
    assert_eq!(view.take_ready(), (vec![], vec![2]));
}

#[derive(Clone, Debug)]
enum Step {
    Ask(u64, u32),
    Around(u64, u64, u32),
    End(u32),
    Grow(u64),
    Push,
    Answer,
    Lose,
    Open,
    Pause(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => (0_u64..120, 0_u32..40).prop_map(|(first, n)| Step::Ask(first, n)),
        1 => (0_u64..120, 0_u64..20, 0_u32..40).prop_map(|(id, above, n)| Step::Around(id, above, n)),
        1 => (0_u32..40).prop_map(Step::End),
        1 => (1_u64..9).prop_map(Step::Grow),
        1 => Just(Step::Push),
        3 => Just(Step::Answer),
        1 => Just(Step::Lose),
        1 => Just(Step::Open),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

proptest! {
    /// However events fall, every request is answered once, by a window as the server had it at some time.
    #[test]
    fn every_request_is_answered_once(steps in prop::collection::vec(step(), 0..60)) {
        let (mut view, mut server) = (new_view(), Server { n_rows: 50, asked: None });
        let (mut last, mut answered, mut is_due, mut is_open) = (0, Vec::new(), false, false);
        for step in steps.into_iter().chain([Step::Open, Step::Answer]) {
            let mut new = |anchor, n_rows| {
                last += 1;
                ask(last, anchor, n_rows)
            };
            let is_pausing = matches!(step, Step::Pause(_));
            match step {
                Step::Ask(first, n) => view.ask(new(Anchor::Rank(first as f64), n)),
                Step::Around(id, above, n) => {
                    view.ask(new(Anchor::Row { row_id: id as f64, n_above: above as f64, else_rank: 3.0 }, n));
                }
                Step::End(n) => view.ask(new(Anchor::End, n)),
                Step::Grow(n) => server.n_rows += n,
                Step::Push if is_open && server.asked.is_some() && !is_due => push(&mut view, &server),
                Step::Answer if is_due => {
                    is_due = false;
                    push(&mut view, &server);
                }
                Step::Lose => {
                    (is_open, is_due) = (false, false);
                    view.lost();
                }
                Step::Open if !is_open => {
                    is_open = true;
                    view.opened();
                }
                Step::Pause(paused) => view.set_paused(paused),
                Step::Push | Step::Answer | Step::Open => {}
            }
            if let Some(question) = view.next_question() {
                // Only where what the server is to follow has changed does a question overtake another.
                prop_assert!(!is_due || is_pausing, "one question at a time");
                server.asked = Some(question);
                is_due = true;
            }
            for (request, first, row_ids) in taken(&mut view) {
                answered.push(request);
                prop_assert!(row_ids.windows(2).all(|pair| pair[0] == pair[1] + 1.0), "{first} {row_ids:?}");
            }
        }
        if is_due {
            push(&mut view, &server);
        }
        settle(&mut view, &mut server);
        answered.extend(taken(&mut view).into_iter().map(|(request, ..)| request));
        answered.sort_unstable();
        prop_assert_eq!(answered, (1..=last).collect::<Vec<_>>());
    }
}
