//! The foreign keys of owner columns.

use std::collections::BTreeMap;

use crate::doctor::case::{Case, Table};
use crate::doctor::expression::names;
use crate::doctor::facts::{ForeignKeyFact, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::model::policy::Canonical;
use crate::model::scope::ForeignKey;
use crate::name::Identifier;
use crate::schema::plan::{Change, ForeignKeyChange, TableChange};
use crate::schema::table::serves::{self, Key, KeyFit};
use crate::schema::used::UsedNames;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        for column in &registered.desired.columns {
            if let Some(desired) = &column.foreign_key {
                foreign_key(case, (oid, relation), &column.name, desired, findings);
            }
        }

        let keys = case.facts.foreign_keys.iter();
        for key in keys.filter(|key| key.relation == oid) {
            findings.extend(unbound(case, (oid, relation), registered, key));
        }
    }
}

/// A column that refers to the users or tenants, and that anyone may write as they like.
fn unbound(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    registered: &Table<'_>,
    key: &ForeignKeyFact,
) -> Option<Finding> {
    let ([column], true) = (key.columns.as_slice(), is_identity(case, key.parent)) else {
        return None;
    };

    let scope = registered.scope;
    let is_declared = scope.keys.iter().any(|key| key.column == *column)
        || scope.through.iter().any(|it| it.column == *column);

    let policies = case.facts.policies.get(&oid);
    let conditions = policies
        .into_iter()
        .flat_map(BTreeMap::values)
        .flat_map(|actual| [actual.policy.using(), actual.policy.with_check()])
        .flatten();
    let is_read = conditions
        .map(Canonical::as_str)
        .any(|printed| names(printed, column));

    if is_declared || is_read {
        return None;
    }

    let parent = case.facts.relations.get(&key.parent)?;
    let why = format!(
        "it refers to `{}`: a user can write any key of that table into it, and it gives nobody the row",
        parent.name
    );
    let remedy = Remedy::words(format!(
        "if it says to whom the row belongs, declare it (`owner = \"{column}\"`, or `column` for \
         tenants) or read it in a policy; if it is only a note, such as who was assigned, allow the \
         finding"
    ));

    Some(Finding::new(
        &rules::RLS211,
        format!("{}.{column}", relation.name),
        why,
        remedy,
    ))
}

/// Whether the rows of a table are the users or tenants.
fn is_identity(case: &Case<'_>, table: Oid) -> bool {
    let registered = case
        .tables
        .iter()
        .find(|it| it.actual.is_some_and(|(oid, _)| oid == table));

    registered.is_some_and(|it| it.scope.keys.iter().any(|key| key.owned().is_none()))
}

fn foreign_key(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    column: &Identifier,
    desired: &ForeignKey,
    findings: &mut Vec<Finding>,
) {
    let fits: Vec<(KeyFit, &ForeignKeyFact)> = case
        .facts
        .foreign_keys
        .iter()
        .filter(|key| key.relation == oid)
        .map(|key| (fit(case, column, desired, key), key))
        .collect();

    let best = fits.iter().map(|(fit, _)| *fit).max();
    let of = |one: KeyFit| fits.iter().filter(move |(fit, _)| *fit == one);

    match best.unwrap_or(KeyFit::Other) {
        KeyFit::Other | KeyFit::NotEnforced => {
            let why = format!(
                "rows stay when their owner is deleted from `{}`, and belong to whoever gets \
                 that key next",
                desired.table
            );

            // A key that is not enforced may have the name.
            let drop = |key: &ForeignKeyFact| alter(relation, "DROP", key);
            let idle = of(KeyFit::NotEnforced).map(|(_, key)| drop(key));
            let add = add(case, relation, column, desired);
            let add = Change::on(relation.name.clone(), add);

            findings.push(Finding::new(
                &rules::RLS204,
                format!("{}.{column}", relation.name),
                why,
                Remedy::statements(
                    referring(case, relation, desired),
                    idle.chain(add.sql()).collect(),
                ),
            ));
        }
        KeyFit::Unproven => {
            findings.extend(of(KeyFit::Unproven).map(|(_, key)| unproven(relation, key)));
        }
        // A key with another action is in the plan, if there is one.
        KeyFit::OtherAction if case.plan.is_none() => {
            let keys = of(KeyFit::OtherAction).filter(|(_, key)| !key.validated);
            findings.extend(keys.map(|(_, key)| unproven(relation, key)));
        }
        KeyFit::OtherAction | KeyFit::Serves => {}
    }
}

/// Who can add the key: the owner of both tables. To refer to a table of another is a privilege.
fn referring(case: &Case<'_>, relation: &Relation, desired: &ForeignKey) -> RunAs {
    let parent = desired.table.found_in(&case.facts.server.schemas);
    let parent = case.facts.relations.values().find(|it| it.name == parent);

    if parent.is_some_and(|parent| parent.owner == relation.owner) {
        relation.owned()
    } else {
        RunAs::Superuser
    }
}

/// The change that adds the key: the plan's, whose name is free, or one with the usual name.
fn add(
    case: &Case<'_>,
    relation: &Relation,
    column: &Identifier,
    desired: &ForeignKey,
) -> ForeignKeyChange {
    let planned = case
        .planned(&relation.name)
        .find_map(|change| match change {
            TableChange::ForeignKey(add @ ForeignKeyChange::Add { column: of, .. })
                if of == column =>
            {
                Some(add.clone())
            }
            _ => None,
        });

    planned.unwrap_or_else(|| ForeignKeyChange::Add {
        name: UsedNames::default().foreign_key(&relation.name, std::slice::from_ref(column)),
        column: column.clone(),
        foreign_key: desired.clone(),
    })
}

fn unproven(relation: &Relation, key: &ForeignKeyFact) -> Finding {
    Finding::new(
        &rules::RLS205,
        format!("{}.{}", relation.name, key.name),
        "rows from before the key was added may name owners that do not exist",
        Remedy::sql(relation.owned(), alter(relation, "VALIDATE", key)),
    )
}

fn fit(case: &Case<'_>, column: &Identifier, desired: &ForeignKey, key: &ForeignKeyFact) -> KeyFit {
    let Some(parent) = case.facts.relations.get(&key.parent) else {
        return KeyFit::Other;
    };

    let actual = Key {
        columns: &key.columns,
        table: &parent.name,
        parent_columns: &key.parent_columns,
        on_delete: key.on_delete,
        validated: key.validated,
        enforced: key.enforced,
    };

    serves::key(column, desired, &actual)
}

fn alter(relation: &Relation, verb: &str, key: &ForeignKeyFact) -> String {
    format!(
        "ALTER TABLE {} {verb} CONSTRAINT {}",
        table(&relation.name),
        identifier(&key.name)
    )
}
