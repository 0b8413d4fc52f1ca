//! The values that an answer shows, and how a condition came out.

use std::fmt;

use serde_json::Value as Json;

use crate::terminal::shown;

/// The longest value that is printed whole, in characters.
const LONGEST: usize = 60;

/// A value of a column or of a setting. Only [`Value::expose`] and the formats of an answer show
/// it: `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Option<String>);

impl Value {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(Some(text.into()))
    }

    /// A value of a row that the server printed as JSON.
    pub(super) fn of_json(json: &Json) -> Self {
        Self(match json {
            Json::Null => None,
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        })
    }

    /// The value of a setting; `None` if it is not set.
    pub(super) fn of_setting(text: Option<&str>) -> Self {
        Self(text.map(str::to_owned))
    }

    /// The value as text; `None` is NULL.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The value for a terminal: one line, and not too long.
    pub(super) fn shown(&self) -> String {
        let Some(text) = &self.0 else {
            return "NULL".to_owned();
        };

        if text.chars().count() <= LONGEST {
            return format!("'{}'", shown(text));
        }

        let start: String = text.chars().take(LONGEST).collect();
        format!("'{}…'", shown(&start))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value(***)")
    }
}

/// How a condition came out on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Truth {
    /// `true`: the condition lets the row through.
    True,
    /// `false`.
    False,
    /// `NULL`, which lets nothing through either.
    Null,
    /// The server could not evaluate it, and refuses the statement.
    Failed {
        /// The SQLSTATE. The message may hold a value, and is not kept.
        sqlstate: String,
    },
}

impl Truth {
    pub(super) fn of(answer: Option<bool>) -> Self {
        match answer {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Null,
        }
    }

    /// Whether the condition lets the row through.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self == Self::True
    }

    /// `true`, `false`, `null` or `error`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
            Self::Failed { .. } => "error",
        }
    }
}
