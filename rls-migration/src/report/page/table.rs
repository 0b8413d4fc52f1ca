use rls_core::schema::read::{TablePolicy, TableSecurity};
use rls_core::{Change, Policy, PolicyKind};

use super::{Page, anchor, badge, section, sentence, table_of};
use crate::report::compare::{Line, State};
use crate::report::element::Element;
use crate::report::words::{self, Phrase};
use crate::report::{Compared, Table};

impl Page<'_> {
    pub(super) fn tables(&self) -> Element {
        section("tables", "Tables and their policies")
            .children(self.scoped().map(|(at, table)| self.table(at, table)))
    }

    fn table(&self, at: usize, table: &Table) -> Element {
        let said = words::scope(
            &table.scope,
            &table.desired,
            &self.report.config,
            &self.holders,
        );

        let part = Element::of("article", "table")
            .with("id", anchor(at))
            .child(Element::new("h3").child(self.name(&table.name)))
            .child(match &table.actual {
                Some(actual) => state(actual),
                None => Element::of("p", "state").child(badge("error", "not in the database")),
            })
            .when(!self.is_as_desired(table), || {
                Element::of("p", "statement warning").text(
                    "This is what the program asks for. What differs in the database, or was not \
                     compared, is marked below.",
                )
            })
            .child(
                Element::of("ul", "scope").children(
                    said.into_iter()
                        .map(|said| Element::new("li").child(sentence(said))),
                ),
            );

        let lines = self.lines(table);
        let rows = lines.iter().map(|line| self.policy(line));
        let changes: Vec<&Change> = self.report.changes_of(&table.name).collect();

        part.when(!lines.is_empty(), || {
            table_of(
                "policies",
                &["Policy", "In words", "SQL in the database"],
                rows,
            )
        })
        .when(!changes.is_empty(), || changed(&changes))
    }

    fn policy(&self, line: &Line<'_>) -> Element {
        let word = match &line.state {
            State::AsDesired => None,
            State::Differs => Some(badge("error", "differs")),
            State::Missing => Some(badge("error", "missing")),
            State::Renamed(_) => Some(badge("warning", "under another name")),
            State::NoLongerDesired => Some(badge("warning", "no longer desired")),
            State::ByHand => Some(badge("warning", "made by hand")),
            State::Unknown => Some(badge("warning", "not compared")),
        };

        let subject = line.actual.or(line.desired);
        let mut named = Element::new("td")
            .child(Element::of("div", "name").child(Element::new("code").text(line.name)));
        if let Some(policy) = subject {
            named = named.child(Element::of("div", "kind").text(kind(policy)));
        }

        let said = self.said(line);
        let mut words = Element::new("td").children(
            said.into_iter()
                .map(|said| Element::new("p").child(sentence(said))),
        );

        if let Some(comment) = subject.and_then(|policy| policy.comment.as_ref()) {
            words = words.child(Element::of("p", "comment").text(format!("Comment: {comment}")));
        }

        let mut sql = Element::new("td");
        if line.state == State::Missing {
            sql = sql.child(Element::new("p").text("Not in the database. Desired:"));
        }

        let row = if line.state == State::AsDesired {
            Element::new("tr")
        } else {
            Element::of("tr", "marked")
        };

        row.child(named.children(word))
            .child(words)
            .child(match subject {
                Some(policy) => sql.child(Element::new("pre").text(conditions(policy))),
                None => sql,
            })
    }

    fn said(&self, line: &Line<'_>) -> Vec<Phrase> {
        let desired = line
            .desired
            .map(|policy| words::policy(policy, &self.report.config, &self.holders));
        let note = match &line.state {
            State::AsDesired | State::Missing => None,
            State::Differs => Some(Phrase::words(
                "the database holds another policy: the SQL is the actual one, the words are the \
                 desired one",
            )),
            State::Renamed(was) => Some(Phrase::words("its name in the database is ").code(was)),
            State::NoLongerDesired => Some(Phrase::words(
                "an earlier version of the entities asked for it, and none does now",
            )),
            State::ByHand => Some(Phrase::words(
                "it was made by hand: only its SQL says what it does",
            )),
            State::Unknown => Some(Phrase::words("the SQL was not compared with these words")),
        };

        desired.into_iter().chain(note).collect()
    }

    pub(super) fn unscoped(&self) -> Element {
        let tables = self
            .report
            .tables
            .iter()
            .filter(|table| table.scope.unscoped.is_some());

        let rows = tables.map(|table| {
            let said = words::scope(
                &table.scope,
                &table.desired,
                &self.report.config,
                &self.holders,
            );

            let said = said
                .into_iter()
                .map(|said| Element::new("p").child(sentence(said)));
            let enabled = table.actual.as_ref().is_some_and(|actual| actual.enabled);

            Element::new("tr")
                .child(
                    Element::new("th")
                        .with("scope", "row")
                        .child(self.name(&table.name))
                        .when(table.actual.is_none(), || {
                            badge("error", "not in the database")
                        })
                        .when(enabled, || badge("warning", "row security is enabled")),
                )
                .child(Element::new("td").children(said))
        });

        section("unscoped", "Tables without row security")
            .child(Element::new("p").text("The entities declare that these need none, and why."))
            .child(table_of(
                "unscoped",
                &["Table", "Why, and who may do what"],
                rows,
            ))
            .children(
                self.report
                    .tables
                    .iter()
                    .filter(|table| table.scope.unscoped.is_some())
                    .filter_map(|table| {
                        let changes: Vec<&Change> = self.report.changes_of(&table.name).collect();
                        (!changes.is_empty()).then(|| changed(&changes))
                    }),
            )
    }

    pub(super) fn unmanaged(&self) -> Element {
        let parts = self.report.unmanaged.iter().map(|actual| {
            let rows = actual.policies.iter().map(|TablePolicy { policy, .. }| {
                let named = Element::new("td").child(
                    Element::of("div", "name").child(Element::new("code").text(&policy.name)),
                );
                Element::new("tr")
                    .child(named.child(Element::of("div", "kind").text(kind(policy))))
                    .child(Element::new("td").text(roles(policy)))
                    .child(Element::new("td").child(Element::new("pre").text(conditions(policy))))
            });

            let part = Element::of("article", "table")
                .child(Element::new("h3").child(self.name(&actual.table)))
                .child(state(actual));
            if actual.policies.is_empty() {
                return part.child(Element::new("p").text(
                    "It has no policies: only its owner reaches its rows, or nobody if row security \
                     is forced.",
                ));
            }

            part.child(table_of(
                "policies",
                &["Policy", "For", "SQL in the database"],
                rows,
            ))
        });

        section("unmanaged", "Unmanaged tables")
            .child(Element::new("p").text(
                "These tables have row security in the database, and no entity is registered for \
                 them. The program does not manage their policies, and this page does not put them \
                 into words.",
            ))
            .children(parts)
    }

    /// Changes that belong to no table.
    pub(super) fn changes_elsewhere(&self) -> Option<Element> {
        let Compared::Plan { changes, .. } = &self.report.compared else {
            return None;
        };
        let elsewhere: Vec<&Change> = changes
            .iter()
            .filter(|change| change.table().is_none())
            .collect();

        (!elsewhere.is_empty()).then(|| changed(&elsewhere))
    }
}

