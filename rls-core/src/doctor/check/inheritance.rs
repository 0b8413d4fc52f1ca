//! Partitions, inheriting tables and parents of scoped tables: each has policies of its own.

use std::collections::BTreeSet;

use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    children(case, findings);
    parents(case, findings);
}

fn children(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, child) in &case.facts.relations {
        let parent = case
            .facts
            .inheritance
            .ancestors(*oid)
            .into_iter()
            .find_map(|parent| case.scoped_table(parent));

        let Some((parent, _)) = parent.filter(|_| is_open(case, *oid, child)) else {
            continue;
        };

        let why = format!(
            "the policies of `{}` apply to statements that name it, not to those that name this \
             table",
            parent.name
        );

        let remedy = revoke_all(case, *oid, child);
        findings.push(Finding::new(&rules::RLS310, &child.name, why, remedy));
    }
}

fn parents(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let mut reported = BTreeSet::new();
    for (oid, relation, _) in case.scoped() {
        for ancestor in case.facts.inheritance.ancestors(oid) {
            let Some(parent) = case.facts.relations.get(&ancestor) else {
                continue;
            };
            if !is_open(case, ancestor, parent) || !reported.insert(ancestor) {
                continue;
            }

            let why = format!(
                "a query of it returns rows of `{}`, whatever the policies there say",
                relation.name
            );

            let remedy = revoke_all(case, ancestor, parent);
            findings.push(Finding::new(&rules::RLS315, &parent.name, why, remedy));
        }
    }
}

/// Whether the application may read or write a relative, and neither a scope nor row security of
/// its own restricts it.
fn is_open(case: &Case<'_>, oid: Oid, relation: &Relation) -> bool {
    let is_closed =
        relation.kind == Kind::Table && relation.enabled && case.lets_nobody_through(oid);

    !is_closed && case.scoped_table(oid).is_none() && !case.grants_on(oid).is_empty()
}

fn revoke_all(case: &Case<'_>, oid: Oid, relation: &Relation) -> Remedy {
    let name = table(&relation.name);

    revokes(
        &relation.owner_name,
        |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
        case.grantees_on(oid),
    )
}
