//! The page that holds a panel among other things: what it asks for, in place of an address, and what it is told.
//!
//! `streamtable/panel` of the npm package gives the board an object of this shape; on the board's own page there is none.

use wasm_bindgen::prelude::*;
use web_sys::Worker;

#[wasm_bindgen]
extern "C" {
    /// The page.
    #[derive(Clone)]
    pub(crate) type Host;

    #[wasm_bindgen(thread_local_v2, js_name = streamTableHost)]
    static HOST: Option<Host>;

    /// The table's full name.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn table(this: &Host) -> String;

    /// Where the server is; nothing where the table lives in this browser.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn server(this: &Host) -> Option<String>;

    /// The key to read with.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn key(this: &Host) -> Option<String>;

    /// What to show first; all rows where nothing is said.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn expression(this: &Host) -> Option<String>;

    /// The board's worker, started and waiting for its program.
    #[wasm_bindgen(method, getter)]
    pub(crate) fn worker(this: &Host) -> Worker;

    /// Tells what is shown.
    #[wasm_bindgen(method, js_name = onExpression)]
    pub(crate) fn on_expression(this: &Host, expression: &str);

    /// Tells what is wrong, as a stable code and a sentence.
    #[wasm_bindgen(method, js_name = onFault)]
    pub(crate) fn on_fault(this: &Host, code: &str, message: &str);

    #[wasm_bindgen(method, setter)]
    fn set_show(this: &Host, show: &JsValue);
}

impl Host {
    /// The page, where there is one.
    pub(crate) fn find() -> Option<Self> {
        HOST.with(Clone::clone)
    }

    /// Lets the page ask for something else to be shown, for as long as the board lives.
    pub(crate) fn take_orders(&self, show: impl Fn(Option<String>) + 'static) {
        self.set_show(&Closure::<dyn Fn(Option<String>)>::new(show).into_js_value());
    }
}
