//! A message of a replicated stream, whole and in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::stream::{Message, Piece, cut};

fuzz_target!(init: fuzz::begin("message"), |data: &[u8]| {
    if let Ok(piece) = Piece::decode(data) {
        body(piece.bytes);
        if !piece.bytes.is_empty() && piece.n_pieces == 1 {
            let pieces = cut(piece.id, piece.bytes);
            assert_eq!(Piece::decode(&pieces[0]).map(|again| (again.id, again.bytes)), Ok((piece.id, piece.bytes)));
        }
    }
    body(data);
});

fn body(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes) {
        let written = message.encode();
        let again = Message::decode(&written).expect("what was written can be read");
        assert!(again.encode() == written, "a message changes when it is read");
    }
}
