use serde_json::{Value, json};

use super::Report;
use crate::doctor::finding::Finding;
use crate::doctor::rule::Rule;
use crate::doctor::rules::RULES;
use crate::doctor::severity::Severity;

impl Report {
    /// Formats the report as SARIF 2.1.0, which code hosts show beside a change. The logical
    /// location of a finding is an object of the database. Code hosts also require a file: `file`
    /// is a path in the repository, such as that of the suppressions.
    #[must_use]
    pub fn sarif(&self, file: &str) -> String {
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "sea-orm-rls doctor",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": RULES.iter().map(|rule| self::rule(rule)).collect::<Vec<Value>>(),
                } },
                "results": self.findings.iter().map(|finding| result(finding, file)).collect::<Vec<Value>>(),
            }],
        })
        .to_string()
    }
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.title },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(finding: &Finding, file: &str) -> Value {
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": RULES.iter().position(|rule| rule.id == finding.rule.id),
        "level": level(finding.severity),
        "message": {
            "text": format!("{}: {}. {}. Remedy: \
                             {}", finding.object, finding.rule.title, finding.why, finding.remedy),
        },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri(file) }, "region": { "startLine": 1 } },
            "logicalLocations": [{ "fullyQualifiedName": finding.object }],
        }],
        "partialFingerprints": { "object/v1": format!("{}:{}", finding.rule.id, finding.object) },
    });

    if let Some(reason) = &finding.allowed {
        result["suppressions"] = json!([{ "kind": "external", "justification": reason }]);
    }

    result
}

/// A path as a relative reference (RFC 3986).
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encoded = |byte: u8| {
        if plain(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };

    path.trim_start_matches("./").bytes().map(encoded).collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
