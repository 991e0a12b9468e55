//! Requests by `fetch`, which pages, workers, Node and Deno all have.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, RequestInit, Response};
use wire::api::API_PREFIX;

use super::convert::{ack, describe, error_detail};
use crate::options::Options;
use crate::ports::{Reply, Transport};

/// A smaller body is sent as it is: compressing would gain next to nothing.
const MIN_GZIP_BYTES: usize = 1 << 10;

#[wasm_bindgen(inline_js = r#"
export const gzip = (text) => new Response(new Response(text).body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
"#)]
extern "C" {
    /// The text, compressed; throws where the platform has no `CompressionStream`.
    #[wasm_bindgen(catch)]
    fn gzip(text: &str) -> Result<Promise, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    /// The global of that name: workers and Node have no `window` to take it from.
    #[wasm_bindgen(js_name = fetch, catch)]
    fn global_fetch(url: &str, init: &RequestInit) -> Result<Promise, JsValue>;
}

/// Posts rows to one table.
pub(crate) struct Fetch {
    url: String,
    timeout_millis: u32,
}

impl Fetch {
    /// Gets ready; nothing is sent.
    pub(crate) fn new(options: &Options, name: &str) -> Self {
        let url = [&options.server, API_PREFIX, "/tables/", name, "/rows"].concat();
        Self { url, timeout_millis: options.request_timeout_millis }
    }

    async fn post(&self, body: &str) -> Result<(Response, String), JsValue> {
        let headers = Headers::new()?;
        headers.set("content-type", wire::append::CONTENT_TYPE)?;
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_headers(&headers);
        init.set_body(&encoded(body).await);
        init.set_signal(Some(&AbortSignal::timeout_with_u32(self.timeout_millis)));
        let response: Response = JsFuture::from(global_fetch(&self.url, &init)?).await?.unchecked_into();
        let text = JsFuture::from(response.text()?).await?;
        Ok((response, text.as_string().unwrap_or_default()))
    }
}

/// The body, gzipped where that can be done. No header says so, which would need leave of the server first: it knows gzip
/// by its first bytes.
async fn encoded(body: &str) -> JsValue {
    if body.len() >= MIN_GZIP_BYTES
        && let Ok(compressing) = gzip(body)
        && let Ok(compressed) = JsFuture::from(compressing).await
    {
        return compressed;
    }
    JsValue::from_str(body)
}

impl Transport for Fetch {
    async fn append(&self, body: String) -> Reply {
        let (response, text) = match self.post(&body).await {
            Ok(answer) => answer,
            Err(error) => return Reply::Lost(describe(&error)),
        };
        let status = response.status();
        if matches!(status, 200 | 422)
            && let Some(ack) = ack(&text)
        {
            return Reply::Ack(ack);
        }
        if response.ok() {
            return Reply::Lost("the answer is not one of a StreamTable server".to_owned());
        }
        let (code, message) = error_detail(&text).map_or((None, None), |d| (Some(d.code), Some(d.message)));
        let retry_after = response.headers().get("retry-after").ok().flatten();
        let retry_after_millis = retry_after.and_then(|text| retry_after_millis(&text));
        Reply::Error { status, code, message, retry_after_millis }
    }
}

/// `Retry-After` is a number of seconds or a date.
fn retry_after_millis(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(u64::from(seconds) * 1000);
    }
    let wait = js_sys::Date::parse(text) - js_sys::Date::now();
    (wait > 0.0).then_some(wait as u64)
}
