//! Statements that are told by their first words: those that begin or end transactions, `SET`,
//! `DISCARD` and the like.

use super::token::Token;
use super::{Protocol, Refusal, is_context, session_state, set_config};

/// The first words of statements that can commit in the middle if no transaction is around them.
/// What follows that commit would have no context.
pub(super) const MAY_COMMIT: &[&str] = &[
    "DO", "CALL", "VACUUM", "ANALYZE", "ANALYSE", "CLUSTER", "REPACK", "REINDEX", "CREATE", "DROP",
    "ALTER",
];

/// The first words of all that may be refused here.
#[rustfmt::skip]
pub(super) const FIRST_WORDS: &[&str] = &[
    "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", "LISTEN",
    "DEALLOCATE", "ALTER", "DECLARE", "DISCARD", "SET", "RESET", "EXECUTE", "EXPLAIN", "CREATE", "COPY",
    "DROP",
];

pub(super) fn refusal(
    tokens: &[Token<'_>],
    protocol: Protocol,
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    let mut statements = tokens
        .split(|token| *token == Token::Symbol(';'))
        .filter(|statement| !statement.is_empty());
    let refused = |statement: &[Token<'_>]| refusal_of_one(statement, carries_context);

    match protocol {
        Protocol::Extended => statements.next().and_then(refused),
        Protocol::Simple => statements.find_map(refused),
    }
}

fn refusal_of_one(
    statement: &[Token<'_>],
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    let Some(Token::Word(first)) = statement.first() else {
        return None;
    };
    let word = |at: usize| word(statement, at);

    let first = first.to_ascii_uppercase();

    match first.as_str() {
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" => {
            Some(Refusal::TransactionControl(first))
        }
        "PREPARE" if word(1) == "TRANSACTION" => Some(Refusal::TransactionControl(
            "PREPARE TRANSACTION".to_owned(),
        )),
        "PREPARE" | "LISTEN" | "DEALLOCATE" => Some(Refusal::OutlivesScope(first)),
        "ALTER" if matches!(word(1).as_str(), "ROLE" | "USER" | "DATABASE" | "SYSTEM") => {
            Some(Refusal::OutlivesScope(format!("ALTER {}", word(1))))
        }
        "DROP" if word(1) == "OWNED" => Some(Refusal::OutlivesScope("DROP OWNED".to_owned())),
        // Its options, which can be repeated, stand before the query.
        "DECLARE"
            if (1..statement.len())
                .take_while(|&at| word(at) != "FOR")
                .any(|at| word(at) == "WITH" && word(at + 1) == "HOLD") =>
        {
            Some(Refusal::OutlivesScope("DECLARE … WITH HOLD".to_owned()))
        }
        // It runs a statement that sqlx has prepared, with another context among its parameters.
        "EXECUTE" => Some(Refusal::ContextChange(first)),
        "EXPLAIN" if (1..statement.len()).any(|at| word(at) == "EXECUTE") => {
            Some(Refusal::ContextChange("EXPLAIN EXECUTE".to_owned()))
        }
        "CREATE"
            if (2..statement.len()).any(|at| word(at - 1) == "AS" && word(at) == "EXECUTE") =>
        {
            Some(Refusal::ContextChange("CREATE … AS EXECUTE".to_owned()))
        }
        // As a part of an aggregate or an operator it needs no parenthesis.
        "CREATE" | "ALTER" if statement.iter().any(set_config::is_name) => {
            Some(Refusal::ContextChange(format!("{first} … set_config")))
        }
        "COPY" => Some(Refusal::Copy),
        "DISCARD" => Some(Refusal::ContextChange(format!("DISCARD {}", word(1)))),
        "SET" | "RESET" => refusal_of_setting(&first, statement, carries_context),
        _ => None,
    }
}

/// The word at a place of a statement, in capitals; empty if something else stands there.
fn word(statement: &[Token<'_>], at: usize) -> String {
    match statement.get(at) {
        Some(Token::Word(word)) => word.to_ascii_uppercase(),
        _ => String::new(),
    }
}

fn refusal_of_setting(
    first: &str,
    statement: &[Token<'_>],
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    let second = word(statement, 1);
    let at = if first == "SET" && matches!(second.as_str(), "SESSION" | "LOCAL") {
        2
    } else {
        1
    };

    let named = &statement[at.min(statement.len())..];
    let name = setting_name(named);
    if first == "SET" && changes_transaction(&name, named) {
        return Some(Refusal::TransactionControl(format!(
            "SET {}",
            name.to_ascii_uppercase()
        )));
    }

    let changes = matches!(name.as_str(), "authorization" | "session")
        || (first == "RESET" && name == "all")
        || is_context(&name, carries_context);
    if changes {
        return Some(Refusal::ContextChange(format!("{first} {name}")));
    }

    let local =
        first == "SET" && matches!(second.as_str(), "LOCAL" | "TRANSACTION" | "CONSTRAINTS");
    (!local || names_temporary_schema(&name, statement))
        .then(|| Refusal::OutlivesScope(format!("{first} {name}")))
}

/// Whether `SET` changes the transaction, except that it only reads from here on. `READ WRITE` would
/// lift a read-only scope, and the rest comes too late: the server takes it only before the first
/// query, and to set the context is one.
fn changes_transaction(name: &str, named: &[Token<'_>]) -> bool {
    let is_read_only = || named.len() == 3 && word(named, 1) == "READ" && word(named, 2) == "ONLY";

    match name {
        "transaction" => !is_read_only(),
        "transaction_isolation" | "transaction_read_only" | "transaction_deferrable" => true,
        _ => false,
    }
}

/// Whether `SET` puts the schema of temporary relations into the path of those that are made without
/// a schema. The schemas before it need not exist.
fn names_temporary_schema(name: &str, statement: &[Token<'_>]) -> bool {
    let value = |token: &Token<'_>| match token {
        Token::Word(value) | Token::Quoted(value) | Token::Text(value) => {
            session_state::is_temporary_schema(value)
        }
        // What it says cannot be seen.
        Token::Literal => true,
        // `U&'…'`.
        other => *other == Token::Symbol('&'),
    };

    // A string that goes on after a line break.
    let in_parts = || {
        let mut pairs = statement.windows(2);
        pairs.any(|pair| matches!(pair, [Token::Text(_), Token::Text(_)]))
    };

    matches!(name, "search_path" | "schema") && (statement.iter().any(value) || in_parts())
}

/// The dotted, lower-cased name at the start of some tokens.
fn setting_name(tokens: &[Token<'_>]) -> String {
    let mut name = String::new();
    for token in tokens {
        match token {
            Token::Word(part) if name.is_empty() || name.ends_with('.') => name.push_str(part),
            Token::Quoted(part) if name.is_empty() || name.ends_with('.') => name.push_str(part),
            Token::Symbol('.') if !name.is_empty() => name.push('.'),
            _ => break,
        }
    }

    name.to_ascii_lowercase()
}
