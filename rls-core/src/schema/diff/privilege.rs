use std::collections::BTreeSet;

use super::table::Table;
use crate::model::privilege::Privilege;
use crate::name::Identifier;
use crate::schema::plan::{Change, PrivilegeChange, UsageChange};

/// Each role gets what it should have on the table and loses what it should not.
pub(super) fn privileges(
    Table {
        desired, actual, ..
    }: &Table<'_>,
    changes: &mut Vec<Change>,
) {
    let none = BTreeSet::new();
    for (role, wanted) in &desired.privileges {
        let found = actual.grants.get(role).unwrap_or(&none);
        let surplus: BTreeSet<Privilege> = found.difference(wanted).copied().collect();

        if !surplus.is_empty() {
            let revoke = PrivilegeChange::Revoke {
                role: role.clone(),
                privileges: surplus,
            };
            changes.push(Change::on(desired.table.clone(), revoke));
        }

        let lacking: BTreeSet<Privilege> = wanted.difference(found).copied().collect();
        if !lacking.is_empty() {
            let grant = PrivilegeChange::Grant {
                role: role.clone(),
                privileges: lacking,
            };
            changes.push(Change::on(desired.table.clone(), grant));
        }

        if !wanted.contains(&Privilege::Insert) {
            continue;
        }

        for (sequence, users) in &actual.sequences {
            if !users.contains(role) {
                let role = role.clone();
                changes.push(Change::Sequence(
                    sequence.clone(),
                    UsageChange::Grant { role },
                ));
            }
        }
    }
}

/// Each role may use the schemas of its tables.
pub(super) fn schemas(
    tables: &[Table<'_>],
    usage: &BTreeSet<(Identifier, Identifier)>,
    changes: &mut Vec<Change>,
) {
    let mut wanted = BTreeSet::new();
    for table in tables {
        for (role, privileges) in &table.desired.privileges {
            if let (Some(schema), false) = (&table.desired.table.schema, privileges.is_empty()) {
                wanted.insert((schema.clone(), role.clone()));
            }
        }
    }

    for (schema, role) in wanted.difference(usage) {
        let role = role.clone();
        changes.push(Change::Schema(schema.clone(), UsageChange::Grant { role }));
    }
}
