use std::collections::BTreeSet;

use rls_core::model::Columns;
use rls_core::schema::TableChange;
use rls_core::{Change, Identifier, Privilege, TableName};

use super::{Page, badge, section, table_of};
use crate::report::Role;
use crate::report::element::Element;

/// Attributes with which a role bypasses row security, or can make itself one that does.
const DANGEROUS: [&str; 4] = ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION"];

impl Page<'_> {
    pub(super) fn roles(&self) -> Element {
        let rows = self.report.roles.iter().map(|role| self.role(role));
        section("roles", "Roles and grants")
            .child(table_of(
                "roles",
                &[
                    "Role",
                    "What it is",
                    "Attributes",
                    "Member of",
                    "Its members",
                ],
                rows,
            ))
            .children(self.changes_elsewhere())
            .child(Element::new("h3").text("Who was granted what"))
            .child(Element::new("p").text(
                "A grant lets a role use a table; policies decide which rows it reaches. A table's \
                 owner needs no grant, and policies hold for the owner only if row security is \
                 forced.",
            ))
            .child(self.grants())
    }

    fn role(&self, role: &Role) -> Element {
        let row = Element::new("tr")
            .child(
                Element::new("th")
                    .with("scope", "row")
                    .child(Element::new("code").text(&role.name)),
            )
            .child(Element::new("td").text(self.what(&role.name)));

        let Some(actual) = &role.actual else {
            return row.child(
                Element::new("td")
                    .with("colspan", 3)
                    .child(badge("error", "does not exist")),
            );
        };

        let attributes = actual.attributes.iter().map(|attribute| {
            let class = if DANGEROUS.contains(attribute) {
                "warning"
            } else {
                "plain"
            };
            badge(class, attribute)
        });

        row.child(labelled("Attributes").children(attributes))
            .child(names("Member of", &actual.member_of))
            .child(names("Its members", &actual.members))
    }

    fn what(&self, role: &Identifier) -> String {
        let report = self.report;
        let mut words = Vec::new();
        if role == report.config.app_role() {
            words.push("the application logs in as it");
        }

        if role == report.config.admin_role() {
            words.push("administrators log in as it; policies let it reach every row");
        }

        if role == &report.login {
            words.push("the migrations log in as it, and so did this report");
        }

        let actual = report
            .tables
            .iter()
            .filter_map(|table| table.actual.as_ref())
            .chain(&report.unmanaged);

        if actual.clone().any(|actual| actual.owner == *role) {
            words.push("owns tables");
        }

        if words.is_empty() {
            "grants or policies name it".to_owned()
        } else {
            words.join("; ")
        }
    }

    fn grants(&self) -> Element {
        let actual = || {
            let actual = self
                .report
                .tables
                .iter()
                .filter_map(|table| table.actual.as_ref());
            actual.chain(&self.report.unmanaged)
        };

        let config = &self.report.config;
        let named = [config.app_role(), config.admin_role()];
        let granted = actual().flat_map(|actual| {
            let granted = actual.grants.keys().chain(actual.columns.keys());
            granted.filter(|role| **role != actual.owner)
        });
        let others: BTreeSet<&Identifier> = granted.filter(|role| !named.contains(role)).collect();
        let columns: Vec<&Identifier> = named.into_iter().chain(others).collect();
        let mut headings = vec!["Table"];

        headings.extend(columns.iter().map(|role| {
            if role.as_str() == "public" {
                "everyone"
            } else {
                role.as_str()
            }
        }));

        let rows = actual().map(|actual| {
            let cells = columns.iter().map(|role| {
                if **role == actual.owner {
                    return Element::new("td").text("owner");
                }

                privileges(actual.grants.get(*role), actual.columns.get(*role))
            });

            Element::new("tr")
                .child(
                    Element::new("th")
                        .with("scope", "row")
                        .child(self.granted_name(&actual.table)),
                )
                .children(cells)
        });

        Element::of("div", "scroll")
            .with("tabindex", "0")
            .child(table_of("grants", &headings, rows))
    }

    fn granted_name(&self, table: &TableName) -> Element {
        let changed = self
            .report
            .changes_of(table)
            .any(|change| matches!(change, Change::Table(_, TableChange::Privilege(_))));

        Element::new("span")
            .child(self.name(table))
            .when(changed, || badge("error", "differs"))
    }
}

/// A cell with a label of its own, which a page too narrow for headings shows.
fn labelled(label: &'static str) -> Element {
    Element::new("td").with("data-label", label)
}

fn names(label: &'static str, names: &BTreeSet<Identifier>) -> Element {
    if names.is_empty() {
        return labelled(label).text("–");
    }

    let mut cell = labelled(label);
    for (at, name) in names.iter().enumerate() {
        cell = if at > 0 { cell.text(", ") } else { cell };
        cell = cell.child(Element::new("code").text(name));
    }

    cell
}

/// The privileges that the two roles get in words; others as PostgreSQL spells them, marked. Those on
/// columns have them in parentheses.
fn privileges(on_table: Option<&BTreeSet<Privilege>>, on_columns: Option<&Columns>) -> Element {
    let on_table = on_table.into_iter().flatten();
    let on_table = on_table.map(|privilege| (*privilege, String::new()));
    let on_columns = on_columns.into_iter().flatten();
    let on_columns = on_columns.map(|(privilege, columns)| {
        let columns: Vec<&str> = columns.iter().map(Identifier::as_str).collect();
        (*privilege, format!(" ({})", columns.join(", ")))
    });

    let all: Vec<(Privilege, String)> = on_table.chain(on_columns).collect();
    if all.is_empty() {
        return Element::new("td").text("–");
    }

    let word = |privilege: Privilege| match privilege {
        Privilege::Select => Some("read"),
        Privilege::Insert => Some("add"),
        Privilege::Update => Some("change"),
        Privilege::Delete => Some("delete"),
        _ => None,
    };

    let usual = all
        .iter()
        .filter_map(|(privilege, columns)| Some([word(*privilege)?, columns.as_str()].concat()));
    let others = all
        .iter()
        .filter(|(privilege, _)| word(*privilege).is_none());

    Element::new("td")
        .text(usual.collect::<Vec<_>>().join(", "))
        .children(others.map(|(privilege, columns)| {
            badge("error", [privilege.as_sql(), columns.as_str()].concat())
        }))
}
