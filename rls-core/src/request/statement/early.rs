//! What the server evaluates, or counts, before a policy hides the row.

use super::token::Token;

/// What a text asks for that tells of rows which the policies hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// The server evaluates the condition of an upsert on the row that is there, and asks the policy
    /// afterwards.
    UpsertCondition,
    /// It counts the rows that conditions removed, the policy's among them.
    Counts,
}

impl Early {
    /// As a person knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UpsertCondition => "ON CONFLICT … DO UPDATE … WHERE",
            Self::Counts => "EXPLAIN ANALYZE",
        }
    }
}

/// Finds it, token by token.
#[derive(Debug, Default)]
pub(super) struct Finder {
    found: Option<Early>,
    explains: bool,
    depth: usize,
    upsert: Upsert,
}

/// How much of an upsert was read, and how many parentheses stand open around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Upsert {
    #[default]
    None,
    Conflict(usize),
    Do(usize),
    Acts(usize),
}

impl Finder {
    pub(super) fn found(&self) -> Option<Early> {
        self.found
    }

    pub(super) fn read(&mut self, token: Token<'_>, at_start: bool) {
        match token {
            Token::Word(word) => self.word(word, at_start),
            Token::Symbol('(') => self.depth += 1,
            Token::Symbol(')') => {
                self.depth = self.depth.saturating_sub(1);
                if let Upsert::Conflict(depth) | Upsert::Do(depth) | Upsert::Acts(depth) =
                    self.upsert
                    && self.depth < depth
                {
                    self.upsert = Upsert::None;
                }
            }
            Token::Symbol(';') => {
                *self = Self {
                    found: self.found,
                    ..Self::default()
                };
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str, at_start: bool) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        self.explains |= at_start && is("EXPLAIN");
        if self.explains && (is("ANALYZE") || is("ANALYSE")) {
            self.found = Some(Early::Counts);
        }

        match self.upsert {
            _ if is("CONFLICT") => self.upsert = Upsert::Conflict(self.depth),
            Upsert::Conflict(depth) if is("DO") && depth == self.depth => {
                self.upsert = Upsert::Do(depth);
            }
            // PostgreSQL 19 has `DO SELECT` too.
            Upsert::Do(depth) if is("UPDATE") || is("SELECT") => self.upsert = Upsert::Acts(depth),
            Upsert::Do(_) => self.upsert = Upsert::None,
            Upsert::Acts(depth) if depth == self.depth => {
                if is("WHERE") {
                    self.found = Some(Early::UpsertCondition);
                } else if is("RETURNING") {
                    self.upsert = Upsert::None;
                }
            }
            _ => {}
        }
    }
}
