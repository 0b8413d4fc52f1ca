use serde_json::{Value, json};

use super::Report;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::severity::Severity;

impl Report {
    /// Formats the report as JSON:
    /// `{"findings": [{"rule", "title", "severity", "object", "why", "remedy": {"kind", "text", "sql", "run_as": {"kind", "role"}, "then"}, "allowed"}], "errors", "warnings", "hints"}`.
    #[must_use]
    pub fn json(&self) -> String {
        json!({
            "findings": self.findings.iter().map(finding).collect::<Vec<Value>>(),
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "hints": self.count(Severity::Hint),
        })
        .to_string()
    }
}

/// The kind is `role` or `superuser`.
fn run_as(run_as: &RunAs) -> Value {
    match run_as {
        RunAs::Role(role) => json!({ "kind": "role", "role": role.as_str() }),
        RunAs::Superuser => json!({ "kind": "superuser", "role": null }),
    }
}

fn finding(finding: &Finding) -> Value {
    let (sql, run_as, then) = match &finding.remedy {
        Remedy::Sql {
            statements,
            run_as,
            then,
        } => (Some(statements), Some(self::run_as(run_as)), *then),
        _ => (None, None, None),
    };

    json!({
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "severity": finding.severity.as_str(),
        "object": finding.object,
        "why": finding.why,
        "remedy": {
            "kind": finding.remedy.kind(),
            "text": finding.remedy.to_string(),
            "sql": sql,
            "run_as": run_as,
            "then": then,
        },
        "allowed": finding.allowed,
    })
}
