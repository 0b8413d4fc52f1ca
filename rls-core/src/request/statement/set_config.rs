//! Visible calls of `set_config`, which does what `SET` does wherever an expression may stand.

use super::session_state::is_temporary_schema;
use super::token::Token;
use super::{Refusal, is_context};

pub(super) const NAME: &str = "set_config";
const SEARCH_PATH: &str = "search_path";

pub(super) fn is_name(token: &Token<'_>) -> bool {
    matches!(token, Token::Word(name) | Token::Quoted(name) if name.eq_ignore_ascii_case(NAME))
}

/// Refuses every call except `set_config('other.setting', …, true)`: the text must show the name.
pub(super) fn refusal(
    tokens: &[Token<'_>],
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    (0..tokens.len()).find_map(|at| match &tokens[at..] {
        [
            Token::Word(name) | Token::Quoted(name),
            Token::Symbol('('),
            arguments @ ..,
        ] if name.eq_ignore_ascii_case(NAME) => refusal_of_call(arguments, carries_context),
        _ => None,
    })
}

fn refusal_of_call(
    arguments: &[Token<'_>],
    carries_context: &dyn Fn(&str) -> bool,
) -> Option<Refusal> {
    let [Token::Text(name), Token::Symbol(','), rest @ ..] = arguments else {
        return Some(Refusal::ContextChange(NAME.to_owned()));
    };
    let name = name.to_ascii_lowercase();
    if is_context(&name, carries_context) {
        return Some(Refusal::ContextChange(format!("{NAME} {name}")));
    }

    if let (SEARCH_PATH, [Token::Text(path), ..]) = (name.as_str(), rest)
        && path
            .split(',')
            .any(|schema| is_temporary_schema(schema.trim_start().trim_start_matches('"')))
    {
        return Some(Refusal::OutlivesScope(format!("{NAME} {name} pg_temp")));
    }

    let mut depth = 0_usize;
    for (at, token) in rest.iter().enumerate() {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') if depth > 0 => depth -= 1,
            Token::Symbol(')') => {
                let local = matches!(&rest[..at], [.., Token::Symbol(','), Token::Word(word)] if word.eq_ignore_ascii_case("true"));
                return (!local).then(|| Refusal::OutlivesScope(format!("{NAME} {name}")));
            }
            _ => {}
        }
    }

    Some(Refusal::OutlivesScope(format!("{NAME} {name}")))
}
