//! The domains that carry a context: a value that is cast to one sets the context, as a call of
//! `set_config` does. And functions that hide such a cast or call, because they run text.

use super::token::Token;
use super::{Refusal, is_any};
use crate::model::context_domain::PREFIX;

/// Functions that read a value of a type that is named by an argument.
#[rustfmt::skip]
const READ_A_TYPE: &[&str] = &[
    "pg_input_is_valid", "pg_input_error_info", "domain_in", "array_in", "record_in", "range_in", "multirange_in",
];

/// Functions that run a query which they are given as text.
#[rustfmt::skip]
const RUN_TEXT: &[&str] = &[
    "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "ts_stat", "ts_rewrite",
    // Of the extension `xml2`: it runs several statements, which may write.
    "xpath_table",
];

pub(super) fn is_suspect(name: &str) -> bool {
    is_domain(name) || is_any(name, READ_A_TYPE) || is_any(name, RUN_TEXT)
}

/// Refuses the name of a domain or of its array type, and a call of what reads one.
pub(super) fn refusal(tokens: &[Token<'_>]) -> Option<Refusal> {
    (0..tokens.len()).find_map(|at| {
        let said = match &tokens[at..] {
            [Token::Word(name) | Token::Quoted(name), ..] if is_domain(name) => *name,
            [
                Token::Word(name) | Token::Quoted(name),
                Token::Symbol('('),
                ..,
            ] if is_any(name, READ_A_TYPE) || is_any(name, RUN_TEXT) => name,
            _ => return None,
        };

        Some(Refusal::ContextChange(said.to_owned()))
    })
}

/// The server names an array type as its elements, after one or more `_`.
fn is_domain(name: &str) -> bool {
    let name = name.trim_start_matches('_').as_bytes();
    let head = name.get(..PREFIX.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(PREFIX.as_bytes()))
        && name.get(PREFIX.len()) == Some(&b'_')
}
