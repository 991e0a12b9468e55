//! The board.
fn main() {}
