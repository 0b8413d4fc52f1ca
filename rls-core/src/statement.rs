//! What SQL text is about to do, as far as its words tell: whether it only reads, and whether it would leave the
//! transaction that carries the context.
//!
//! PostgreSQL is the judge in the end: a misjudged read fails in its `READ ONLY` transaction, and unprepared text is
//! followed by a question whether the transaction is still the same. Here mistakes are told before anything runs.

mod leftover;
mod set_config;
mod token;

use token::{Token, tokens};

/// Whether a statement's effects can be thrown away with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Reads, calling nothing that could do more; its transaction may be rolled back.
    Read,
    /// Writes, or calls something that may (`pg_notify` passes `READ ONLY`, and a rollback drops it).
    Unknown,
}

/// The SQL words that may stand before a parenthesis in a statement that only reads; any other name there is a
/// call of a function, which can do anything.
const HARMLESS_BEFORE_PARENTHESIS: &str = "\
    ABS ALL AND ANY ARRAY ARRAY_AGG AS AVG BETWEEN BOOL_AND BOOL_OR BTRIM BY CASE CAST CEIL CHAR COALESCE \
    CONCAT COUNT DATE_TRUNC DECIMAL DENSE_RANK DISTINCT ELSE EXCEPT EXISTS EXTRACT FILTER FLOOR FROM \
    GREATEST GROUP HAVING ILIKE IN INTERSECT JOIN JSON_AGG JSONB_AGG LATERAL LEAST LENGTH LIKE LIMIT LOWER \
    LTRIM MATERIALIZED MAX MIN NOT NULLIF NUMERIC OFFSET ON OR OVER PARTITION RANK ROUND ROW ROW_NUMBER ROWS \
    RTRIM SELECT SOME STRING_AGG SUBSTRING SUM THEN TO_CHAR TRIM UNION UNNEST UPPER USING VALUES VARCHAR \
    WHEN WHERE WITH";

/// What SQL text does.
pub(crate) fn effect(sql: &str) -> Effect {
    let mut previous: Option<Token<'_>> = None;
    let mut before_previous: Option<Token<'_>> = None;
    for token in tokens(sql) {
        match (&previous, &token) {
            (None, Token::Symbol('(')) => {}
            (None, Token::Word(word)) if is_any(word, "SELECT VALUES TABLE WITH") => {}
            // FOR UPDATE and the like, and SELECT INTO; writes in a WITH.
            (Some(_), Token::Word(word)) if is_any(word, "INSERT UPDATE DELETE MERGE INTO FOR") => {
                return Effect::Unknown;
            }
            (Some(Token::Word(word)), Token::Symbol('(')) => {
                let qualified = matches!(before_previous, Some(Token::Symbol('.')));
                if qualified || !is_any(word, HARMLESS_BEFORE_PARENTHESIS) {
                    return Effect::Unknown;
                }
            }
            (None, _) | (_, Token::Symbol(';')) | (Some(Token::Quoted(_)), Token::Symbol('(')) => {
                return Effect::Unknown;
            }
            _ => {}
        }
        before_previous = previous.replace(token);
    }
    if previous.is_some() { Effect::Read } else { Effect::Unknown }
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
}

/// How text is sent, and so how many statements it can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Prepared: the server takes one statement and refuses more.
    Extended,
    /// Unprepared: any number of statements.
    Simple,
}

/// The first statement in the text that would leave the scope. `carries_context` tells the settings that carry contexts
/// by their lower-cased names.
pub(crate) fn refusal(sql: &str, protocol: Protocol, carries_context: &dyn Fn(&str) -> bool) -> Option<Refusal> {
    if let Some(refusal) = set_config::refusal(sql, carries_context) {
        return Some(refusal);
    }
    if let Some(refusal) = leftover::refusal(sql) {
        return Some(refusal);
    }
    let first = tokens(sql).find(|token| *token != Token::Symbol(';'));
    if protocol == Protocol::Extended && !matches!(first, Some(Token::Word(word)) if is_any(word, REFUSABLE)) {
        return None;
    }
    let mut statement: Vec<Token<'_>> = Vec::new();
    for token in tokens(sql).chain([Token::Symbol(';')]) {
        let enough = protocol == Protocol::Extended && statement.len() == STATEMENT_HEAD;
        if enough || token == Token::Symbol(';') {
            if let Some(refusal) = refusal_of_one(&statement, carries_context) {
                return Some(refusal);
            }
            if protocol == Protocol::Extended && !statement.is_empty() {
                return None;
            }
            statement.clear();
        } else if statement.len() < STATEMENT_HEAD {
            statement.push(token);
        }
    }
    None
}

