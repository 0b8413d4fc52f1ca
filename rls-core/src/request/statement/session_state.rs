//! What a statement leaves in the session: temporary relations and functions, which hide all others
//! of their name, and settings that are written through `pg_settings`.

use super::token::Token;
use super::{Refusal, is_any};

pub(super) const TEMPORARY: &[&str] = &["TEMP", "TEMPORARY", "LOCAL", "GLOBAL"];
pub(super) const SETTINGS: &str = "pg_settings";
const WRITES_INTO: &[&str] = &["INSERT", "MERGE"];

pub(super) fn refusal(tokens: &[Token<'_>]) -> Option<Refusal> {
    (0..tokens.len())
        .find_map(|at| leaves(&tokens[..at], &tokens[at..]))
        .map(Refusal::OutlivesScope)
}

/// What the tokens from here on leave behind.
fn leaves(before: &[Token<'_>], tokens: &[Token<'_>]) -> Option<String> {
    let said = match tokens {
        [
            Token::Word(name) | Token::Quoted(name),
            Token::Symbol('.'),
            ..,
        ] if is_temporary_schema(name) => *name,
        [Token::Word(create), rest @ ..]
            if create.eq_ignore_ascii_case("CREATE") && is_temporary(after_replace(rest)) =>
        {
            "CREATE TEMPORARY"
        }
        [Token::Word(into), rest @ ..]
            if into.eq_ignore_ascii_case("INTO") && is_temporary(rest) && !is_written(before) =>
        {
            "SELECT INTO TEMPORARY"
        }
        [Token::Word(update), rest @ ..]
            if update.eq_ignore_ascii_case("UPDATE") && names_settings(rest) =>
        {
            "UPDATE pg_settings"
        }
        _ => return None,
    };

    Some(said.to_owned())
}

fn after_replace<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match tokens {
        [Token::Word(or), Token::Word(_), rest @ ..] if or.eq_ignore_ascii_case("OR") => rest,
        _ => tokens,
    }
}

fn is_temporary(tokens: &[Token<'_>]) -> bool {
    matches!(tokens, [Token::Word(word), ..] if is_any(word, TEMPORARY))
}

/// Whether what stands before `INTO` writes into a table of that name: a verb, and not what a
/// column is called.
fn is_written(before: &[Token<'_>]) -> bool {
    let [before @ .., Token::Word(word)] = before else {
        return false;
    };
    let mut nested = 0_usize;

    for token in before.iter().rev() {
        match token {
            Token::Symbol(')') => nested += 1,
            Token::Symbol('(') if nested > 0 => nested -= 1,
            Token::Symbol('(' | ';') if nested == 0 => break,
            Token::Word(select) if nested == 0 && select.eq_ignore_ascii_case("SELECT") => {
                return false;
            }
            _ => {}
        }
    }

    is_any(word, WRITES_INTO)
}

pub(super) fn is_temporary_schema(name: &str) -> bool {
    name.get(..7)
        .is_some_and(|head| head.eq_ignore_ascii_case("pg_temp"))
}

/// `UPDATE ONLY (db.pg_catalog.pg_settings` is the longest.
fn names_settings(tokens: &[Token<'_>]) -> bool {
    let is_set =
        |token: &&Token<'_>| matches!(token, Token::Word(set) if set.eq_ignore_ascii_case("SET"));
    tokens
        .iter()
        .take(7)
        .take_while(|token| !is_set(token))
        .any(|token| matches!(token, Token::Word(name) | Token::Quoted(name) if name.eq_ignore_ascii_case(SETTINGS)))
}
