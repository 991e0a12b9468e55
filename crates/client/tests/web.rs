//! The browser half in a browser, against answers that no real server gives: whatever comes, it neither panics nor
//! loses a row. The ways of a real server are tested from outside, in `tests/browser`.
#![cfg(all(target_arch = "wasm32", feature = "npm"))]

use js_sys::{Array, Function, Object, Promise, Reflect};
use streamtable::web::Client;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen(inline_js = r#"
// The platform's own doors, with somebody else behind them.
export class World {
  constructor() {
    this.requests = [];
    this.answers = [];
    this.sockets = [];
    this.notices = [];
    const world = this;
    globalThis.fetch = async (url, init) => {
      const bytes = new Uint8Array(await new Response(init.body).arrayBuffer());
      const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
      const plain = isGzip ? new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")) : new Blob([bytes]);
      const { method, headers } = init;
      world.requests.push({ url, method, type: headers.get("content-type"), isGzip, at: performance.now(), body: await new Response(plain).text() });
      const answer = world.answers.shift() ?? new Promise(() => {});
      return typeof answer === "function" ? answer() : answer;
    };
    globalThis.WebSocket = class {
      constructor(url) {
        Object.assign(this, { url, isClosed: false });
        world.sockets.push(this);
      }
      close() {
        this.isClosed = true;
      }
    };
    this.notify = (...notice) => world.notices.push(notice);
  }
  answer(status, body, headers) {
    this.answers.push(() => new Response(body, { status, headers }));
  }
  fail(how) {
    this.answers.push(() => {
      throw {
        error: new TypeError("Failed to fetch"),
        undefined,
        symbol: Symbol("s"),
        trap: { get message() { throw new Error("no"); } },
        revoked: (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })(),
      }[how];
    });
  }
  say(idx, data) {
    this.sockets[idx].onmessage({ data });
  }
  hangUp(idx, code, reason) {
    this.sockets[idx].onclose({ code, reason });
  }
  get text() {
    return JSON.stringify(this.notices.filter(([kind]) => kind !== "status"));
  }
}
"#)]
extern "C" {
    type World;
    #[wasm_bindgen(constructor)]
    fn new() -> World;
    #[wasm_bindgen(method)]
    fn answer(this: &World, status: u16, body: &str, headers: &JsValue);
    #[wasm_bindgen(method)]
    fn fail(this: &World, how: &str);
    #[wasm_bindgen(method)]
    fn say(this: &World, idx: usize, data: &JsValue);
    #[wasm_bindgen(method, js_name = hangUp)]
    fn hang_up(this: &World, idx: usize, code: u16, reason: &str);
    #[wasm_bindgen(method, getter)]
    fn text(this: &World) -> String;
    #[wasm_bindgen(method, getter)]
    fn notify(this: &World) -> Function;
    #[wasm_bindgen(method, getter)]
    fn requests(this: &World) -> Array;
    #[wasm_bindgen(method, getter)]
    fn sockets(this: &World) -> Array;
    #[wasm_bindgen(js_namespace = JSON)]
    fn stringify(value: &JsValue) -> JsValue;
}

/// The value at the end of a path of fields.
fn get(value: &JsValue, path: &str) -> JsValue {
    path.split('.').fold(value.clone(), |value, name| Reflect::get(&value, &name.into()).expect("an object"))
}

fn text(value: &JsValue, path: &str) -> String {
    get(value, path).as_string().unwrap_or_else(|| panic!("{path} is no text"))
}

fn number(value: &JsValue, path: &str) -> f64 {
    get(value, path).as_f64().unwrap_or_else(|| panic!("{path} is no number"))
}

async fn pause(millis: i32) {
    let timer = Promise::new(&mut |resolve, _| {
        let set: Function = get(&js_sys::global(), "setTimeout").unchecked_into();
        set.call2(&JsValue::NULL, &resolve, &millis.into()).expect("a timer");
    });
    JsFuture::from(timer).await.expect("timers end");
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        pause(10).await;
    }
    panic!("it never came: {what}");
}

fn options(fields: &[(&str, JsValue)]) -> JsValue {
    let options = Object::new();
    let basic =
        [("server", JsValue::from_str("https://x.example")), ("maxRetryMillis", 30.into()), ("lingerMillis", 0.into())];
    for (name, value) in basic.iter().chain(fields) {
        Reflect::set(&options, &(*name).into(), value).expect("an object");
    }
    options.into()
}

