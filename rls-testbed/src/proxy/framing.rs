//! Bytes into PostgreSQL's messages.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>

/// How the next message begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// With its length: what a client sends before its start-up is done.
    Length,
    /// With its type and then its length.
    Type,
}

/// A message without its head; without a type if its head has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Option<char>,
    pub(super) body: Vec<u8>,
}

/// The bytes of one direction that are not a whole message yet.
#[derive(Debug, Default)]
pub(super) struct Framing {
    bytes: Vec<u8>,
    /// How many of them have been taken.
    taken: usize,
}

/// Not a message of this protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Framing {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next single byte, the answer to a request for encryption.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.taken).copied()?;
        self.taken += 1;
        Some(byte)
    }

    /// The next whole message.
    pub(super) fn next(&mut self, head: Head) -> Result<Option<Frame>, Unreadable> {
        let typed = usize::from(head == Head::Type);
        let bytes = &self.bytes[self.taken..];
        let Some(&length) = bytes.get(typed..).and_then(|bytes| bytes.first_chunk()) else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| Unreadable)?;

        if length < 4 {
            return Err(Unreadable);
        }

        let Some(body) = bytes.get(typed + 4..typed + length) else {
            return Ok(None);
        };
        let kind = (head == Head::Type).then(|| char::from(bytes[0]));
        let frame = Frame {
            kind,
            body: body.to_vec(),
        };

        self.taken += typed + length;
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: Option<char>, body: &[u8]) -> Frame {
        Frame {
            kind,
            body: body.to_vec(),
        }
    }

    #[test]
    fn messages_are_found_however_the_bytes_are_cut() {
        let bytes = b"\0\0\0\x08abcdQ\0\0\0\x06x\0S\0\0\0\x04";
        for size in 1..=bytes.len() {
            let (mut framing, mut found, mut head) = (Framing::default(), Vec::new(), Head::Length);
            for piece in bytes.chunks(size) {
                framing.add(piece);
                while let Some(frame) = framing.next(head).unwrap() {
                    found.push(frame);
                    head = Head::Type;
                }
            }

            assert_eq!(
                found,
                [
                    frame(None, b"abcd"),
                    frame(Some('Q'), b"x\0"),
                    frame(Some('S'), b"")
                ],
                "{size}"
            );
        }
    }

    #[test]
    fn length_that_no_message_has_is_unreadable() {
        let mut framing = Framing::default();
        framing.add(b"Q\0\0\0\x03");
        assert_eq!(framing.next(Head::Type), Err(Unreadable));
    }
}
