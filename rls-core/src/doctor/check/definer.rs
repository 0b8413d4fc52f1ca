//! `SECURITY DEFINER` functions and triggers, which run as their owner.

use crate::doctor::case::Case;
use crate::doctor::facts::{Definer, Grant, Oid, Relation, TriggerFact};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::name::{Identifier, TableName};
use crate::sql::identifier;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for definer in &case.facts.definers {
        if definer.owner_bypasses || case.owns_scoped(definer.owner) {
            findings.push(function(definer));
        }
    }

    for trigger in &case.facts.triggers {
        let Some(relation) = fired_on(case, trigger.relation) else {
            continue;
        };
        if trigger.definer && (trigger.owner_bypasses || case.owns_scoped(trigger.owner)) {
            findings.push(self::trigger(&relation.name, trigger));
        }
    }
}

/// The relation, if statements of the application fire its triggers.
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
        called,
        called_owner,
        owner_name,
        grantee,
        ..
    } = definer;

    if definer.fixed_path {
        let way = if called == function {
            "it".to_owned()
        } else {
            format!("aggregate `{called}`, which calls it")
        };
        let why = format!(
            "{grantee} may call {way}, and as `{owner_name}` it sees what the caller may not see"
        );
        let revoke = format!("REVOKE EXECUTE ON ROUTINE {called} FROM {grantee}");
        let remedy = Remedy::sql(RunAs::Role(called_owner.clone()), revoke);
        return Finding::new(&rules::RLS308, function, why, remedy);
    }

    open_path(function, &definer.schema, owner_name)
}

fn trigger(on: &TableName, trigger: &TriggerFact) -> Finding {
    let TriggerFact {
        function,
        owner_name,
        ..
    } = trigger;

    if !trigger.fixed_path {
        return open_path(function, &trigger.schema, owner_name);
    }

    let why = format!(
        "as `{owner_name}`, `{function}` reads and writes what the user may not read and write"
    );
    let alter = format!("ALTER ROUTINE {function} SECURITY INVOKER");
    let remedy = Remedy::sql(RunAs::Role(owner_name.clone()), alter);

    Finding::new(
        &rules::RLS313,
        format!("{on}.{}", trigger.name),
        why,
        remedy,
    )
}

/// A function whose names are resolved in its caller's `search_path`.
fn open_path(function: &str, schema: &Identifier, owner: &Identifier) -> Finding {
    let why = format!(
        "a caller can create tables and functions that shadow those it names, and act as `{owner}`; \
         with a fixed path it still reads and writes as `{owner}`, past the policies"
    );

    let schema = identifier(schema);
    let alter = format!("ALTER ROUTINE {function} SET search_path = pg_catalog, {schema}, pg_temp");
    let remedy = Remedy::sql(RunAs::Role(owner.clone()), alter);

    Finding::new(&rules::RLS309, function, why, remedy)
}