fn client(world: &World, fields: &[(&str, JsValue)]) -> Client {
    Client::new("e/p/t".to_owned(), options(fields), world.notify())
}

fn state(client: &Client) -> String {
    let status = client.status();
    let counts = ["queued", "sent", "acknowledged", "rejected", "dropped", "bytes"].map(|name| number(&status, name));
    format!("{} {counts:?}", text(&status, "state"))
}

const ACK_2: &str = r#"{"acked_seq":2,"n_stored":1,"n_duplicate":0,"first_offset":7,"refused":[{"index":1,"code":"bad_tag","message":"No."}]}"#;

#[wasm_bindgen_test]
async fn a_request_has_its_header_and_rows_and_its_ack_is_told() {
    let world = World::new();
    world.answer(200, ACK_2, &JsValue::UNDEFINED);
    let client = client(&world, &[("key", "k\"ey".into())]);
    client.push("{\"a\":1}\n{\"a\":2}\n".to_owned()).expect("there is room");
    client.flush().await;
    let request = world.requests().get(0);
    assert_eq!(text(&request, "url"), "https://x.example/api/v1/tables/e/p/t/rows");
    assert_eq!((text(&request, "method"), text(&request, "type")), ("POST".to_owned(), "text/plain".to_owned()));
    assert_eq!(get(&request, "isGzip"), false, "so few bytes are not worth it");
    let body = text(&request, "body");
    let (header, rows) = body.split_once('\n').expect("a header line");
    assert!(header.starts_with(r#"{"v":1,"seq":1,"writer":""#) && header.ends_with(r#"","key":"k\"ey"}"#), "{header}");
    assert_eq!(rows, "{\"a\":1}\n{\"a\":2}\n");
    let refused = r#"["error",{"code":"bad_tag","message":"the server refused a row: No.","isRetried":false}]"#;
    let ack = r#"["ack",{"ackedSeq":2,"stored":1,"duplicates":0,"refused":1,"firstOffset":7}]"#;
    assert_eq!(world.text(), format!("[{refused},{ack}]"));
    assert_eq!(state(&client), "idle [0.0, 2.0, 1.0, 1.0, 0.0, 0.0]");
}

#[wasm_bindgen_test]
async fn a_large_body_is_gzipped() {
    let world = World::new();
    world.answer(200, r#"{"acked_seq":100,"n_stored":100,"n_duplicate":0,"first_offset":0}"#, &JsValue::UNDEFINED);
    let client = client(&world, &[]);
    let rows = "{\"a\":\"é\"}\n".repeat(100);
    client.push(rows.clone()).expect("there is room");
    client.flush().await;
    let request = world.requests().get(0);
    assert_eq!(get(&request, "isGzip"), true);
    assert!(text(&request, "body").ends_with(&rows));
}

#[wasm_bindgen_test]
async fn no_answer_however_odd_loses_a_row() {
    let world = World::new();
    for how in ["error", "undefined", "symbol", "trap", "revoked"] {
        world.fail(how);
    }
    let none = JsValue::UNDEFINED;
    for body in [
        "",
        "<html>",
        "null",
        "[]",
        "{}",
        "5",
        "\"\"",
        r#"{"acked_seq":-1}"#,
        r#"{"acked_seq":"1","n_stored":1}"#,
        r#"{"acked_seq":0,"n_stored":0,"n_duplicate":0}"#,
        r#"{"acked_seq":null,"refused":5}"#,
    ] {
        world.answer(200, body, &none);
    }
    for (status, body) in
        [(500, ""), (502, "<html>"), (503, r#"{"error":null}"#), (429, r#"{"error":{"code":"busy"}}"#)]
    {
        world.answer(status, body, &none);
    }
    let n_odd = 20;
    let client = client(&world, &[]);
    client.push("{\"a\":1}\n".to_owned()).expect("there is room");
    until("the odd answers", || world.requests().length() == n_odd + 1).await;
    assert_eq!(state(&client), "retrying [1.0, 1.0, 0.0, 0.0, 0.0, 8.0]");
    assert_eq!(text(&client.status(), "lastError.code"), "http_429");
    // The last request has no answer yet, and an outage is told once.
    assert_eq!(get(&stringify_all(&world), "length").as_f64(), Some(1.0), "{}", world.text());
    let bodies: Vec<String> = world.requests().iter().map(|request| text(&request, "body")).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "the same rows under the same numbers");
}

fn stringify_all(world: &World) -> JsValue {
    js_sys::JSON::parse(&world.text()).expect("JSON")
}

#[wasm_bindgen_test]
async fn rows_that_never_can_be_stored_are_set_aside_with_the_reason() {
    let world = World::new();
    world.answer(403, r#"{"error":{"code":"forbidden","message":"The key may not write here."}}"#, &JsValue::UNDEFINED);
    world.answer(422, r#"{"acked_seq":2,"n_stored":0,"n_duplicate":0,"refused":[{"index":0,"code":"bad_json","message":"No."},5,{"index":"x"}]}"#, &JsValue::UNDEFINED);
    let client = client(&world, &[]);
    for _ in 0..2 {
        client.push("{\n".to_owned()).expect("there is room");
        client.flush().await;
    }
    let forbidden = r#"["error",{"code":"forbidden","message":"the server refused 1 rows: The key may not write here.","isRetried":false}]"#;
    let refused = r#"["error",{"code":"bad_json","message":"the server refused a row: No.","isRetried":false}]"#;
    let ack = r#"["ack",{"ackedSeq":2,"stored":0,"duplicates":0,"refused":1,"firstOffset":null}]"#;
    assert_eq!(world.text(), format!("[{forbidden},{refused},{ack}]"));
    assert_eq!(state(&client), "idle [0.0, 2.0, 0.0, 2.0, 0.0, 0.0]");
}

#[wasm_bindgen_test]
async fn retry_after_is_waited_for() {
    let world = World::new();
    let after = |text: &str| {
        let headers = Object::new();
        Reflect::set(&headers, &"retry-after".into(), &text.into()).expect("an object");
        headers.into()
    };
    world.answer(503, "", &after("1"));
    let date = js_sys::Date::new(&(js_sys::Date::now() + 3_000.0).into());
    world.answer(429, "", &after(&String::from(date.to_utc_string())));
    let client = client(&world, &[]);
    client.push("{}\n".to_owned()).expect("there is room");
    until("the third try", || world.requests().length() == 3).await;
    let at = |idx| number(&world.requests().get(idx), "at");
    assert!(at(1) - at(0) >= 1_000.0, "seconds: {}", at(1) - at(0));
    // A date has whole seconds.
    assert!(at(2) - at(0) >= 1_900.0, "a date: {}", at(2) - at(0));
    assert!(number(&client.status(), "queued") == 1.0);
}

#[wasm_bindgen_test]
async fn options_of_the_wrong_type_keep_their_defaults() {
    let world = World::new();
    let odd = [("maxQueueRows", "many".into()), ("maxBatchRows", JsValue::NULL), ("lingerMillis", f64::NAN.into())];
    let client = client(&world, &odd);
    client.push("{}\n{}\n".to_owned()).expect("there is room");
    until("a request", || world.requests().length() == 1).await;
    assert!(text(&world.requests().get(0), "body").ends_with("\n{}\n{}\n"));
    let none = Client::new("e/p/t".to_owned(), JsValue::UNDEFINED, world.notify());
    none.push("{}\n".to_owned()).expect("there is room");
    until("a request", || world.requests().length() == 2).await;
    assert_eq!(text(&world.requests().get(1), "url"), "http://127.0.0.1:7700/api/v1/tables/e/p/t/rows");
}

#[wasm_bindgen_test]
async fn a_full_queue_says_so() {
    let world = World::new();
    let client = client(&world, &[("maxQueueRows", 2.into())]);
    let fault = client.push("1\n2\n3\n".to_owned()).expect_err("there is no room");
    assert_eq!(
        (text(&fault, "code"), text(&fault, "message")),
        ("queue_full".to_owned(), "the queue is full: 1 rows were dropped".to_owned())
    );
    assert_eq!(get(&fault, "isRetried"), false);
    client.finish();
    assert_eq!(text(&client.push("4\n".to_owned()).expect_err("it is finished"), "code"), "finished");
    assert_eq!(number(&client.status(), "dropped"), 1.0);
    // The next test has doors of its own.
    until("the request", || world.requests().length() == 1).await;
}

/// What the tail told, as `kind first_offset_or_next rows`.
fn told(world: &World) -> Vec<String> {
    let line = |notice: JsValue| {
        let notice: Array = notice.unchecked_into();
        let rows = notice.get(1);
        let rows = if rows.is_undefined() {
            String::new()
        } else {
            js_sys::JSON::stringify(&rows).map_or(String::new(), String::from)
        };
        match notice.get(0).as_string().unwrap_or_default().as_str() {
            "lost" => format!("lost {rows}"),
            kind => format!("{kind} {} {rows}", notice.get(2).as_f64().unwrap_or(-1.0)).trim_end().to_owned(),
        }
    };
    get(world.as_ref(), "notices").unchecked_into::<Array>().iter().map(line).collect()
}

async fn sockets(world: &World, n: u32) -> String {
    until("a connection", || world.sockets().length() == n).await;
    text(&world.sockets().get(n - 1), "url")
}

#[wasm_bindgen_test]
async fn a_tail_joins_up_and_is_taken_up_where_it_ended() {
    let world = World::new();
    let client = client(&world, &[]);
    let subscription = client.subscribe(Some(5.0), world.notify());
    assert_eq!(sockets(&world, 1).await, "wss://x.example/api/v1/tail/e/p/t?format=json&from=5");
    let say = |idx, text: &str| world.say(idx, &text.into());
    say(0, r#"{"type":"hello","next_offset":20}"#);
    say(0, r#"{"type":"rows","first_offset":5,"rows":[{"n":5},{"n":6}]}"#);
    say(0, r#"{"type":"rows","first_offset":6,"rows":[{"n":6},{"n":7}]}"#);
    say(0, r#"{"type":"rows","first_offset":5,"rows":[{"n":5}]}"#);
    say(0, r#"{"type":"rows","first_offset":9,"rows":[{"n":9}]}"#);
    assert_eq!(sockets(&world, 2).await, "wss://x.example/api/v1/tail/e/p/t?format=json&from=8");
    assert_eq!(get(&world.sockets().get(0), "isClosed"), true);
    say(1, r#"{"type":"rows","first_offset":8,"rows":[{"n":8}]}"#);
    pause(0).await;
    assert_eq!(
        told(&world),
        [
            "connecting 0",
            "hello 20",
            r#"rows 5 [{"n":5},{"n":6}]"#,
            r#"rows 7 [{"n":7}]"#,
            r#"lost "rows from offset 8 are missing""#,
            "connecting 0",
            r#"rows 8 [{"n":8}]"#,
        ]
    );
    drop(subscription);
    assert_eq!(get(&world.sockets().get(1), "isClosed"), false, "it closes in its own time");
    until("the end", || get(&world.sockets().get(1), "isClosed") == true).await;
    pause(300).await;
    assert_eq!(world.sockets().length(), 2, "and nobody connects again");
}

#[wasm_bindgen_test]
async fn no_message_however_odd_ends_a_tail() {
    let messages: [(JsValue, &str); 9] = [
        ("".into(), ""),
        ("{".into(), ""),
        ("null".into(), "the server sent a message that is not known"),
        ("{}".into(), "the server sent a message that is not known"),
        (r#"{"type":"rows","rows":[]}"#.into(), "the server sent a message that is not known"),
        (r#"{"type":"rows","first_offset":0,"rows":{}}"#.into(), "the server sent a message that is not known"),
        (r#"{"type":"hello","next_offset":-1}"#.into(), "the server sent a message that is not known"),
        (r#"{"type":"error","error":{"code":"io","message":"The disk broke."}}"#.into(), "The disk broke."),
        (js_sys::ArrayBuffer::new(3).into(), "rows came in a format that was not asked for"),
    ];
    for (message, reason) in messages {
        let world = World::new();
        let client = client(&world, &[]);
        let _subscription = client.subscribe(None, world.notify());
        assert_eq!(sockets(&world, 1).await, "wss://x.example/api/v1/tail/e/p/t?format=json");
        world.say(0, &message);
        sockets(&world, 2).await;
        let lost = told(&world).into_iter().find(|line| line.starts_with("lost")).expect("it is told");
        assert!(lost.len() > "lost \"\"".len() && lost.contains(reason), "{message:?}: {lost}");
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
        let client = client(&world, &[]);
        let _subscription = client.subscribe(Some(0.0), world.notify());
        sockets(&world, 1).await;
        world.hang_up(0, code, reason);
        sockets(&world, 2).await;
        assert!(told(&world).contains(&format!("lost {expect:?}")), "{:?}", told(&world));
    }
}
