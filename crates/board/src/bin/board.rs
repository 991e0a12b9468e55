//! The page's program, which is its worker's, too: what they share is loaded and compiled once.

#[cfg(target_arch = "wasm32")]
fn main() {
    use wasm_bindgen::JsCast as _;

    console_error_panic_hook::set_once();
    if js_sys::global().has_type::<web_sys::DedicatedWorkerGlobalScope>() {
        streamtable_board::worker::run();
    } else {
        leptos::mount::mount_to_body(streamtable_board::app::App);
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: build the board with `trunk build`");
}
