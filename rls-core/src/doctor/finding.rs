use std::fmt;

use super::remedy::Remedy;
use super::rule::Rule;
use super::severity::Severity;

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The rule's severity, unless a suppression raised it.
    pub severity: Severity,
    /// What it was found on, with its schema.
    pub object: String,
    /// What is so, and what follows.
    pub why: String,
    /// What to do.
    pub remedy: Remedy,
    /// Why it is allowed, where a suppression says so: it then counts no more.
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
