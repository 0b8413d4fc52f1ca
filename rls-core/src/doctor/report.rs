//! The doctor's findings, and the formats of the report.

mod json;
mod sarif;
mod text;

use std::collections::BTreeMap;

use super::finding::Finding;
use super::level::{Level, NEEDLESS};
use super::remedy::{Remedy, RunAs};
use super::severity::Severity;
use super::suppression::{Suppression, Suppressions};

pub use text::ReportText;

/// The doctor's findings, the most severe first, then by rule and object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
    unused: Vec<Suppression>,
    level: Level,
}

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>, level: Level) -> Self {
        sort(&mut findings);
        Self {
            level,
            findings,
            unused: Vec::new(),
        }
    }

    /// How far the database is closed to SQL that someone injects.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The statements that take needless rights from the application's role, by who can run them.
    /// What the migrations need, they grant to the login that migrates.
    #[must_use]
    pub fn hardening(&self) -> Vec<(RunAs, Vec<String>)> {
        let mut by_login: BTreeMap<String, (RunAs, Vec<String>)> = BTreeMap::new();
        for finding in self.findings() {
            let Remedy::Sql {
                statements, run_as, ..
            } = &finding.remedy
            else {
                continue;
            };
            if !NEEDLESS.contains(&finding.rule.id) {
                continue;
            }

            let (_, all) = by_login
                .entry(run_as.to_string())
                .or_insert_with(|| (run_as.clone(), Vec::new()));
            for statement in statements {
                if !all.contains(statement) {
                    all.push(statement.clone());
                }
            }
        }

        by_login.into_values().collect()
    }

    /// Applies a project's suppressions.
    #[must_use]
    pub fn under(mut self, suppressions: &Suppressions) -> Self {
        self.unused = suppressions.apply(&mut self.findings);
        sort(&mut self.findings);
        self
    }

    /// All findings, including those that are allowed.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The suppressions that allow something and match no finding: it was repaired, or never
    /// existed.
    #[must_use]
    pub fn unused(&self) -> &[Suppression] {
        &self.unused
    }

    /// Counts the findings of this severity, without those that are allowed.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.allowed.is_none() && finding.severity == severity)
            .count()
    }

    /// Returns a process's exit code: 1 if a finding of at least this severity is not allowed, else
    /// 0.
    #[must_use]
    pub fn exit_code(&self, at_least: Severity) -> u8 {
        let counts = |finding: &&Finding| finding.allowed.is_none() && finding.severity >= at_least;
        u8::from(self.findings.iter().any(|finding| counts(&finding)))
    }
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| {
            (
                finding.allowed.is_some(),
                std::cmp::Reverse(finding.severity),
                finding.rule.id,
            )
        };

        key(a).cmp(&key(b)).then_with(|| a.object.cmp(&b.object))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::remedy::{Remedy, RunAs};
    use crate::doctor::rules;
    use crate::name::Identifier;

    fn report() -> Report {
        let owner = RunAs::Role(Identifier::new("keeper").unwrap());
        let enable = "ALTER TABLE \"a\" ENABLE ROW LEVEL SECURITY";
        let remedy = Remedy::sql(owner, enable);

        let findings = vec![
            Finding::new(
                &rules::RLS208,
                "public.a_key",
                "it tells",
                Remedy::words("think"),
            ),
            Finding::new(&rules::RLS103, "public.a", "it is off", remedy),
        ];
        Report::new(findings, Level::Open)
    }

    #[test]
    fn exit_code_is_of_what_counts() {
        let report = report();
        assert_eq!(
            (report.count(Severity::Error), report.count(Severity::Hint)),
            (1, 1)
        );
        assert_eq!(
            [Severity::Hint, Severity::Error].map(|severity| report.exit_code(severity)),
            [1, 1]
        );

        let report =
            report.under(&Suppressions::parse("allow RLS103 public.a it is a test").unwrap());
        assert_eq!(
            [Severity::Hint, Severity::Warning].map(|severity| report.exit_code(severity)),
            [1, 0]
        );
        assert_eq!(Report::default().exit_code(Severity::Hint), 0);
    }

    #[test]
    fn text_says_what_and_why_and_what_to_do() {
        let report = report()
            .under(&Suppressions::parse("allow RLS208 * known\nallow RLS009 * gone").unwrap());
        assert_eq!(
            report.text(false).to_string(),
            "error    RLS103  public.a      row security is not enabled\n\
             \u{20}                              it is off\n\
             \u{20}                              -> as `keeper`: ALTER TABLE \"a\" ENABLE ROW LEVEL SECURITY;\n\
             allowed  RLS208  public.a_key  a unique key reveals hidden rows\n\
             \u{20}                              known\n\
             line 2 of the suppressions is unused: no finding of RLS009\n\
             1 error, 0 warnings, 0 hints, 1 allowed\n"
        );
        assert!(report.text(true).to_string().contains("\x1b[31m"));

        assert_eq!(
            Report::default().text(false).to_string(),
            "0 errors, 0 warnings, 0 hints\n"
        );
    }

    #[test]
    fn name_in_the_database_directs_no_terminal() {
        let object = "public.\u{1b}[2J\nerror    RLS103  public.b";
        let finding = Finding::new(
            &rules::RLS103,
            object,
            object,
            Remedy::sql(RunAs::Superuser, object),
        );
        let text = Report::new(vec![finding], Level::Open)
            .text(false)
            .to_string();

        assert!(
            !text.contains('\u{1b}') && text.lines().count() == 4,
            "{text}"
        );
    }

    #[test]
    fn json_and_sarif_hold_every_finding() {
        let report = report().under(&Suppressions::parse("allow RLS208 * known").unwrap());
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["findings"][0]["rule"], "RLS103");
        assert_eq!(json["findings"][0]["remedy"]["kind"], "sql");
        assert_eq!(json["findings"][0]["remedy"]["run_as"]["role"], "keeper");
        assert_eq!(json["findings"][1]["allowed"], "known");
        assert_eq!((&json["errors"], &json["hints"]), (&1.into(), &0.into()));

        let sarif: serde_json::Value = serde_json::from_str(&report.sarif("./my file")).unwrap();
        let run = &sarif["runs"][0];
        assert_eq!(sarif["version"], "2.1.0");

        for result in run["results"].as_array().unwrap() {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][at]["id"], result["ruleId"]);
        }

        let location = &run["results"][0]["locations"][0];
        assert_eq!(
            location["physicalLocation"]["artifactLocation"]["uri"],
            "my%20file"
        );
        assert_eq!(
            location["logicalLocations"][0]["fullyQualifiedName"],
            "public.a"
        );
        assert_eq!(run["results"][0]["level"], "error");

        assert_eq!(
            run["results"][1]["suppressions"][0]["justification"],
            "known"
        );
    }
}
