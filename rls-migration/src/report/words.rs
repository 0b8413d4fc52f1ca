//! Policies in words that need no knowledge of SQL. Conditions written in SQL stay SQL, and the words
//! say so.

mod condition;
mod policy;
mod scope;

pub(super) use condition::Holders;
pub(super) use policy::{may, policy};
pub(super) use scope::scope;

use std::fmt;

/// A sentence in which names and SQL are marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Phrase(pub(super) Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Words(String),
    /// A name in the database, or SQL.
    Code(String),
}

impl Phrase {
    pub(super) fn words(words: impl Into<String>) -> Self {
        Self::default().then(words)
    }

    pub(super) fn then(mut self, words: impl Into<String>) -> Self {
        self.0.push(Part::Words(words.into()));
        self
    }

    pub(super) fn code(mut self, code: impl fmt::Display) -> Self {
        self.0.push(Part::Code(code.to_string()));
        self
    }

    /// Takes what stands between backticks in `text` for code.
    pub(super) fn marked(text: &str) -> Self {
        let parts: Vec<&str> = text.split('`').collect();

        // With an odd backtick, nothing is known to be code.
        if parts.len().is_multiple_of(2) {
            return Self::words(text);
        }

        let part = |(at, part): (usize, &str)| {
            if at.is_multiple_of(2) {
                Part::Words(part.to_owned())
            } else {
                Part::Code(part.to_owned())
            }
        };

        let is_filled = |part: &Part| !matches!(part, Part::Words(words) if words.is_empty());

        Self(
            parts
                .into_iter()
                .enumerate()
                .map(part)
                .filter(is_filled)
                .collect(),
        )
    }

    pub(super) fn join(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Names and SQL stand between backticks.
impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(words),
            Part::Code(code) => write!(f, "`{code}`"),
        })
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[&str], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_between_backticks_is_marked() {
        for text in [
            "everyone may call `set_config`",
            "`a` and `b`, c",
            "plain",
            "one ` alone",
        ] {
            assert_eq!(Phrase::marked(text).to_string(), text);
        }

        assert_eq!(
            Phrase::marked("`a` b").0,
            [Part::Code("a".to_owned()), Part::Words(" b".to_owned())]
        );
        assert_eq!(Phrase::marked("one ` alone").0.len(), 1);
    }

    #[test]
    fn lists_are_read_aloud() {
        assert_eq!(listed(&["a"], "and"), "a");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
    }
}
