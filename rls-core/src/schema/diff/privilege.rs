use std::collections::BTreeSet;

use super::table::Table;
use crate::model::privilege::Privilege;
use crate::name::Identifier;
use crate::schema::plan::{Change, PrivilegeChange, UsageChange};

/// Grants each role its privileges on the table, and revokes the others.
pub(super) fn privileges(table: &Table<'_>, changes: &mut Vec<Change>) {
    let name = &table.desired.table;
    let none = BTreeSet::new();

    for (role, desired) in &table.desired.privileges {
        let actual = table.actual.grants.get(role).unwrap_or(&none);
        let surplus: BTreeSet<Privilege> = actual.difference(desired).copied().collect();

        if !surplus.is_empty() {
            let revoke = PrivilegeChange::Revoke {
                role: role.clone(),
                privileges: surplus,
            };
            changes.push(Change::on(name.clone(), revoke));
        }

        let lacking: BTreeSet<Privilege> = desired.difference(actual).copied().collect();
        if !lacking.is_empty() {
            let grant = PrivilegeChange::Grant {
                role: role.clone(),
                privileges: lacking,
            };
            changes.push(Change::on(name.clone(), grant));
        }

        if !desired.contains(&Privilege::Insert) {
            continue;
        }

        for (sequence, users) in &table.actual.sequences {
            if !users.contains(role) {
                let role = role.clone();
                let grant = UsageChange::Grant { role };
                changes.push(Change::Sequence(sequence.clone(), grant));
            }
        }
    }
}

/// Grants each role the use of its tables' schemas.
pub(super) fn schemas(
    tables: &[Table<'_>],
    usage: &BTreeSet<(Identifier, Identifier)>,
    changes: &mut Vec<Change>,
) {
    let mut desired = BTreeSet::new();
    for table in tables {
        for (role, privileges) in &table.desired.privileges {
            if let (Some(schema), false) = (&table.desired.table.schema, privileges.is_empty()) {
                desired.insert((schema.clone(), role.clone()));
            }
        }
    }

    for (schema, role) in desired.difference(usage) {
        let role = role.clone();
        changes.push(Change::Schema(schema.clone(), UsageChange::Grant { role }));
    }
}
