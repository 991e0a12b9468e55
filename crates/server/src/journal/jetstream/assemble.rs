//! Puts the pieces of a body together again.
//!
//! The pieces of a body stand side by side in a stream, for they are published as one atomic batch. Whatever else comes in
//! between ends what was begun, in the same way on every node.

use wire::stream::{MAX_PIECE_BYTES, MessageId, Piece};

/// What a piece led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More pieces must come.
    Begun,
    /// The whole body.
    Whole(Vec<u8>),
    /// A piece that belongs to nothing.
    Stray,
}

/// A body of which not all pieces came yet.
#[derive(Default)]
pub(super) struct Assembler {
    begun: Option<Begun>,
}

struct Begun {
    id: MessageId,
    n_pieces: usize,
    n_there: usize,
    body: Vec<u8>,
}

impl Assembler {
    /// Forgets what was begun.
    pub(super) fn give_up(&mut self) {
        self.begun = None;
    }

    /// Takes the next piece.
    pub(super) fn push(&mut self, piece: &Piece<'_>) -> Step {
        let begun = self.begun.take();
        let mut begun = match begun {
            Some(begun) if (begun.id, begun.n_pieces, begun.n_there) == (piece.id, piece.n_pieces, piece.index) => {
                begun
            }
            _ if piece.index == 0 => Begun { id: piece.id, n_pieces: piece.n_pieces, n_there: 0, body: Vec::new() },
            _ => return Step::Stray,
        };
        if piece.bytes.len() > MAX_PIECE_BYTES {
            return Step::Stray;
        }
        begun.body.extend_from_slice(piece.bytes);
        begun.n_there += 1;
        if begun.n_there == begun.n_pieces {
            return Step::Whole(begun.body);
        }
        self.begun = Some(begun);
        Step::Begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: u64, index: usize, n_pieces: usize, bytes: &[u8]) -> Piece<'_> {
        Piece { id: MessageId { lane: [1; 16], number }, index, n_pieces, bytes }
    }

    #[test]
    fn pieces_side_by_side_make_a_body() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&piece(1, 0, 1, b"a")), Step::Whole(b"a".to_vec()));
        assert_eq!(assembler.push(&piece(2, 0, 3, b"a")), Step::Begun);
        assert_eq!(assembler.push(&piece(2, 1, 3, b"b")), Step::Begun);
        assert_eq!(assembler.push(&piece(2, 2, 3, b"c")), Step::Whole(b"abc".to_vec()));
        assert_eq!(assembler.push(&piece(2, 1, 3, b"b")), Step::Stray);
    }

    #[test]
    fn what_comes_between_ends_what_was_begun() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(&piece(1, 1, 2, b"b")), Step::Stray, "its first piece is not there");
        assert_eq!(assembler.push(&piece(2, 0, 2, b"a")), Step::Begun);
        assert_eq!(assembler.push(&piece(3, 0, 1, b"x")), Step::Whole(b"x".to_vec()));
        assert_eq!(assembler.push(&piece(2, 1, 2, b"b")), Step::Stray);
        assert_eq!(assembler.push(&piece(4, 0, 3, b"a")), Step::Begun);
        assert_eq!(assembler.push(&piece(4, 2, 3, b"c")), Step::Stray, "one was left out");
        assert_eq!(assembler.push(&piece(5, 0, 2, b"a")), Step::Begun);
        assembler.give_up();
        assert_eq!(assembler.push(&piece(5, 1, 2, b"b")), Step::Stray);
    }
}
