use std::collections::BTreeSet;

use super::revokes;
use crate::doctor::case::Case;
use crate::doctor::facts::{Definer, Grant, Grantee, Kind, Oid, Relation, TriggerFact};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;
use crate::sql::{identifier, table};

/// Ways to scoped rows that lead past their table.
pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for definer in &case.facts.definers {
        if definer.owner_bypasses || case.owns_scoped(definer.owner) {
            found.push(function(definer));
        }
    }

    children(case, found);
    parents(case, found);
    rewrites(case, found);

    for trigger in &case.facts.triggers {
        let Some(relation) = fired_on(case, trigger.relation) else {
            continue;
        };
        if trigger.definer && (trigger.owner_bypasses || case.owns_scoped(trigger.owner)) {
            found.push(self::trigger(&relation.name, trigger));
        }
    }

    publications(case, found);
}

/// The relation, where the application's statements fire its triggers.
fn fired_on<'a>(case: &'a Case<'_>, oid: Oid) -> Option<&'a Relation> {
    // Statements on a partitioned table fire the triggers of its parts, and need no grant on them.
    let writes = |grant: &Grant| {
        matches!(
            grant.privilege.as_str(),
            "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE"
        )
    };

    let is_fired = case.rows_behind(oid).is_some()
        || !case.facts.audits.contains(&oid) && case.grants_on(oid).iter().any(writes);
    case.facts.relations.get(&oid).filter(|_| is_fired)
}

fn function(definer: &Definer) -> Finding {
    let Definer {
        function,
        owner_name,
        grantee,
        ..
    } = definer;

    if definer.fixed_path {
        let why =
            format!("{grantee} may call it, and it sees as `{owner_name}` what the caller may not");
        let remedy = Remedy::sql(format!(
            "REVOKE EXECUTE ON ROUTINE {function} FROM {grantee}"
        ));
        return Finding::new(&rules::RLS308, function, why, remedy);
    }

    loose(function, &definer.schema, owner_name)
}

/// A function whose names its caller can direct.
fn loose(function: &str, schema: &Identifier, owner: &Identifier) -> Finding {
    let why = format!(
        "who calls it can put tables and functions in the way of those it names, and act as \
         `{owner}`"
    );

    let schema = identifier(schema);
    let remedy = Remedy::sql(format!(
        "ALTER ROUTINE {function} SET search_path = pg_catalog, {schema}, pg_temp"
    ));

    Finding::new(&rules::RLS309, function, why, remedy)
}

fn trigger(on: &crate::name::TableName, trigger: &TriggerFact) -> Finding {
    let TriggerFact {
        function,
        owner_name,
        ..
    } = trigger;

    if !trigger.fixed_path {
        return loose(function, &trigger.schema, owner_name);
    }

    let why = format!("`{function}` sees and writes as `{owner_name}` what the user may not");
    let remedy = Remedy::sql(format!("ALTER ROUTINE {function} SECURITY INVOKER"));

    Finding::new(
        &rules::RLS313,
        format!("{on}.{}", trigger.name),
        why,
        remedy,
    )
}

fn children(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, child) in &case.facts.relations {
        let is_guarded = is_guarded(case, *oid, child);
        let ancestors = case.facts.inheritance.ancestors(*oid);
        let Some(parent) = ancestors
            .into_iter()
            .find_map(|parent| case.scoped_table(parent))
        else {
            continue;
        };

        let grantees = grantees(case, *oid);
        if is_guarded || grantees.is_empty() {
            continue;
        }

        let why = format!(
            "the policies of `{}` hold for what is asked of it, and not for its parts",
            parent.0.name
        );

        let name = table(&child.name);
        let remedy = revokes(
            |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
            grantees,
        );

        found.push(Finding::new(&rules::RLS310, &child.name, why, remedy));
    }
}

