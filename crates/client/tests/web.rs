//! Following a table in Arrow, in a browser, over a connection that says what no real server says: whatever comes, rows
//! join up and nothing panics. The ways of a real server are tested from outside, in `tests/browser`.
#![cfg(all(target_arch = "wasm32", feature = "arrow"))]

use futures::{Stream, StreamExt};
use js_sys::{Array, Reflect, Uint8Array};
use model::{BatchBuilder, Row, TableName};
use streamtable::web::tail::{TailEvent, TailHandle, follow_table};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(inline_js = r#"
// The platform's own door, with somebody else behind it.
export class World {
  constructor() {
    this.sockets = [];
    const world = this;
    globalThis.WebSocket = class {
      constructor(url, protocols) {
        Object.assign(this, { url, protocols: protocols.join(), isClosed: false });
        world.sockets.push(this);
      }
      close() {
        this.isClosed = true;
      }
    };
  }
  say(idx, data) {
    this.sockets[idx].onmessage({ data });
  }
  hangUp(idx, code, reason) {
    this.sockets[idx].onclose({ code, reason });
  }
}
"#)]
extern "C" {
    type World;
    #[wasm_bindgen(constructor)]
    fn new() -> World;
    #[wasm_bindgen(method)]
    fn say(this: &World, idx: u32, data: &JsValue);
    #[wasm_bindgen(method, js_name = hangUp)]
    fn hang_up(this: &World, idx: u32, code: u16, reason: &str);
    #[wasm_bindgen(method, getter)]
    fn sockets(this: &World) -> Array;
}

/// A field of the connection of that number.
fn socket(world: &World, idx: u32, field: &str) -> JsValue {
    Reflect::get(&world.sockets().get(idx), &field.into()).expect("a connection")
}

fn url(world: &World, idx: u32) -> String {
    socket(world, idx, "url").as_string().expect("an address")
}

fn frame(first_offset: u64, numbers: &[i64]) -> JsValue {
    let mut builder = BatchBuilder::default();
    for n in numbers {
        builder.push_row(Row::from_iter([("n", *n)]));
    }
    let bytes = wire::arrow::encode_frame(first_offset, &builder.finish());
    Uint8Array::from(&bytes[..]).buffer().into()
}

fn follow(from: Option<u64>) -> (impl Stream<Item = TailEvent> + Unpin, TailHandle) {
    follow_table("https://x.example/#st_read_e_1", &TableName::parse("e/p/t").expect("a name"), from)
}

/// The next event as a line: `hello 20`, `rows 5 [5, 6]`, `lost why`.
async fn next(tail: &mut (impl Stream<Item = TailEvent> + Unpin)) -> String {
    match tail.next().await {
        Some(TailEvent::Connecting) => "connecting".to_owned(),
        Some(TailEvent::Hello { next_offset, is_anew: true, .. }) => format!("hello {next_offset} anew"),
        Some(TailEvent::Hello { first_offset: 0, next_offset, .. }) => format!("hello {next_offset}"),
        Some(TailEvent::Hello { first_offset, next_offset, .. }) => format!("hello {first_offset}..{next_offset}"),
        Some(TailEvent::Batch(stored)) => {
            let number = |idx| match stored.batch.row(idx).get("n") {
                Some(model::Value::Int(n)) => *n,
                other => panic!("no number: {other:?}"),
            };
            let numbers: Vec<i64> = (0..stored.batch.n_rows()).map(number).collect();
            format!("rows {} {numbers:?}", stored.first_offset)
        }
        Some(TailEvent::Dropped { first_offset }) => format!("dropped before {first_offset}"),
        Some(TailEvent::Reconnecting { reason, .. }) => format!("lost {reason}"),
        None => "ended".to_owned(),
    }
}

#[wasm_bindgen_test]
async fn frames_join_up_and_a_tail_is_taken_up_where_it_ended() {
    let world = World::new();
    let (mut tail, handle) = follow(Some(5));
    assert_eq!(next(&mut tail).await, "connecting");
    assert_eq!(url(&world, 0), "wss://x.example/api/v1/tail/e/p/t?format=arrow&from=5");
    // The key is in no address.
    assert_eq!(socket(&world, 0, "protocols"), "streamtable,streamtable.key.st_read_e_1");
    world.say(0, &r#"{"type":"hello","next_offset":20}"#.into());
    for (first_offset, numbers) in [(5, &[5, 6][..]), (6, &[6, 7]), (5, &[5]), (9, &[9])] {
        world.say(0, &frame(first_offset, numbers));
    }
    assert_eq!(next(&mut tail).await, "hello 20");
    assert_eq!(next(&mut tail).await, "rows 5 [5, 6]");
    assert_eq!(next(&mut tail).await, "rows 7 [7]");
    assert_eq!(next(&mut tail).await, "lost rows from offset 8 are missing");
    assert_eq!(socket(&world, 0, "isClosed"), true);
    assert_eq!(next(&mut tail).await, "connecting");
    assert!(url(&world, 1).ends_with("&from=8"));
    // The table was made anew, with fewer rows than were read.
    world.say(1, &r#"{"type":"hello","next_offset":2}"#.into());
    assert_eq!(next(&mut tail).await, "hello 2 anew");
    assert_eq!(next(&mut tail).await, "connecting");
    assert!(url(&world, 2).ends_with("&from=0"));
    world.say(2, &r#"{"type":"hello","first_offset":0,"next_offset":2,"created_micros":10}"#.into());
    world.say(2, &frame(0, &[0, 1]));
    assert_eq!(next(&mut tail).await, "hello 2");
    assert_eq!(next(&mut tail).await, "rows 0 [0, 1]");
    // Anew, with more rows, of which the first were dropped already; then more of them are.
    world.say(2, &r#"{"type":"hello","first_offset":3,"next_offset":9,"created_micros":20}"#.into());
    assert_eq!(next(&mut tail).await, "hello 9 anew");
    assert_eq!(next(&mut tail).await, "connecting");
    assert!(url(&world, 3).ends_with("&from=3"));
    world.say(3, &r#"{"type":"hello","first_offset":7,"next_offset":9,"created_micros":20}"#.into());
    world.say(3, &frame(7, &[7]));
    assert_eq!(next(&mut tail).await, "hello 7..9");
    assert_eq!(next(&mut tail).await, "rows 7 [7]");
    world.say(3, &r#"{"type":"dropped","first_offset":8}"#.into());
    world.say(3, &frame(8, &[8]));
    assert_eq!(next(&mut tail).await, "dropped before 8");
    assert_eq!(next(&mut tail).await, "rows 8 [8]");
    drop(handle);
    assert_eq!(next(&mut tail).await, "ended");
    assert_eq!(socket(&world, 3, "isClosed"), true);
}

#[wasm_bindgen_test]
async fn no_message_however_odd_ends_a_tail() {
    let unknown = "the server sent a message that is not known";
    let cut = frame(0, &[1, 2, 3]).unchecked_into::<js_sys::ArrayBuffer>();
    let messages: [(JsValue, &str); 11] = [
        ("".into(), ""),
        ("{".into(), ""),
        ("null".into(), unknown),
        ("{}".into(), unknown),
        (r#"{"type":"rows","rows":[]}"#.into(), unknown),
        (r#"{"type":"hello","next_offset":-1}"#.into(), unknown),
        (r#"{"type":"dropped"}"#.into(), unknown),
        (r#"{"type":"error","error":{}}"#.into(), unknown),
        (r#"{"type":"error","error":{"code":"io","message":"The disk broke."}}"#.into(), "The disk broke."),
        (js_sys::ArrayBuffer::new(3).into(), ""),
        (cut.slice_with_end(0, cut.byte_length() / 2).into(), ""),
    ];
    for (message, reason) in messages {
        let world = World::new();
        let (mut tail, _handle) = follow(None);
        assert_eq!(next(&mut tail).await, "connecting");
        assert_eq!(url(&world, 0), "wss://x.example/api/v1/tail/e/p/t?format=arrow");
        world.say(0, &message);
        let lost = next(&mut tail).await;
        assert!(
            lost.len() > "lost ".len() && lost.starts_with("lost ") && lost.contains(reason),
            "{message:?}: {lost}"
        );
        assert_eq!(next(&mut tail).await, "connecting", "{message:?}");
    }
}

#[wasm_bindgen_test]
async fn a_closed_connection_says_why() {
    for (code, reason, expect) in [
        (1006, "", "the server cannot be reached"),
        (1001, "the server is stopping", "the server is stopping"),
        (1000, "", "the server closed the connection (1000)"),
    ] {
        let world = World::new();
        let (mut tail, _handle) = follow(Some(0));
        assert_eq!(next(&mut tail).await, "connecting");
        world.hang_up(0, code, reason);
        assert_eq!(next(&mut tail).await, format!("lost {expect}"));
        assert_eq!(next(&mut tail).await, "connecting");
    }
}
