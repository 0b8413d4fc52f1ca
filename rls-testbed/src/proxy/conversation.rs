//! What one client and the server say to each other, from the first byte.

use super::framing::{Frame, Framing, Head};
use super::log::Log;

/// Codes in place of a version: <https://www.postgresql.org/docs/current/protocol-flow.html>
const CANCEL: [u8; 4] = 80_877_102_u32.to_be_bytes();

const SSL: [u8; 4] = 80_877_103_u32.to_be_bytes();
const GSS: [u8; 4] = 80_877_104_u32.to_be_bytes();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The client has not started up.
    Greeting,
    /// It has asked for encryption; one byte answers.
    Asked,
    /// It logs in.
    Login,
    /// The server has been ready.
    Session,
    /// Nothing more can be read: encrypted, or not this protocol.
    Opaque,
}

#[derive(Debug)]
pub(super) struct Conversation {
    number: usize,
    phase: Phase,
    client: Framing,
    server: Framing,
}

impl Conversation {
    pub(super) fn new(number: usize) -> Self {
        Self {
            number,
            phase: Phase::Greeting,
            client: Framing::default(),
            server: Framing::default(),
        }
    }

    pub(super) fn client_sent(&mut self, bytes: &[u8], log: &mut Log) {
        if self.phase == Phase::Opaque {
            return;
        }

        self.client.add(bytes);

        loop {
            let head = if self.phase == Phase::Greeting {
                Head::Length
            } else {
                Head::Type
            };

            match self.client.next(head) {
                Ok(Some(frame)) => self.client_frame(&frame, log),
                Ok(None) => return,
                Err(_) => return self.phase = Phase::Opaque,
            }
        }
    }

    fn client_frame(&mut self, frame: &Frame, log: &mut Log) {
        match (self.phase, frame.kind) {
            (Phase::Greeting, _) => {
                self.phase = match frame.body.first_chunk() {
                    Some(&SSL | &GSS) => Phase::Asked,
                    Some(&CANCEL) | None => Phase::Opaque,
                    Some(_) => Phase::Login,
                }
            }
            (Phase::Session, Some(kind)) => log.sent(self.number, kind, &frame.body),
            _ => {}
        }
    }

    pub(super) fn server_answered(&mut self, bytes: &[u8], log: &mut Log) {
        if self.phase == Phase::Opaque {
            return;
        }

        self.server.add(bytes);
        if self.phase == Phase::Asked
            && let Some(answer) = self.server.byte()
        {
            self.phase = if answer == b'N' {
                Phase::Greeting
            } else {
                Phase::Opaque
            };
        }

        loop {
            match self.server.next(Head::Type) {
                Ok(Some(Frame {
                    kind: Some(kind), ..
                })) => match self.phase {
                    Phase::Session => log.answered(self.number, kind),
                    _ if kind == 'Z' => {
                        self.phase = Phase::Session;
                        log.connected();
                    }
                    _ => {}
                },
                Ok(_) => return,
                Err(_) => return self.phase = Phase::Opaque,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: char, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[u8::try_from(kind).unwrap()], &length[..], body].concat()
    }

    fn greeting(code: [u8; 4]) -> Vec<u8> {
        [&8_u32.to_be_bytes()[..], &code].concat()
    }

    fn started(log: &mut Log) -> Conversation {
        let mut conversation = Conversation::new(0);
        conversation.client_sent(&greeting(196_608_u32.to_be_bytes()), log);
        conversation.server_answered(&message('R', b"\0\0\0\0"), log);
        conversation.server_answered(&message('Z', b"I"), log);

        conversation
    }

    #[test]
    fn login_counts_as_a_connection_and_nothing_else() {
        let mut log = Log::new(true);
        started(&mut log);

        let counter = log.counter();

        assert_eq!(
            (
                counter.connections(),
                counter.round_trips(),
                counter.sent_total()
            ),
            (1, 0, 0)
        );
    }

    #[test]
    fn refused_encryption_leaves_a_readable_connection() {
        let mut log = Log::new(true);
        let mut conversation = Conversation::new(0);

        for code in [GSS, SSL] {
            conversation.client_sent(&greeting(code), &mut log);
            conversation.server_answered(b"N", &mut log);
        }

        conversation.client_sent(&greeting(196_608_u32.to_be_bytes()), &mut log);
        conversation.server_answered(&message('Z', b"I"), &mut log);
        conversation.client_sent(&message('Q', b"SELECT 1\0"), &mut log);
        assert_eq!(log.counter().sent('Q'), 1);
    }

    #[test]
    fn encrypted_connection_passes_uncounted() {
        let mut log = Log::new(true);
        let mut conversation = Conversation::new(0);
        conversation.client_sent(&greeting(SSL), &mut log);
        conversation.server_answered(b"S", &mut log);
        conversation.client_sent(&message('Q', b"SELECT 1\0"), &mut log);

        assert_eq!(
            (log.counter().connections(), log.counter().sent_total()),
            (0, 0)
        );
    }

    #[test]
    fn messages_sent_before_an_answer_are_one_round_trip() {
        let mut log = Log::new(true);
        let mut conversation = started(&mut log);
        conversation.client_sent(&message('Q', b"ROLLBACK\0"), &mut log);
        conversation.client_sent(&message('S', b""), &mut log);
        conversation.server_answered(&message('C', b"ROLLBACK\0"), &mut log);
        conversation.server_answered(&message('Z', b"I"), &mut log);
        conversation.server_answered(&message('Z', b"I"), &mut log);
        conversation.client_sent(&message('P', b"s1\0SELECT 2\0\0\0"), &mut log);

        let counter = log.counter();
        assert_eq!(counter.round_trips(), 1, "the second has no answer yet");

        let flights: Vec<_> = counter.flights().iter().map(ToString::to_string).collect();
        assert_eq!(flights, ["Q ROLLBACK, S", "P SELECT 2"]);
        assert_eq!(counter.flights()[0].answers(), "CZZ");
        assert_eq!(counter.received('Z'), 2);
    }

    #[test]
    fn message_that_nobody_asked_for_is_no_round_trip() {
        let mut log = Log::new(false);
        let mut conversation = started(&mut log);
        conversation.server_answered(&message('N', b"\0"), &mut log);

        assert_eq!(
            (log.counter().round_trips(), log.counter().received('N')),
            (0, 1)
        );
    }

    #[test]
    fn answer_to_what_was_sent_before_a_reset_is_no_round_trip() {
        let mut log = Log::new(false);
        let mut conversation = started(&mut log);
        conversation.client_sent(&message('S', b""), &mut log);
        log.reset();
        conversation.server_answered(&message('Z', b"I"), &mut log);
        assert_eq!(log.counter().round_trips(), 0);
    }
}
