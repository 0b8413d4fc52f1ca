use rls_core::doctor::{Finding, RULES, Remedy, Severity};

use super::{Page, badge, section, sentence, spoken};
use crate::report::element::Element;
use crate::report::words::Phrase;

impl Page<'_> {
    pub(super) fn findings(&self) -> Element {
        let findings = &self.report.findings;
        let part = section("findings", "Findings");
        let about = format!(
            "The doctor checks {} rules about what weakens or slows row security, beyond what the \
             application verifies when it starts.",
            RULES.len()
        );

        let part = part.child(Element::new("p").text(about));
        if findings.is_empty() {
            return part.child(Element::of("p", "statement good").text("It finds nothing."));
        }

        part.child(Element::of("ol", "findings").children(findings.iter().map(finding)))
    }
}

fn finding(finding: &Finding) -> Element {
    let severity = match (&finding.allowed, finding.severity) {
        (Some(_), _) => badge("plain", "allowed"),
        (None, Severity::Error) => badge("error", "error"),
        (None, Severity::Warning) => badge("warning", "warning"),
        (None, Severity::Hint) => badge("plain", "hint"),
    };

    let heading = Element::of("p", "finding")
        .child(severity)
        .child(Element::new("strong").text(finding.rule.id))
        .text(" ")
        .child(Element::new("code").text(&finding.object))
        .text(": ")
        .child(spoken(Phrase::marked(finding.rule.title)));

    let item = Element::new("li").child(heading);
    if let Some(reason) = &finding.allowed {
        return item.child(
            Element::new("p")
                .text("Allowed: ")
                .child(spoken(Phrase::marked(reason))),
        );
    }

    let item = item.child(Element::new("p").child(sentence(Phrase::marked(&finding.why))));

    match &finding.remedy {
        Remedy::Sql {
            statements,
            run_as,
            then,
        } => {
            let sql: Vec<String> = statements
                .iter()
                .map(|statement| format!("{statement};"))
                .collect();
            let who = spoken(Phrase::marked(&format!("What to do {run_as}:")));
            let item = item
                .child(Element::new("p").child(who))
                .child(Element::new("pre").text(sql.join("\n")));

            then.map_or(item.clone(), |then| {
                item.child(Element::new("p").text(format!("Then {then}.")))
            })
        }
        Remedy::Rust(line) => item.child(Element::new("pre").text(line)),
        other => {
            let said = spoken(Phrase::marked(&other.to_string()));
            item.child(Element::new("p").text("What to do: ").child(said))
        }
    }
}
