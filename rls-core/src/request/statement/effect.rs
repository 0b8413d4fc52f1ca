//! Whether a statement only reads.

use super::is_any;
use super::token::Token;

/// Whether a statement's effects can be thrown away with its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Reads, calling nothing that could do more; its transaction may be rolled back.
    Read,
    /// Writes, or calls something that may (`pg_notify` passes `READ ONLY`, and a rollback drops
    /// it).
    Unknown,
}

const READS: &[&str] = &["SELECT", "VALUES", "TABLE", "WITH"];

/// `FOR UPDATE` and the like, and `SELECT INTO`; writes in a `WITH`.
const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "FOR"];

/// The SQL words that may stand before a parenthesis in a statement that only reads; any other name
/// there is a call of a function, which can do anything.
#[rustfmt::skip]
const HARMLESS_BEFORE_PARENTHESIS: &[&str] = &[
    "ABS", "ALL", "AND", "ANY", "ARRAY", "ARRAY_AGG", "AS", "AVG", "BETWEEN", "BOOL_AND", "BOOL_OR", "BTRIM", "BY",
    "CASE", "CAST", "CEIL", "CHAR", "COALESCE", "CONCAT", "COUNT", "DATE_TRUNC", "DECIMAL", "DENSE_RANK",
    "DISTINCT", "ELSE", "EXCEPT", "EXISTS", "EXTRACT", "FILTER", "FLOOR", "FROM", "GREATEST", "GROUP", "HAVING",
    "ILIKE", "IN", "INTERSECT", "JOIN", "JSON_AGG", "JSONB_AGG", "LATERAL", "LEAST", "LENGTH", "LIKE", "LIMIT",
    "LOWER", "LTRIM", "MATERIALIZED", "MAX", "MIN", "NOT", "NULLIF", "NUMERIC", "OFFSET", "ON", "OR", "OVER",
    "PARTITION", "RANK", "ROUND", "ROW", "ROW_NUMBER", "ROWS", "RTRIM", "SELECT", "SOME", "STRING_AGG", "SUBSTRING",
    "SUM", "THEN", "TO_CHAR", "TRIM", "UNION", "UNNEST", "UPPER", "USING", "VALUES", "VARCHAR", "WHEN", "WHERE",
    "WITH",
];

/// A statement, read token by token.
#[derive(Default)]
pub(super) struct Reading<'a> {
    previous: Option<Token<'a>>,
    /// Whether a dot stands before the previous one.
    qualified: bool,
    may_write: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn see(&mut self, token: Token<'a>) {
        if self.may_write {
            return;
        }

        self.may_write = match (self.previous, token) {
            (None, Token::Symbol('(')) => false,
            (None, Token::Word(word)) => !is_any(word, READS),
            (None, _)
            | (_, Token::Symbol(';'))
            | (Some(Token::Quoted(_) | Token::Escaped), Token::Symbol('(')) => true,
            (Some(_), Token::Word(word)) => is_any(word, WRITES),
            (Some(Token::Word(word)), Token::Symbol('(')) => {
                self.qualified || !is_any(word, HARMLESS_BEFORE_PARENTHESIS)
            }
            _ => false,
        };
        self.qualified = self.previous == Some(Token::Symbol('.'));
        self.previous = Some(token);
    }

    pub(super) fn effect(&self) -> Effect {
        if self.may_write || self.previous.is_none() {
            Effect::Unknown
        } else {
            Effect::Read
        }
    }
}
