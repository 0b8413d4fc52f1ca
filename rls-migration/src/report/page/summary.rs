use std::fmt;

use rls_core::doctor::Severity;

use super::{Page, anchor, badge, sentence};
use crate::report::Compared;
use crate::report::element::Element;
use crate::report::words::Phrase;

impl Page<'_> {
    pub(super) fn header(&self, title: &str) -> Element {
        let report = self.report;
        let at = report.at.format("%Y-%m-%d %H:%M UTC").to_string();
        let origin = Phrase::words("database ")
            .code(&report.database)
            .then(" on PostgreSQL ")
            .then(&report.version)
            .then(", read as ")
            .code(&report.login)
            .then(" at ")
            .then(at)
            .then(" by sea-orm-rls ")
            .then(env!("CARGO_PKG_VERSION"));

        Element::new("header")
            .child(Element::new("h1").text(title))
            .child(Element::of("p", "origin").child(sentence(origin)))
            .child(Element::of("div", "statements").children(self.statements()))
            .child(self.counts())
            .child(how_to_read())
    }

    /// What matters most; what is wrong comes first.
    fn statements(&self) -> impl Iterator<Item = Element> {
        let statements = [
            self.switched_off(),
            Some(self.comparison()),
            Some(self.open_findings()),
            self.pending(),
        ];

        statements.into_iter().flatten()
    }

    fn switched_off(&self) -> Option<Element> {
        let config = &self.report.config;
        if !config.enabled() {
            return Some(statement(
                "error",
                "Row security is switched off in the configuration: every user sees every row.",
            ));
        }

        (!config.force()).then(|| {
            statement(
                "error",
                "Row security is not forced, by the configuration: the tables' owner sees every \
                 row.",
            )
        })
    }

    fn comparison(&self) -> Element {
        match &self.report.compared {
            Compared::Not(why) => statement(
                "warning",
                format!("The database was not compared with the entities: {why}."),
            ),
            Compared::Plan {
                changes,
                without_fingerprint: 0,
            } if changes.is_empty() => statement("good", "The database is as the entities say."),
            Compared::Plan {
                changes,
                without_fingerprint,
            } if changes.is_empty() => statement(
                "warning",
                format!(
                    "The database is as the entities say, but {without_fingerprint} of its \
                     policies lack the fingerprint that the application asks for when it starts: \
                     rls apply writes it."
                ),
            ),
            Compared::Plan { changes, .. } => statement(
                "error",
                format!(
                    "The database differs from what the entities say, in {}.",
                    many(changes.len(), "point")
                ),
            ),
        }
    }

    fn open_findings(&self) -> Element {
        let open = |severity| {
            let findings = self.report.findings.iter();
            let open = findings.filter(|finding| finding.allowed.is_none());
            open.filter(|finding| finding.severity == severity).count()
        };

        let (errors, warnings, hints) = (
            open(Severity::Error),
            open(Severity::Warning),
            open(Severity::Hint),
        );

        let class = match (errors, warnings) {
            (0, 0) => "good",
            (0, _) => "warning",
            _ => "error",
        };

        statement(
            class,
            format!(
                "The doctor finds {}, {} and {}.",
                many(errors, "error"),
                many(warnings, "warning"),
                many(hints, "hint")
            ),
        )
    }

    fn pending(&self) -> Option<Element> {
        let text = match self.report.pending {
            0 => return None,
            1 => "1 migration is pending: what it creates is not in this report.".to_owned(),
            many => {
                format!("{many} migrations are pending: what they create is not in this report.")
            }
        };

        Some(statement("warning", text))
    }

    fn counts(&self) -> Element {
        let tables = &self.report.tables;
        let scoped = self.scoped().count();
        let actual = tables.iter().filter_map(|table| table.actual.as_ref());
        let policies: usize = actual.map(|actual| actual.policies.len()).sum();
        let cell = |count: usize, one: &str, several: &str| {
            Element::new("li")
                .child(Element::new("strong").text(count))
                .text(format!(" {}", if count == 1 { one } else { several }))
        };

        Element::of("ul", "counts")
            .child(cell(
                scoped,
                "table with row security",
                "tables with row security",
            ))
            .child(cell(policies, "policy", "policies"))
            .when(tables.len() > scoped, || {
                cell(
                    tables.len() - scoped,
                    "table that needs none",
                    "tables that need none",
                )
            })
            .when(!self.report.unmanaged.is_empty(), || {
                cell(
                    self.report.unmanaged.len(),
                    "unmanaged table",
                    "unmanaged tables",
                )
            })
    }

    pub(super) fn contents(&self) -> Element {
        let link = |target: &str, text: &str| {
            Element::new("li").child(Element::new("a").with("href", target).text(text))
        };
        let tables = self.scoped().map(|(at, table)| {
            Element::new("li")
                .child(
                    Element::new("a")
                        .with("href", format!("#{}", anchor(at)))
                        .child(self.name(&table.name)),
                )
                .when(!self.is_as_desired(table), || {
                    badge("warning", "see details")
                })
        });

        let sections = [
            ("#ownership", "Who owns what", true),
            ("#tables", "Tables and their policies", true),
            (
                "#unscoped",
                "Tables without row security",
                self.scoped().count() < self.report.tables.len(),
            ),
            (
                "#unmanaged",
                "Unmanaged tables",
                !self.report.unmanaged.is_empty(),
            ),
            ("#roles", "Roles and grants", true),
            ("#audit", "Record of administrators", true),
            ("#findings", "Findings", true),
            ("#fingerprints", "Fingerprints", true),
        ];

        let sections = sections
            .into_iter()
            .filter(|(.., there)| *there)
            .map(|(target, text, _)| link(target, text));

        Element::new("nav")
            .with("aria-label", "Contents")
            .child(Element::of("ul", "sections").children(sections))
            .child(Element::of("ul", "names").children(tables))
    }
}

fn statement(class: &str, text: impl fmt::Display) -> Element {
    Element::of("p", &format!("statement {class}")).text(text)
}

fn many(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

fn how_to_read() -> Element {
    let points = [
        "PostgreSQL adds a table's policies to every statement, so that the statement reaches only \
         the rows that they let pass. To the application, other rows do not exist.",
        "At the beginning of each transaction the application says, in a setting, for whom it \
         acts. If it names nobody, the transaction owns no row, and reaches only what policies \
         open to everyone.",
        "A row passes if at least one permissive policy and every restrictive policy let it pass. \
         On each table a restrictive guard repeats what the permissive policies say, so that a \
         permissive policy that somebody adds by hand opens nothing.",
        "A statement that searches for rows to change or delete finds only those that the same \
         user may read.",
        "The words describe what the program asks for. The SQL is what the database holds, as the \
         server prints it. If they differ, the page says so.",
    ];

    Element::of("div", "how")
        .child(Element::new("h2").text("How to read this"))
        .child(Element::new("ul").children(points.map(|point| Element::new("li").text(point))))
}
