//! The page: HTML without scripts, and with nothing to load.

mod audit;
mod finding;
mod ownership;
mod role;
mod summary;
mod table;

use super::compare::{self, Line, State};
use super::element::Element;
use super::ownership::shown;
use super::words::{Holders, Part, Phrase};
use super::{Report, Table};

/// What the `generator` of a page of this program begins with.
pub(crate) const GENERATOR: &str = "sea-orm-rls ";

const STYLE: &str = include_str!("page/style.css");

/// Lets a browser use the page's own style, and load or run nothing.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";

/// What every part of the page needs.
struct Page<'a> {
    report: &'a Report,
    holders: Holders,
}

/// The whole page.
pub(crate) fn html(report: &Report) -> String {
    let holders = Holders::new(report.tables.iter().map(|table| &table.scope));
    let page = Page { report, holders };
    let title = format!("Row security of {}", report.database);
    let meta = |name: &'static str, content: &str| {
        Element::new("meta")
            .with("name", name)
            .with("content", content)
    };

    let head = Element::new("head")
        .child(Element::new("meta").with("charset", "utf-8"))
        .child(
            Element::new("meta")
                .with("http-equiv", "Content-Security-Policy")
                .with("content", POLICY),
        )
        .child(meta(
            "generator",
            &format!("{GENERATOR}{}", env!("CARGO_PKG_VERSION")),
        ))
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .child(meta("robots", "noindex"))
        .child(Element::new("title").text(&title))
        .child(Element::style(STYLE));

    let main = Element::new("main")
        .child(page.ownership())
        .child(page.tables())
        .when(
            report
                .tables
                .iter()
                .any(|table| table.scope.unscoped.is_some()),
            || page.unscoped(),
        )
        .when(!report.unmanaged.is_empty(), || page.unmanaged())
        .child(page.roles())
        .child(page.audit())
        .child(page.findings())
        .child(page.fingerprints());

    let body = Element::new("body")
        .child(page.header(&title))
        .child(page.contents())
        .child(main);

    format!(
        "<!DOCTYPE html>\n{}",
        Element::new("html")
            .with("lang", "en")
            .child(head)
            .child(body)
    )
}

impl Page<'_> {
    fn scoped(&self) -> impl Iterator<Item = (usize, &Table)> {
        self.report
            .tables
            .iter()
            .enumerate()
            .filter(|(_, table)| table.scope.unscoped.is_none())
    }

    fn lines<'a>(&'a self, table: &'a Table) -> Vec<Line<'a>> {
        compare::lines(table, &self.report.compared)
    }

    /// Whether the database holds all that the page says of the table.
    fn is_as_desired(&self, table: &Table) -> bool {
        self.lines(table)
            .iter()
            .all(|line| line.state == State::AsDesired)
            && self.report.changes_of(&table.name).next().is_none()
    }

    fn fingerprints(&self) -> Element {
        let actual = self
            .report
            .tables
            .iter()
            .filter_map(|table| table.actual.as_ref())
            .chain(&self.report.unmanaged);

        let rows = actual.map(|actual| {
            Element::new("tr")
                .child(
                    Element::new("th")
                        .with("scope", "row")
                        .child(self.name(&actual.table)),
                )
                .child(Element::new("td").child(Element::new("code").text(actual.fingerprint())))
        });

        section("fingerprints", "Fingerprints")
            .child(
                Element::new("p")
                    .text(
                        "A fingerprint is a hash of a table's row security in the database: its \
                         flags, its policies and its grants. If it is the same in a later report, \
                         nothing has changed. The fingerprint of all tables together is ",
                    )
                    .child(Element::new("code").text(&self.report.fingerprint))
                    .text("."),
            )
            .child(table_of("fingerprints", &["Table", "Fingerprint"], rows))
    }

    /// A table's name, without the current schema.
    fn name(&self, table: &rls_core::TableName) -> Element {
        Element::new("code").text(shown(table, &self.report.schema))
    }
}

fn section(id: &'static str, heading: &str) -> Element {
    Element::new("section")
        .with("id", id)
        .child(Element::new("h2").text(heading))
}

fn anchor(table: usize) -> String {
    format!("table-{}", table + 1)
}

/// A table of rows below headings.
fn table_of(
    class: &'static str,
    headings: &[&str],
    rows: impl Iterator<Item = Element>,
) -> Element {
    let headings = headings
        .iter()
        .map(|heading| Element::new("th").with("scope", "col").text(heading));
    Element::of("table", class)
        .child(Element::new("thead").child(Element::new("tr").children(headings)))
        .child(Element::new("tbody").children(rows))
}

/// A phrase as a sentence, with a capital letter and a full stop.
fn sentence(mut phrase: Phrase) -> Element {
    if let Some(Part::Words(first)) = phrase.0.first_mut() {
        let mut characters = first.chars();
        if let Some(letter) = characters.next() {
            *first = letter.to_uppercase().chain(characters).collect();
        }
    }

    let is_ended = matches!(phrase.0.last(), Some(Part::Words(last)) if last.ends_with('.'));
    let sentence = spoken(phrase);

    if is_ended {
        sentence
    } else {
        sentence.text(".")
    }
}

/// A phrase as it is.
fn spoken(phrase: Phrase) -> Element {
    phrase
        .0
        .into_iter()
        .fold(Element::new("span"), |said, part| match part {
            Part::Words(words) => said.text(words),
            Part::Code(code) => said.child(Element::new("code").text(code)),
        })
}

/// A word that stands out; its colour says the same.
fn badge(class: &str, word: impl std::fmt::Display) -> Element {
    Element::of("span", &format!("badge {class}")).text(word)
}

#[cfg(test)]
mod tests;
