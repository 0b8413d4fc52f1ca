//! How Citus spreads tables over its nodes, and what cannot be on it.

use super::table::Table;
use crate::config::SignedContexts;
use crate::error::{NotOnCitus, SchemaError};
use crate::model::policy::Policy;
use crate::model::scope::Distribution;
use crate::name::{Identifier, TableName};
use crate::schema::desired::Desired;
use crate::schema::plan::{Change, DistributionChange, ForeignKeyChange, TableChange};
use crate::schema::snapshot::Snapshot;
use crate::sql;

/// Checks that Citus can have the tables as they are desired.
pub(super) fn check(
    tables: &[Table<'_>],
    desired: &Desired<'_>,
    snapshot: &Snapshot,
) -> Result<(), SchemaError> {
    if !snapshot.is_citus {
        return Ok(());
    }

    let is_signed = desired.config.signs_contexts() > SignedContexts::Off;
    for table in tables {
        if let Some(reason) = obstacle(table, is_signed).or_else(|| apart(table, tables)) {
            return Err(SchemaError::NotOnCitus {
                table: table.desired.table.to_string(),
                reason,
            });
        }
    }

    Ok(())
}

fn obstacle(table: &Table<'_>, is_signed: bool) -> Option<NotOnCitus> {
    let (desired, actual) = (&table.desired.distribution, &table.actual.distribution);
    let Some(distribution) = desired else {
        // Without policies nothing is in the way.
        let undeclared = actual.is_some() && table.desired.row_security.is_some();
        return undeclared.then_some(NotOnCitus::Undeclared);
    };

    if actual.as_ref().is_some_and(|actual| actual != distribution) {
        return Some(NotOnCitus::Otherwise);
    }

    if is_signed {
        return Some(NotOnCitus::Signed);
    }

    if let Distribution::By(column) = distribution {
        let lacking = table
            .actual
            .indexes
            .iter()
            .find(|index| index.unique && !index.columns.contains(column));
        if let Some(index) = lacking {
            let columns = index.columns.iter().map(ToString::to_string).collect();
            let column = column.to_string();
            return Some(NotOnCitus::Unique { columns, column });
        }
    }

    let policies = table.desired.policies.iter().map(|desired| &desired.policy);
    let asking = policies.into_iter().find(|policy| asks(policy))?;
    let policy = asking.name.to_string();
    Some(NotOnCitus::SubSelect { policy })
}

/// A table that it refers to by a key that Citus does not take: one between tables that it
/// distributes has both columns by which it does, and one to a reference table any.
fn apart(table: &Table<'_>, tables: &[Table<'_>]) -> Option<NotOnCitus> {
    let is_taken = |parent: &TableName, columns: &[(&Identifier, &Identifier)]| {
        let Some(parent) = tables.iter().find(|it| it.desired.table == *parent) else {
            return true;
        };

        match (&table.desired.distribution, &parent.desired.distribution) {
            (Some(Distribution::By(own)), Some(Distribution::By(of))) => {
                columns.contains(&(own, of))
            }
            (Some(Distribution::By(_)), None) | (None, Some(Distribution::By(_))) => false,
            _ => true,
        }
    };

    let owned = table.desired.columns.iter().filter_map(|column| {
        let key = column.foreign_key.as_ref()?;
        let is_taken = is_taken(&key.table, &[(&column.name, &key.column)]);
        (!is_taken).then_some(&key.table)
    });
    let bound = table.desired.bound.iter().filter_map(|bound| {
        let columns: Vec<_> = bound.columns.iter().map(|(own, of)| (own, of)).collect();
        (!is_taken(&bound.parent, &columns)).then_some(&bound.parent)
    });

    let parent = owned.chain(bound).next()?.to_string();
    Some(NotOnCitus::Reference { parent })
}

