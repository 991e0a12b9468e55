//! The worker's program.

#[cfg(target_arch = "wasm32")]
fn main() {
    console_error_panic_hook::set_once();
    streamtable_board::worker::run();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: build the board with `trunk build`");
}
