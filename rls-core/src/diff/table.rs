use std::collections::BTreeSet;

use crate::catalog::Canonical;
use crate::config::RlsConfig;
use crate::error::SchemaError;
use crate::name::Identifier;
use crate::plan::Change;
use crate::table::{Actual, ActualForeignKey, Desired, Privilege, TableRls};

/// One table: what is asked, the same in the server's words, and what is.
pub(crate) struct Table<'a> {
    pub(crate) desired: &'a Desired,
    pub(crate) canonical: &'a TableRls<Canonical>,
    pub(crate) actual: &'a Actual<Canonical>,
}

/// Whether the table can be brought to what is asked at all.
pub(crate) fn check(desired: &Desired, actual: &Actual<Canonical>) -> Result<(), SchemaError> {
    let (table, column) = (desired.table.to_string(), desired.owner.to_string());
    match &actual.column {
        None if desired.owned => Ok(()),
        None => Err(SchemaError::MissingKey { table, column }),
        Some(found) if found.key == Some(desired.key) => Ok(()),
        Some(found) => {
            Err(SchemaError::OwnerType { table, column, found: found.sql_type.clone(), expected: desired.key })
        }
    }
}

/// The changes, ordered: columns and keys first, then row security and policies, and grants last, so that the
/// application's role reaches no table before its policies stand.
pub(crate) fn tables(
    tables: &[Table<'_>],
    config: &RlsConfig,
    schema_usage: &BTreeSet<(Identifier, Identifier)>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for table in tables {
        columns(table, &mut changes);
    }
    // Foreign keys refer to other tables' columns, and come after all of them.
    for table in tables {
        keys(table, &mut changes);
    }
    for table in tables {
        row_security(table, &mut changes);
    }
    for table in tables {
        privileges(table, config, &mut changes);
    }
    let schemas: BTreeSet<&Identifier> =
        tables.iter().filter_map(|table| table.desired.table.schema.as_ref()).collect();
    for schema in schemas {
        for role in [config.app_role(), config.admin_role()] {
            if !schema_usage.contains(&(schema.clone(), role.clone())) {
                changes.push(Change::GrantSchema { schema: schema.clone(), role: role.clone() });
            }
        }
    }
    changes
}

fn columns(Table { desired, canonical, actual }: &Table<'_>, changes: &mut Vec<Change>) {
    let (table, column) = (&desired.table, &desired.owner);
    match &actual.column {
        None => changes.push(Change::AddOwnerColumn {
            table: table.clone(),
            column: column.clone(),
            key: desired.key,
            backfill: desired.backfill.clone(),
        }),
        Some(found) if !found.not_null => changes.push(Change::SetNotNull {
            table: table.clone(),
            column: column.clone(),
            backfill: desired.backfill.clone(),
        }),
        Some(_) => {}
    }
    if let Some(default) = &desired.rls.default
        && canonical.default != actual.rls.default
    {
        changes.push(Change::SetDefault { table: table.clone(), column: column.clone(), default: default.clone() });
    }
}

fn keys(Table { desired, actual, .. }: &Table<'_>, changes: &mut Vec<Change>) {
    if let Some(foreign_key) = &desired.foreign_key {
        let same_target =
            |found: &&ActualForeignKey| found.table == foreign_key.table && found.column == foreign_key.column;
        let action_holds = |found: &ActualForeignKey| {
            foreign_key.on_delete.is_none() && found.on_delete.is_some()
                || found.on_delete.is_some() && found.on_delete == foreign_key.on_delete
        };
        let found: Vec<_> = actual.foreign_keys.iter().filter(same_target).collect();
        for wrong in found.iter().filter(|found| !action_holds(found)) {
            changes.push(Change::DropForeignKey { table: desired.table.clone(), name: wrong.name.clone() });
        }
        if !found.into_iter().any(action_holds) {
            changes.push(Change::AddForeignKey {
                table: desired.table.clone(),
                column: desired.owner.clone(),
                foreign_key: foreign_key.clone(),
            });
        }
    }
    if !desired.index.is_empty() && !actual.indexes.iter().any(|index| index.starts_with(&desired.index)) {
        changes.push(Change::CreateIndex { table: desired.table.clone(), columns: desired.index.clone() });
    }
}

fn row_security(Table { desired, canonical, actual }: &Table<'_>, changes: &mut Vec<Change>) {
    let table = || desired.table.clone();
    if canonical.enabled != actual.rls.enabled {
        changes.push(Change::EnableRowSecurity { table: table(), enable: canonical.enabled });
    }
    if canonical.forced != actual.rls.forced {
        changes.push(Change::ForceRowSecurity { table: table(), force: canonical.forced });
    }
    for policy in &desired.policies {
        let found = actual.rls.policies.get(&policy.name);
        if found == canonical.policies.get(&policy.name) {
            continue;
        }
        if found.is_some() {
            changes.push(Change::DropPolicy { table: table(), name: policy.name.clone() });
        }
        changes.push(Change::CreatePolicy { table: table(), policy: policy.clone() });
    }
}

fn privileges(Table { desired, actual, .. }: &Table<'_>, config: &RlsConfig, changes: &mut Vec<Change>) {
    let wanted = BTreeSet::from(Privilege::READ_WRITE);
    let none = BTreeSet::new();
    for role in [config.app_role(), config.admin_role()] {
        let found = actual.grants.get(role).unwrap_or(&none);
        let surplus: BTreeSet<Privilege> = found.difference(&wanted).copied().collect();
        if !surplus.is_empty() {
            changes.push(Change::Revoke { table: desired.table.clone(), role: role.clone(), privileges: surplus });
        }
        let lacking: BTreeSet<Privilege> = wanted.difference(found).copied().collect();
        if !lacking.is_empty() {
            changes.push(Change::Grant { table: desired.table.clone(), role: role.clone(), privileges: lacking });
        }
        for (sequence, users) in &actual.sequences {
            if !users.contains(role) {
                changes.push(Change::GrantSequence { sequence: sequence.clone(), role: role.clone() });
            }
        }
    }
}
