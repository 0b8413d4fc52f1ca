use std::fmt;

use super::remedy::Remedy;
use super::rule::Rule;
use super::severity::Severity;

/// Something that a rule reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The rule's severity, unless a suppression raised it.
    pub severity: Severity,
    /// The object that it is about, with its schema.
    pub object: String,
    /// What is wrong, and what follows from it.
    pub why: String,
    /// What to do.
    pub remedy: Remedy,
    /// Why it is allowed, if a suppression allows it. It then no longer counts.
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