/// Whether a statement in the text is a `DO` block, whose body is a literal here and can do anything.
pub(crate) fn holds_code(sql: &str, protocol: Protocol) -> bool {
    let mut first = true;
    for token in tokens(sql) {
        if first && matches!(token, Token::Word(word) if is_any(word, "DO")) {
            return true;
        }
        first = token == Token::Symbol(';');
        if !first && protocol == Protocol::Extended {
            return false;
        }
    }
    false
}

/// The first words of all that [`refusal_of_one`] may refuse.
const REFUSABLE: &str = "BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE LISTEN DEALLOCATE ALTER DECLARE \
                         DISCARD SET RESET";

/// How many tokens tell a statement: `SET SESSION "a"."b"."c"` has seven.
const STATEMENT_HEAD: usize = 16;

fn refusal_of_one(statement: &[Token<'_>], carries_context: &dyn Fn(&str) -> bool) -> Option<Refusal> {
    let Some(Token::Word(first)) = statement.first() else {
        return None;
    };
    let word = |at: usize| match statement.get(at) {
        Some(Token::Word(word)) => word.to_ascii_uppercase(),
        _ => String::new(),
    };
    let first = first.to_ascii_uppercase();
    match first.as_str() {
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE" => {
            Some(Refusal::TransactionControl(first))
        }
        "PREPARE" if word(1) == "TRANSACTION" => Some(Refusal::TransactionControl("PREPARE TRANSACTION".to_owned())),
        "PREPARE" | "LISTEN" | "DEALLOCATE" => Some(Refusal::OutlivesScope(first)),
        "ALTER" if is_any(&word(1), "ROLE USER DATABASE SYSTEM") => {
            Some(Refusal::OutlivesScope(format!("ALTER {}", word(1))))
        }
        "DECLARE" if (1..statement.len()).any(|at| word(at) == "WITH" && word(at + 1) == "HOLD") => {
            Some(Refusal::OutlivesScope("DECLARE … WITH HOLD".to_owned()))
        }
        "DISCARD" => Some(Refusal::ContextChange(format!("DISCARD {}", word(1)))),
        "SET" | "RESET" => {
            let at = if first == "SET" && matches!(word(1).as_str(), "SESSION" | "LOCAL") { 2 } else { 1 };
            let name = setting_name(&statement[at.min(statement.len())..]);
            let changes = matches!(name.as_str(), "authorization" | "session")
                || (first == "RESET" && name == "all")
                || is_context(&name, carries_context);
            if changes {
                return Some(Refusal::ContextChange(format!("{first} {name}")));
            }
            let local = first == "SET" && (word(1) == "LOCAL" || is_any(&word(1), "TRANSACTION CONSTRAINTS"));
            // `U&"…"` spells any name.
            let spelt = matches!(statement.get(at + 1), Some(Token::Symbol('&')));
            (!local || spelt).then(|| Refusal::OutlivesScope(format!("{first} {name}")))
        }
        _ => None,
    }
}

/// Whether a setting, named in lower case, decides what rows are seen.
fn is_context(name: &str, carries_context: &dyn Fn(&str) -> bool) -> bool {
    matches!(name, "role" | "session_authorization") || name.starts_with("rls.") || carries_context(name)
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

fn is_any(word: &str, words: &str) -> bool {
    words.split_ascii_whitespace().any(|other| word.eq_ignore_ascii_case(other))
}

#[cfg(test)]
mod tests;
