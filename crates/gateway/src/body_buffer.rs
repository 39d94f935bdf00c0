//! A buffer for a body that arrives in pieces.

use bytes::{Bytes, BytesMut};

/// A body in progress. Most bodies come in one piece, which is not copied.
#[derive(Debug, Default)]
pub(crate) struct BodyBuffer {
    /// The first piece, while it is the only one.
    only: Bytes,
    joined: BytesMut,
    expected: usize,
}

impl BodyBuffer {
    /// Room for a body that is said to be so long.
    pub(crate) fn expecting(bytes: usize) -> Self {
        Self { expected: bytes, ..Self::default() }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.only.len() + self.joined.len()
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.only = piece;
            return;
        }
        let only = std::mem::take(&mut self.only);
        if !only.is_empty() {
            self.joined.reserve(self.expected.max(only.len() + piece.len()));
            self.joined.extend_from_slice(&only);
        }
        self.joined.extend_from_slice(&piece);
    }

    /// All of it.
    pub(crate) fn join(self) -> Bytes {
        if self.joined.is_empty() { self.only } else { self.joined.freeze() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[&'static [u8]]) -> Bytes {
        let mut body = BodyBuffer::expecting(4);
        for (nth, piece) in pieces.iter().enumerate() {
            body.push(Bytes::from_static(piece));
            assert_eq!(body.len(), pieces[..=nth].concat().len());
        }
        body.join()
    }

    #[test]
    fn pieces_are_joined_in_their_order_and_a_single_one_stays_as_it_is() {
        assert_eq!(joined(&[]), "");
        assert_eq!(joined(&[b"ab", b"", b"c", b"defg"]), "abcdefg");
        assert_eq!(joined(&[b"", b"ab", b""]), "ab");
        let one: &[u8] = b"as it came";
        assert_eq!(joined(&[one]).as_ptr(), one.as_ptr());
    }
}