/// Flags and owner.
fn state(actual: &TableSecurity) -> Element {
    let flags = match (actual.enabled, actual.forced) {
        (true, true) => badge("good", "row security enabled and forced"),
        (true, false) => badge("error", "not forced: its owner sees every row"),
        (false, _) => badge(
            "error",
            "row security is off: every role with a grant reaches every row",
        ),
    };

    Element::of("p", "state")
        .child(flags)
        .text(" owned by ")
        .child(Element::new("code").text(&actual.owner))
}

pub(super) fn changed(changes: &[&Change]) -> Element {
    let sql: Vec<String> = changes
        .iter()
        .flat_map(|change| change.sql())
        .map(|sql| format!("{sql};"))
        .collect();

    let weakens = changes.iter().any(|change| change.weakens().is_some());

    Element::of("div", "differences")
        .child(
            Element::new("p")
                .child(badge("error", "differs"))
                .text(if weakens {
                    " To make it as the entities say; some of these let more rows be reached:"
                } else {
                    " To make it as the entities say:"
                }),
        )
        .child(Element::new("pre").text(sql.join("\n")))
}

fn kind(policy: &Policy) -> String {
    let kind = match policy.kind {
        PolicyKind::Permissive => "permissive",
        PolicyKind::Restrictive => "restrictive",
    };

    format!(
        "{kind}, for {}, {}",
        policy.command().as_sql(),
        roles(policy)
    )
}

fn roles(policy: &Policy) -> String {
    if policy.roles.is_empty() {
        return "to everyone".to_owned();
    }

    let roles: Vec<&str> = policy
        .roles
        .iter()
        .map(rls_core::Identifier::as_str)
        .collect();

    format!("to {}", roles.join(", "))
}

/// The conditions as SQL; one that both sides share is printed once.
fn conditions(policy: &Policy) -> String {
    match (policy.using(), policy.with_check()) {
        (Some(using), Some(check)) if using == check => format!("USING and WITH CHECK ({using})"),
        (Some(using), Some(check)) => format!("USING ({using})\nWITH CHECK ({check})"),
        (Some(using), None) => format!("USING ({using})"),
        (None, Some(check)) => format!("WITH CHECK ({check})"),
        (None, None) => "no condition".to_owned(),
    }
}
