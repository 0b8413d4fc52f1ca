//! The foreign keys of owner columns.

use crate::doctor::case::Case;
use crate::doctor::facts::{ForeignKeyFact, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
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
    }
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
                Remedy::Sql(idle.chain(add.sql()).collect()),
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
        name: UsedNames::default().foreign_key(&relation.name, column),
        column: column.clone(),
        foreign_key: desired.clone(),
    })
}

fn unproven(relation: &Relation, key: &ForeignKeyFact) -> Finding {
    Finding::new(
        &rules::RLS205,
        format!("{}.{}", relation.name, key.name),
        "rows from before the key was added may name owners that do not exist",
        Remedy::sql(alter(relation, "VALIDATE", key)),
    )
}

fn fit(case: &Case<'_>, column: &Identifier, desired: &ForeignKey, key: &ForeignKeyFact) -> KeyFit {
    let ([from], [to], Some(parent)) = (
        key.columns.as_slice(),
        key.parent_columns.as_slice(),
        case.facts.relations.get(&key.parent),
    ) else {
        return KeyFit::Other;
    };

    let actual = Key {
        column: from,
        table: &parent.name,
        parent_column: to,
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
