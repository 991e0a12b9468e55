//! Follows a table of this browser, with the events of a server's tail.

use std::rc::Rc;

use model::TableName;
use streamtable::web::tail::TailEvent;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::console;

use crate::browser_tables::{Following, News, follow};
use crate::state::browser_rows::{Chunk, stored_batch};

/// A table that is followed. Dropping it ends that.
pub(super) struct BrowserTail {
    _following: Option<Following>,
}

/// Follows a table from its first row on; `take` is given whatever comes, never within the call.
pub(super) fn follow_browser_table(name: &TableName, take: impl Fn(TailEvent) + 'static) -> BrowserTail {
    let take = Rc::new(take);
    let listener = Rc::clone(&take);
    let following = follow(&name.to_string(), move |news| {
        if let Some(event) = event_of(&news) {
            listener(event);
        }
    });
    match following {
        Ok(following) => BrowserTail { _following: Some(following) },
        Err(reason) => {
            // Nothing tries again: the page has to be loaded anew.
            spawn_local(async move { take(TailEvent::Reconnecting { in_millis: 0, reason, code: None }) });
            BrowserTail { _following: None }
        }
    }
}

fn event_of(news: &News) -> Option<TailEvent> {
    match news.kind().as_str() {
        "hello" => {
            let next_offset = news.next_offset() as u64;
            Some(TailEvent::Hello { first_offset: 0, next_offset, n_bytes: 0, is_anew: false })
        }
        "rows" => {
            let chunk = news.chunk();
            let (lines, writer) = (chunk.lines(), chunk.writer());
            let (stored, fault) = stored_batch(Chunk {
                first_offset: chunk.first_offset() as u64,
                lines: &lines,
                writer: &writer,
                first_seq: chunk.first_seq() as u64,
                received_micros: chunk.received() as i64,
            });
            if let Some(fault) = fault {
                let at = stored.first_offset;
                let message = format!("StreamTable: a row from offset {at} on cannot be read: {fault}");
                console::warn_1(&JsValue::from_str(&message));
            }
            Some(TailEvent::Batch(stored))
        }
        "lost" => Some(TailEvent::Reconnecting { in_millis: 0, reason: news.reason(), code: None }),
        _ => None,
    }
}
