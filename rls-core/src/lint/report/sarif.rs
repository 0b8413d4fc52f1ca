use serde_json::{Value, json};

use super::Report;
use crate::lint::finding::{Finding, Severity};
use crate::lint::rule::{RULES, Rule};

impl Report {
    /// The report as SARIF 2.1.0, which code hosts show beside a change. A finding is on an object of the database, so it
    /// has a logical location and no file.
    #[must_use]
    pub fn sarif(&self) -> String {
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "sea-orm-rls doctor",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": RULES.iter().map(|rule| self::rule(rule)).collect::<Vec<Value>>(),
                } },
                "results": self.findings.iter().map(result).collect::<Vec<Value>>(),
            }],
        })
        .to_string()
    }
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule.id),
        "level": level(finding.severity),
        "message": {
            "text": format!("{}: {}. {}. Remedy: {}", finding.object, finding.rule.title, finding.why, finding.remedy),
        },
        "locations": [{ "logicalLocations": [{ "fullyQualifiedName": finding.object }] }],
        "partialFingerprints": { "object/v1": format!("{}:{}", finding.rule.id, finding.object) },
    });
    if let Some(reason) = &finding.allowed {
        result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
