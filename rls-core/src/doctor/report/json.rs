use serde_json::{Value, json};

use super::Report;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::severity::Severity;

impl Report {
    /// Formats the report as JSON:
    /// `{"findings": [{"rule", "title", "severity", "object", "why", "remedy": {"kind", "text", "sql"}, "allowed"}], "errors", "warnings", "hints"}`.
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

fn finding(finding: &Finding) -> Value {
    let sql = match &finding.remedy {
        Remedy::Sql(statements) => Some(statements),
        _ => None,
    };

    json!({
        "rule": finding.rule.id,
        "title": finding.rule.title,
        "severity": finding.severity.as_str(),
        "object": finding.object,
        "why": finding.why,
        "remedy": { "kind": finding.remedy.kind(), "text": finding.remedy.to_string(), "sql": sql },
        "allowed": finding.allowed,
    })
}
