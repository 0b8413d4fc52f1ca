//! What a statement leaves in the session, wherever in its text it is said: temporary relations and functions, which
//! stand before all others of their name, and settings that are written through their view.

use super::token::{Token, tokens};
use super::{Refusal, is_any};

pub(super) fn refusal(sql: &str) -> Option<Refusal> {
    if !mentions(sql) {
        return None;
    }
    let tokens: Vec<Token<'_>> = tokens(sql).collect();
    (0..tokens.len()).find_map(|at| leaves(&tokens[..at], &tokens[at..])).map(Refusal::OutlivesScope)
}

/// What the tokens from here on leave behind.
fn leaves(before: &[Token<'_>], tokens: &[Token<'_>]) -> Option<String> {
    let said = match tokens {
        [Token::Word(name) | Token::Quoted(name), Token::Symbol('.'), ..] if is_temporary_schema(name) => *name,
        // It spells any name.
        [Token::Word(u), Token::Symbol('&'), Token::Quoted(_), Token::Symbol('.'), ..] if is_any(u, "U") => "U&\"…\".",
        [Token::Word(create), rest @ ..] if is_any(create, "CREATE") && is_temporary(after_replace(rest)) => {
            "CREATE TEMPORARY"
        }
        [Token::Word(into), rest @ ..] if is_any(into, "INTO") && is_temporary(rest) && !is_written(before) => {
            "SELECT INTO TEMPORARY"
        }
        [Token::Word(update), rest @ ..] if is_any(update, "UPDATE") && names_settings(rest) => "UPDATE pg_settings",
        _ => return None,
    };
    Some(said.to_owned())
}

/// A first look, which is all that most statements get.
fn mentions(sql: &str) -> bool {
    let has = |word: &str| sql.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    ["temp", "local", "global", "pg_settings", "u&\""].into_iter().any(has)
}

fn after_replace<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match tokens {
        [Token::Word(or), Token::Word(_), rest @ ..] if is_any(or, "OR") => rest,
        _ => tokens,
    }
}

fn is_temporary(tokens: &[Token<'_>]) -> bool {
    matches!(tokens, [Token::Word(word), ..] if is_any(word, "TEMP TEMPORARY LOCAL GLOBAL"))
}

/// Whether what stands before `INTO` writes into a table of that name.
fn is_written(before: &[Token<'_>]) -> bool {
    matches!(before, [.., Token::Word(word)] if is_any(word, "INSERT MERGE"))
}

fn is_temporary_schema(name: &str) -> bool {
    name.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("pg_temp"))
}

/// `UPDATE ONLY pg_catalog.pg_settings` is the longest.
fn names_settings(tokens: &[Token<'_>]) -> bool {
    let is_view = |token: &Token<'_>| matches!(token, Token::Word(name) | Token::Quoted(name) if name.eq_ignore_ascii_case("pg_settings"));
    tokens.iter().take(4).any(is_view)
}
