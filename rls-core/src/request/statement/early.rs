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
    before: Before,
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

/// The token before, as far as it counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    /// What follows is a name, whatever it is called.
    Dot,
    On,
}

impl Finder {
    pub(super) fn found(&self) -> Option<Early> {
        self.found
    }

    pub(super) fn read(&mut self, token: Token<'_>, at_start: bool) {
        match token {
            Token::Word(word) if self.before != Before::Dot => self.word(word, at_start),
            // An option's name may be quoted.
            Token::Quoted(name) => self.counts(name),
            Token::Symbol('(') => self.depth += 1,
            Token::Symbol(')') => self.close(),
            Token::Symbol(';') => {
                *self = Self {
                    found: self.found,
                    ..Self::default()
                };
            }
            _ => {}
        }

        self.before = match token {
            Token::Symbol('.') => Before::Dot,
            Token::Word(word) if word.eq_ignore_ascii_case("ON") => Before::On,
            _ => Before::Other,
        };
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if let Upsert::Conflict(depth) | Upsert::Do(depth) | Upsert::Acts(depth) = self.upsert
            && self.depth < depth
        {
            self.upsert = Upsert::None;
        }
    }

    fn counts(&mut self, word: &str) {
        if self.explains && super::is_any(word, &["ANALYZE", "ANALYSE"]) {
            self.found = Some(Early::Counts);
        }
    }

    fn word(&mut self, word: &str, at_start: bool) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        self.explains |= at_start && is("EXPLAIN");
        self.counts(word);

        match self.upsert {
            // Until its parenthesis closes, only its own end counts.
            Upsert::Acts(depth) => {
                if depth == self.depth && is("WHERE") {
                    self.found = Some(Early::UpsertCondition);
                } else if depth == self.depth && is("RETURNING") {
                    self.upsert = Upsert::None;
                }
            }
            _ if self.before == Before::On && is("CONFLICT") => {
                self.upsert = Upsert::Conflict(self.depth);
            }
            Upsert::Conflict(depth) if is("DO") && depth == self.depth => {
                self.upsert = Upsert::Do(depth);
            }
            // PostgreSQL 19 has `DO SELECT` too.
            Upsert::Do(depth) if is("UPDATE") || is("SELECT") => self.upsert = Upsert::Acts(depth),
            Upsert::Do(_) => self.upsert = Upsert::None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::statement::look;

    fn early(sql: &str) -> Option<Early> {
        look(sql).early
    }

    #[test]
    fn what_the_server_evaluates_or_counts_before_the_policy_is_found() {
        for sql in [
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 WHERE t.a = 2",
            "insert into t values (1) on conflict on constraint k do update set a = (1 + 1) where t.a = 2 returning a",
            "WITH i AS (INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 WHERE true) SELECT 1",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) WHERE a > 1 DO UPDATE SET a = 1 /* where */ WHERE t.a = 2",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO SELECT FOR UPDATE WHERE t.a = 2 RETURNING a",
            "INSERT INTO t AS conflict VALUES (1) ON CONFLICT (id) DO UPDATE SET a = conflict.a WHERE conflict.a = 2",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1 AS conflict) WHERE t.a = 2",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1 FROM b JOIN c ON conflict) WHERE t.a = 2",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = t.returning WHERE t.a = 2",
        ] {
            assert_eq!(early(sql), Some(Early::UpsertCondition), "{sql}");
        }

        for sql in [
            "EXPLAIN ANALYZE SELECT 1",
            "explain (costs off, analyze) SELECT 1",
            "EXPLAIN (VERBOSE, ANALYSE true) SELECT 1",
            "EXPLAIN (\"analyze\") SELECT 1",
        ] {
            assert_eq!(early(sql), Some(Early::Counts), "{sql}");
        }

        for sql in [
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) WHERE a > 1 DO UPDATE SET a = 1 RETURNING a",
            "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1 WHERE true)",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1 RETURNING (SELECT 1 WHERE true)",
            "WITH i AS (INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1) SELECT 1 FROM i WHERE true",
            "UPDATE t SET a = 'on conflict do update where'",
            "SELECT conflict FROM t WHERE a = 1",
            "EXPLAIN SELECT 1",
            "SELECT 'EXPLAIN ANALYZE'",
        ] {
            assert_eq!(early(sql), None, "{sql}");
        }
    }
}
