//! Reads SQL text: would it change the context, or outlive the scope? And can its message carry the
//! context?
//!
//! Each statement sets its own context, and unprepared text is followed by a question whether it
//! still holds. This module finds mistakes before anything runs.
//!
//! Every text is read once, token by token. Words that can leave the scope are rare. If one is
//! seen, the text is read again, with the tokens around it.

mod control;
mod domain;
mod early;
mod seen;
mod session_state;
mod set_config;
mod token;
mod written;

pub(crate) use early::Early;
pub(crate) use seen::Seen;
use token::{Strings, Token, tokens};
pub(crate) use written::written;

/// Text that stays in its scope, and what it does there. Only [`classify`] makes one, and nothing
/// is sent without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Classified(Look);

impl Classified {
    /// The highest placeholder: 2 for `$2`.
    pub(crate) fn placeholders(self) -> usize {
        self.0.placeholders
    }

    /// Whether a statement in the text can commit in the middle, as `CALL` and `VACUUM` do, if no
    /// transaction is around it.
    pub(crate) fn may_commit(self) -> bool {
        self.0.may_commit
    }

    /// Whether a statement in the text is a `DO` block. Its body is a literal here, and can do
    /// anything.
    pub(crate) fn holds_code(self) -> bool {
        self.0.holds_code
    }

    /// Whether the text may hold more than one statement.
    pub(crate) fn is_several(self) -> bool {
        self.0.statements > 1
    }

    /// What the text asks for that tells of rows before a policy hides them.
    pub(crate) fn early(self) -> Option<Early> {
        self.0.early
    }
}

/// Why a statement must not run in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It begins or ends a transaction, or moves between savepoints.
    TransactionControl(String),
    /// It changes the context, or the role that the policies look at.
    ContextChange(String),
    /// It leaves something on the connection that the next user of it would find.
    OutlivesScope(String),
    /// It copies rows in a protocol of its own.
    Copy,
}

/// How text is sent, and so how many statements it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Prepared: the server takes one statement and refuses more.
    Extended,
    /// Unprepared: any number of statements.
    Simple,
}

/// Finds what the text does, or the first statement in it that would leave the scope.
/// `carries_context` tells the settings that carry contexts by their lower-cased names.
pub(crate) fn classify(
    sql: &str,
    protocol: Protocol,
    seen: &Seen,
    carries_context: &dyn Fn(&str) -> bool,
) -> Result<Classified, Refusal> {
    let look = match protocol {
        Protocol::Extended => seen.look(sql),
        // Its values are in it: it comes once.
        Protocol::Simple => look(sql),
    };

    let refusal = if look.suspect {
        closer_look(sql, protocol, carries_context)
    } else {
        None
    };

    refusal.map_or(Ok(Classified(look)), Err)
}

/// The comment that begins what this library appends to a text.
pub(crate) const MARK: &str = "-- rls_context";

/// What the words of a text tell, whoever sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    placeholders: usize,
    may_commit: bool,
    holds_code: bool,
    statements: usize,
    early: Option<Early>,
    /// Whether the text wants the closer look.
    suspect: bool,
}

fn look(sql: &str) -> Look {
    let mut look = look_both_ways(sql);
    look.suspect |= sql.contains(MARK);
    look
}

fn look_both_ways(sql: &str) -> Look {
    let looks = Strings::of(sql)
        .iter()
        .map(|&strings| look_as(sql, strings));
    let both = |one: Look, other: Look| Look {
        placeholders: one.placeholders.max(other.placeholders),
        may_commit: one.may_commit || other.may_commit,
        holds_code: one.holds_code || other.holds_code,
        statements: one.statements.max(other.statements),
        early: one.early.or(other.early),
        suspect: one.suspect || other.suspect,
    };

    looks
        .reduce(both)
        .unwrap_or_else(|| look_as(sql, Strings::Standard))
}

fn look_as(sql: &str, strings: Strings) -> Look {
    let mut look = Look::default();
    let mut early = early::Finder::default();
    let mut at_start = true;

    for token in tokens(sql, strings) {
        early.read(token, at_start);
        look.statements += usize::from(at_start && token != Token::Symbol(';'));
        match token {
            Token::Word(first) if at_start => {
                look.holds_code |= first.eq_ignore_ascii_case("DO");
                look.may_commit |= is_any(first, control::MAY_COMMIT);
                look.suspect |= is_any(first, control::FIRST_WORDS);
            }
            Token::Parameter(number) => look.placeholders = look.placeholders.max(number),
            _ => {}
        }

        at_start = token == Token::Symbol(';');
        look.suspect |= is_suspect(token);
    }

    look.early = early.found();
    look
}

/// Whether a statement with this token, wherever in it, wants the closer look.
fn is_suspect(token: Token<'_>) -> bool {
    match token {
        Token::Word(name) | Token::Quoted(name) => {
            is_any(name, session_state::TEMPORARY)
                || is_any(name, &[session_state::SETTINGS, set_config::NAME])
                || domain::is_suspect(name)
                || session_state::is_temporary_schema(name)
        }
        Token::Escaped => true,
        Token::Text(_) | Token::Literal | Token::Parameter(_) | Token::Symbol(_) => false,
    }
}

fn closer_look(
    sql: &str,
    protocol: Protocol,
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    // It would be taken for a text with other parameters.
    if sql.contains(MARK) {
        return Some(Refusal::ContextChange(MARK.to_owned()));
    }

    Strings::of(sql).iter().find_map(|&strings| {
        let tokens: Vec<Token<'_>> = tokens(sql, strings).collect();
        // A name in Unicode escapes can be any.
        if tokens.contains(&Token::Escaped) {
            return Some(Refusal::ContextChange("U&\"…\"".to_owned()));
        }

        domain::refusal(&tokens)
            .or_else(|| set_config::refusal(&tokens, carries_context))
            .or_else(|| session_state::refusal(&tokens))
            .or_else(|| control::refusal(&tokens, protocol, carries_context))
    })
}

/// Whether a setting, named in lower case, decides what rows are seen, or how the texts are read
/// that are looked at here.
fn is_context(name: &str, carries_context: &dyn Fn(&str) -> bool) -> bool {
    matches!(
        name,
        "role"
            | "session_authorization"
            | "standard_conforming_strings"
            | "client_encoding"
            | "names"
    ) || name.starts_with("rls.")
        || carries_context(name)
}

fn is_any(word: &str, words: &[&str]) -> bool {
    words.iter().any(|other| word.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests;
