use std::fmt;

use super::remedy::Remedy;
use super::rule::Rule;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know; may be meant so.
    Hint,
    /// Protection or speed is less than the entities ask for, or rests on one thing alone.
    Warning,
    /// Rows can be reached that are not one's own, or the application would not start.
    Error,
}

impl Severity {
    /// The word, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The rule's severity, unless a verdict raised it.
    pub severity: Severity,
    /// What it was found on, with its schema.
    pub object: String,
    /// What is so, and what follows.
    pub why: String,
    /// What to do.
    pub remedy: Remedy,
    /// Why it is allowed, where a verdict says so: it then counts no more.
    pub allowed: Option<String>,
}

impl Finding {
    pub(super) fn new(
        rule: &'static Rule,
        object: impl fmt::Display,
        why: impl Into<String>,
        remedy: Remedy,
    ) -> Self {
        Self {
            rule,
            severity: rule.severity,
            object: object.to_string(),
            why: why.into(),
            remedy,
            allowed: None,
        }
    }
}
