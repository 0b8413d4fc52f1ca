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
            .child(Element::of("div", "verdicts").children(self.verdicts()))
            .child(self.counts())
            .child(how_to_read())
    }

    /// What matters most, first what is wrong.
    fn verdicts(&self) -> Vec<Element> {
        let report = self.report;
        let say = |class: &'static str, text: String| {
            Element::of("p", &format!("verdict {class}")).text(text)
        };
        let mut said = Vec::new();

        if !report.config.enabled() {
            said.push(say(
                "error",
                "Row security is switched off in the configuration: every user sees every row."
                    .into(),
            ));
        } else if !report.config.force() {
            let text = "Row security is not forced, by the configuration: the tables' owner sees \
                        every row.";
            said.push(say("error", text.to_owned()));
        }

        match &report.compared {
            Compared::Not(why) => {
                said.push(say(
                    "warning",
                    format!(
                        "Whether the database is as the entities say could not be told: \
                             {why}."
                    ),
                ));
            }
            Compared::Plan {
                changes,
                without_fingerprint,
            } => said.push(match (changes.len(), without_fingerprint) {
                (0, 0) => say("good", "The database is as the entities say.".to_owned()),
                (0, many) => say(
                    "warning",
                    format!(
                        "The database is as the entities say, but {many} of its policies lack the \
                         fingerprint that the \
                         application asks for at start: rls apply writes it."
                    ),
                ),
                (1, _) => say(
                    "error",
                    "The database differs from what the entities say, in 1 \
                                        point."
                        .to_owned(),
                ),
                (many, _) => say(
                    "error",
                    format!(
                        "The database differs from what the entities say, in \
                                          {many} points."
                    ),
                ),
            }),
        }

        let open = |severity| {
            report
                .findings
                .iter()
                .filter(|found| found.allowed.is_none() && found.severity == severity)
                .count()
        };

        let (errors, warnings, hints) = (
            open(Severity::Error),
            open(Severity::Warning),
            open(Severity::Hint),
        );

        let class = if errors > 0 {
            "error"
        } else if warnings > 0 {
            "warning"
        } else {
            "good"
        };

        let counted = format!(
            "The doctor finds {}, {} and {}.",
            many(errors, "error"),
            many(warnings, "warning"),
            many(hints, "hint")
        );

        said.push(say(class, counted));
        if report.pending > 0 {
            let verb = if report.pending == 1 { "is" } else { "are" };
            let text = format!(
                "{} {verb} pending: what they create is not in this report.",
                many(report.pending, "migration")
            );
            said.push(say("warning", text));
        }

        said
    }

    fn counts(&self) -> Element {
        let tables = &self.report.tables;
        let scoped = self.scoped().count();
        let held = tables.iter().filter_map(|table| table.held.as_ref());
        let policies: usize = held.map(|held| held.policies.len()).sum();
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
                    "table nobody registered",
                    "tables nobody registered",
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
                .when(!self.is_as_asked(table), || badge("warning", "see there"))
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
                "Tables nobody registered",
                !self.report.unmanaged.is_empty(),
            ),
            ("#roles", "Roles and grants", true),
            ("#audit", "What administrators leave behind", true),
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

pub(super) fn many(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

fn how_to_read() -> Element {
    let points = [
        "PostgreSQL itself adds a table's policies to every statement, so that it reaches only the \
         rows they let pass. What \
         the application asks for beyond them is not there for it.",
        "The application says for whom it acts at the beginning of each transaction, in a setting. \
         Where it says nobody, no \
         row is anyone's own: what is reached then is what policies open to everyone, and nothing \
         else.",
        "A row passes where at least one permissive policy lets it, and every restrictive one. On \
         each table a restrictive \
         guard says the same again, so that a permissive policy that somebody adds by hand opens \
         nothing.",
        "A row is changed or deleted by a statement that looks for it only where the same user may \
         read it, too.",
        "The words are those of what the program asks for; the SQL is what the database holds, as \
         it prints it. Where these \
         are not the same, it is said.",
    ];

    Element::of("div", "how")
        .child(Element::new("h2").text("How to read this"))
        .child(Element::new("ul").children(points.map(|point| Element::new("li").text(point))))
}
