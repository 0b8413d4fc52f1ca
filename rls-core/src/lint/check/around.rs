use std::collections::BTreeSet;

use super::revokes;
use crate::lint::case::Case;
use crate::lint::facts::{Definer, Grantee, Kind, Oid};
use crate::lint::finding::Finding;
use crate::lint::remedy::Remedy;
use crate::lint::rule;
use crate::sql::{identifier, table};

/// Ways to scoped rows that lead past their table.
pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for definer in &case.facts.definers {
        if definer.owner_bypasses || case.owns_scoped(definer.owner) {
            found.push(function(definer));
        }
    }
    children(case, found);
    for rewrite in &case.facts.rewrites {
        let Some((relation, _)) = case.scoped_table(rewrite.relation) else { continue };
        let why = format!("what it adds to statements runs as the table's owner `{}`", relation.owner_name);
        let drop = format!("DROP RULE {} ON {}", identifier(&rewrite.name), table(&relation.name));
        found.push(Finding::new(&rule::RLS312, format!("{}.{}", relation.name, rewrite.name), why, Remedy::sql(drop)));
    }
    for trigger in &case.facts.triggers {
        let Some((relation, _)) = case.scoped_table(trigger.relation) else { continue };
        if trigger.owner_bypasses || case.owns_scoped(trigger.owner) {
            let why =
                format!("`{}` sees and writes as `{}` what the user may not", trigger.function, trigger.owner_name);
            let remedy = Remedy::sql(format!("ALTER FUNCTION {} SECURITY INVOKER", trigger.function));
            found.push(Finding::new(&rule::RLS313, format!("{}.{}", relation.name, trigger.name), why, remedy));
        }
    }
    for publication in &case.facts.publications {
        let Some((relation, _)) = case.scoped_table(publication.relation) else { continue };
        let why = format!("`{}` sends every row to subscribers, whatever the policies say", publication.name);
        let remedy = if publication.named {
            let name = identifier(&publication.name);
            Remedy::sql(format!("ALTER PUBLICATION {name} DROP TABLE {}", table(&relation.name)))
        } else {
            Remedy::words("list its tables one by one, without this")
        };
        found.push(Finding::new(&rule::RLS314, &relation.name, why, remedy));
    }
}

fn function(definer: &Definer) -> Finding {
    let Definer { function, owner_name, grantee, .. } = definer;
    if definer.has_search_path {
        let why = format!("{grantee} may call it, and it sees as `{owner_name}` what the caller may not");
        let remedy = Remedy::sql(format!("REVOKE EXECUTE ON FUNCTION {function} FROM {grantee}"));
        return Finding::new(&rule::RLS308, function, why, remedy);
    }
    let why =
        format!("who calls it can put tables and functions in the way of those it names, and act as `{owner_name}`");
    let schema = identifier(&definer.schema);
    let remedy = Remedy::sql(format!("ALTER FUNCTION {function} SET search_path = pg_catalog, {schema}, pg_temp"));
    Finding::new(&rule::RLS309, function, why, remedy)
}

fn children(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, child) in &case.facts.relations {
        let is_guarded = child.enabled && child.kind == Kind::Table || case.scoped_table(*oid).is_some();
        let Some(parent) = ancestors(case, *oid).into_iter().find_map(|parent| case.scoped_table(parent)) else {
            continue;
        };
        let grantees: Vec<Grantee> = case.grants_on(*oid).map(|grant| grant.grantee.clone()).collect();
        if is_guarded || grantees.is_empty() {
            continue;
        }
        let why = format!("the policies of `{}` hold for what is asked of it, and not for its parts", parent.0.name);
        let name = table(&child.name);
        let remedy = revokes(|grantee| format!("REVOKE ALL ON {name} FROM {grantee}"), grantees);
        found.push(Finding::new(&rule::RLS310, &child.name, why, remedy));
    }
}

/// The tables that this one is a part or child of, however far up.
pub(super) fn ancestors(case: &Case<'_>, child: Oid) -> BTreeSet<Oid> {
    let mut found = BTreeSet::new();
    let mut ask = vec![child];
    while let Some(oid) = ask.pop() {
        for parent in case.facts.parents.get(&oid).into_iter().flatten() {
            if found.insert(*parent) {
                ask.push(*parent);
            }
        }
    }
    found
}
