//! Signed contexts: what reads a key, and what is evaluated before a policy.

use super::revokes;
use crate::config::SignedContexts;
use crate::doctor::case::Case;
use crate::doctor::facts::{Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::model::signed_context;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    match case.config.signs_contexts() {
        SignedContexts::Off => {}
        SignedContexts::Sent => keys(case, findings),
        SignedContexts::Required => {
            keys(case, findings);
            costs(case, findings);
        }
    }
}

/// Who has a key makes contexts of any user.
fn keys(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for key in &case.facts.keys {
        let Some(keys) = case.facts.relations.get(key) else {
            continue;
        };

        for (oid, relation) in &case.facts.relations {
            let how = if oid == key {
                "is"
            } else if reads(case, *oid, relation, (*key, keys)) {
                "reads"
            } else if case.facts.inheritance.ancestors(*key).contains(oid) {
                "shows the rows of"
            } else {
                continue;
            };

            if !case.grants_on(*oid).is_empty() {
                let why = format!(
                    "it {how} `{}`: who has a key can act as any user",
                    keys.name
                );
                let name = table(&relation.name);
                let remedy = revokes(
                    &relation.owner_name,
                    |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
                    case.grantees_on(*oid),
                );
                findings.push(Finding::new(&rules::RLS026, &relation.name, why, remedy));
            }
        }

        for rewrite in &case.facts.rewrites {
            if rewrite.relation == *key {
                let drop = format!(
                    "DROP RULE {} ON {}",
                    identifier(&rewrite.name),
                    table(&keys.name)
                );
                findings.push(Finding::new(
                    &rules::RLS026,
                    format!("{}.{}", keys.name, rewrite.name),
                    "what is written to the table of the keys goes elsewhere too",
                    Remedy::sql(keys.owned(), drop),
                ));
            }
        }
    }
}

/// Whether it is a view over the keys, other than the one beside them that verifies contexts.
fn reads(case: &Case<'_>, oid: Oid, relation: &Relation, (key, keys): (Oid, &Relation)) -> bool {
    let verifies = relation.name.table.as_str() == signed_context::VIEW
        && relation.name.schema == keys.name.schema;
    !verifies && case.facts.readers.contains(&(oid, key))
}

fn costs(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let dear = &case.facts.dear;
    if dear.is_empty() {
        return;
    }

    let functions: Vec<String> = dear
        .iter()
        .map(|function| format!("'pg_catalog.{function}'::regprocedure"))
        .collect();
    let lower = format!(
        "UPDATE pg_catalog.pg_proc SET procost = 0 WHERE oid IN ({})",
        functions.join(", ")
    );
    let why = "the server evaluates the cheapest conditions first: one of an injected statement can \
               be cheaper than a policy's, and tell what is in a row that the policy hides";

    findings.push(Finding::new(
        &rules::RLS025,
        "pg_catalog.pg_proc",
        why,
        Remedy::sql(RunAs::Superuser, lower).then_restart(),
    ));
}
