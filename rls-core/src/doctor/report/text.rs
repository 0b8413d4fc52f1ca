use std::fmt;

use super::Report;
use crate::doctor::finding::Finding;
use crate::doctor::severity::Severity;
use crate::terminal::{colour, paint, shown};

/// The colour of hints, as an `SGR` code (ECMA-48).
const CYAN: &str = "36";

/// A report as text for people; see [`Report::text`].
#[derive(Clone, Copy, Debug)]
pub struct ReportText<'a> {
    report: &'a Report,
    colours: bool,
}

impl Report {
    /// Formats the report for people: each finding with its reason and its remedy. `colours` adds
    /// the colours of a terminal.
    #[must_use]
    pub fn text(&self, colours: bool) -> ReportText<'_> {
        ReportText {
            report: self,
            colours,
        }
    }
}

impl fmt::Display for ReportText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self
            .report
            .findings
            .iter()
            .map(|finding| shown(&finding.object).chars().count())
            .max()
            .unwrap_or(0);

        // A longer object, such as a function with many arguments, widens only its own line.
        let width = widest.min(48);
        for finding in &self.report.findings {
            self.finding(f, finding, width)?;
        }

        for suppression in &self.report.unused {
            let object = suppression
                .object
                .as_deref()
                .map_or_else(String::new, |object| format!(" on {}", shown(object)));

            writeln!(
                f,
                "line {} of the suppressions is unused: no finding of {}{object}",
                suppression.line, suppression.rule
            )?;
        }

        let counts = [Severity::Error, Severity::Warning, Severity::Hint].map(|severity| {
            let count = self.report.count(severity);
            format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
        });

        let allowed = self
            .report
            .findings
            .iter()
            .filter(|finding| finding.allowed.is_some())
            .count();

        let allowed = if allowed == 0 {
            String::new()
        } else {
            format!(", {allowed} allowed")
        };

        writeln!(f, "{}{allowed}", counts.join(", "))
    }
}

impl ReportText<'_> {
    fn finding(&self, f: &mut fmt::Formatter<'_>, finding: &Finding, width: usize) -> fmt::Result {
        let word = if finding.allowed.is_some() {
            "allowed"
        } else {
            finding.severity.as_str()
        };

        let colour = match (finding.allowed.is_some(), finding.severity) {
            (true, _) => colour::DIM,
            (_, Severity::Error) => colour::RED,
            (_, Severity::Warning) => colour::YELLOW,
            (_, Severity::Hint) => CYAN,
        };

        let word = paint(self.colours, colour, &format!("{word:<7}"));
        writeln!(
            f,
            "{word}  {}  {:<width$}  {}",
            finding.rule.id,
            shown(&finding.object),
            finding.rule.title
        )?;

        let indent = 9 + 8 + width + 2;
        if let Some(reason) = &finding.allowed {
            return writeln!(f, "{:indent$}{}", "", shown(reason));
        }

        writeln!(f, "{:indent$}{}", "", shown(&finding.why))?;
        writeln!(f, "{:indent$}-> {}", "", shown(&finding.remedy.to_string()))
    }
}