/// Whether a relative shows nothing of its own accord: it is looked after itself, or its row
/// security lets nobody through.
fn is_guarded(case: &Case<'_>, oid: Oid, relation: &Relation) -> bool {
    let is_closed =
        relation.kind == Kind::Table && relation.enabled && case.lets_nobody_through(oid);
    is_closed || case.scoped_table(oid).is_some()
}

/// What is asked of a parent is answered with the rows of its children, and asks none of their
/// policies.
fn parents(case: &Case<'_>, found: &mut Vec<Finding>) {
    let mut told = BTreeSet::new();
    for (oid, relation, _) in case.scoped() {
        for ancestor in case.facts.inheritance.ancestors(oid) {
            let Some(parent) = case.facts.relations.get(&ancestor) else {
                continue;
            };
            let grantees = grantees(case, ancestor);
            if is_guarded(case, ancestor, parent) || grantees.is_empty() || !told.insert(ancestor) {
                continue;
            }

            let why = format!(
                "what is asked of it is answered with rows of `{}`, whatever its policies",
                relation.name
            );

            let name = table(&parent.name);
            let remedy = revokes(
                |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
                grantees,
            );

            found.push(Finding::new(&rules::RLS315, &parent.name, why, remedy));
        }
    }
}

fn rewrites(case: &Case<'_>, found: &mut Vec<Finding>) {
    for rewrite in &case.facts.rewrites {
        let Some(relation) = case.facts.relations.get(&rewrite.relation) else {
            continue;
        };
        let why = if case.scoped_table(rewrite.relation).is_some() {
            format!(
                "what it adds to statements runs as the table's owner `{}`",
                relation.owner_name
            )
        } else {
            let reaches = |(reader, base): &&(Oid, Oid)| {
                *reader == rewrite.relation && case.scoped_table(*base).is_some()
            };
            let base = case
                .facts
                .readers
                .iter()
                .find(reaches)
                .and_then(|(_, base)| case.scoped_table(*base));

            let Some((base, _)) = base.filter(|_| !case.grants_on(rewrite.relation).is_empty())
            else {
                continue;
            };

            format!(
                "who writes `{}` reaches `{}` through it, as `{}`",
                relation.name, base.name, relation.owner_name
            )
        };

        let drop = format!(
            "DROP RULE {} ON {}",
            identifier(&rewrite.name),
            table(&relation.name)
        );

        found.push(Finding::new(
            &rules::RLS312,
            format!("{}.{}", relation.name, rewrite.name),
            why,
            Remedy::sql(drop),
        ));
    }
}

fn publications(case: &Case<'_>, found: &mut Vec<Finding>) {
    let mut told = BTreeSet::new();

    // A table that is named comes before its parts, which are published with it.
    let mut publications: Vec<_> = case.facts.publications.iter().collect();
    publications.sort_by_key(|publication| (!publication.named, publication.relation));

    for publication in publications {
        let Some((relation, _)) = case.rows_behind(publication.relation) else {
            continue;
        };
        let Some(sent) = case.facts.relations.get(&publication.relation) else {
            continue;
        };
        let object = if publication.named {
            relation.name.to_string()
        } else {
            publication.name.to_string()
        };

        if told.contains(&(&publication.name, relation.name.to_string()))
            || !told.insert((&publication.name, object.clone()))
        {
            continue;
        }

        let why = format!(
            "`{}` sends every row to subscribers, whatever the policies say",
            publication.name
        );

        let remedy = if publication.named {
            let name = identifier(&publication.name);
            Remedy::sql(format!(
                "ALTER PUBLICATION {name} DROP TABLE {}",
                table(&sent.name)
            ))
        } else {
            Remedy::words("list its tables one by one, without this")
        };

        found.push(Finding::new(&rules::RLS314, object, why, remedy));
    }
}

fn grantees(case: &Case<'_>, oid: Oid) -> Vec<Grantee> {
    case.grants_on(oid)
        .iter()
        .map(|grant| grant.grantee.clone())
        .collect()
}