/// Checks that no change is of a column by which a table is distributed already.
pub(super) fn check_changes(tables: &[Table<'_>], changes: &[Change]) -> Result<(), SchemaError> {
    for change in changes {
        let Change::Table(name, TableChange::Column(column, _)) = change else {
            continue;
        };
        let by = Some(Distribution::By(column.clone()));
        let is_distributed =
            |table: &Table<'_>| table.desired.table == *name && table.actual.distribution == by;

        if tables.iter().any(is_distributed) {
            let column = column.to_string();
            return Err(SchemaError::NotOnCitus {
                table: name.to_string(),
                reason: NotOnCitus::Column { column },
            });
        }
    }

    Ok(())
}

/// The keys that are replaced, each dropped and added by itself: Citus does not do both in one
/// statement on a table that it has distributed.
pub(super) fn one_by_one(tables: &[Table<'_>], snapshot: &Snapshot, changes: &mut Vec<Change>) {
    let is_distributed = |name: &TableName| {
        let table = tables.iter().find(|table| table.desired.table == *name);
        table.is_some_and(|table| table.desired.distribution.is_some())
    };

    let split = |change: Change| match change {
        Change::Table(
            table,
            TableChange::ForeignKey(
                ForeignKeyChange::Replace {
                    name,
                    definition,
                    was,
                    ..
                }
                | ForeignKeyChange::Bind {
                    name,
                    definition,
                    was: Some(was),
                    ..
                },
            ),
        ) if snapshot.is_citus && is_distributed(&table) => {
            let drop = ForeignKeyChange::Drop {
                name: name.clone(),
                definition: was,
            };
            let add = ForeignKeyChange::Restore { name, definition };
            vec![Change::on(table.clone(), drop), Change::on(table, add)]
        }
        change => vec![change],
    };
    *changes = std::mem::take(changes)
        .into_iter()
        .flat_map(split)
        .collect();
}

/// Whether a policy has a sub-select.
fn asks(policy: &Policy) -> bool {
    [policy.using(), policy.with_check()]
        .into_iter()
        .flatten()
        .any(|condition| {
            sql::expression(condition)
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word.eq_ignore_ascii_case("select"))
        })
}

/// The tables that Citus does not distribute yet: those that others refer to first, since a table
/// on the nodes can refer only to others there.
///
/// Tables with policies come later ([`protected`]): theirs may still have sub-selects.
pub(super) fn unprotected(tables: &[Table<'_>], snapshot: &Snapshot, changes: &mut Vec<Change>) {
    distribute(tables, snapshot, false, changes);
}

/// The tables that had policies before, which have been altered to a form that Citus takes.
pub(super) fn protected(tables: &[Table<'_>], snapshot: &Snapshot, changes: &mut Vec<Change>) {
    distribute(tables, snapshot, true, changes);
}

fn distribute(
    tables: &[Table<'_>],
    snapshot: &Snapshot,
    protected: bool,
    changes: &mut Vec<Change>,
) {
    let is_due = |table: &&Table<'_>| {
        snapshot.is_citus
            && table.actual.distribution.is_none()
            && table.actual.policies.is_empty() != protected
    };
    let mut due: Vec<(&Table<'_>, &Distribution)> = tables
        .iter()
        .filter(is_due)
        .filter_map(|table| Some((table, table.desired.distribution.as_ref()?)))
        .collect();

    while !due.is_empty() {
        let waits = |table: &Table<'_>| {
            due.iter().any(|(other, how)| {
                let name = &other.desired.table;
                let refers = table.desired.refers_to().any(|parent| parent == name);
                (refers || **how == Distribution::Everywhere) && *name != table.desired.table
            })
        };
        let (mut next, later): (Vec<_>, Vec<_>) = due
            .iter()
            .copied()
            .partition(|(table, how)| **how == Distribution::Everywhere || !waits(table));
        due = later;

        // They refer to each other in a circle: Citus says which key is in the way.
        if next.is_empty() {
            next.append(&mut due);
        }

        changes.extend(next.into_iter().map(|(table, how)| {
            let distribution = how.clone();
            let change = DistributionChange::Distribute { distribution };
            Change::on(
                table.desired.table.clone(),
                TableChange::Distribution(change),
            )
        }));
    }
}
