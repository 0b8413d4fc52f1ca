use std::collections::BTreeSet;

use super::table::Table;
use crate::model::privilege::{Grants, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, PrivilegeChange, UsageChange};

/// Grants each role its privileges on the table and its columns, and revokes the others.
pub(super) fn privileges(table: &Table<'_>, changes: &mut Vec<Change>) {
    let none = Grants::default();

    for (role, desired) in &table.desired.privileges {
        let actual = table.actual.grants.get(role).unwrap_or(&none);
        on_table(&table.desired.table, role, desired, actual, changes);

        if !desired.has(Privilege::Insert) {
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

/// The changes of one role's privileges, in an order that can be undone last change first: to revoke
/// a privilege on a table revokes it on the columns as well, so these go before it and come after
/// it.
pub(super) fn on_table(
    table: &TableName,
    role: &Identifier,
    desired: &Grants,
    actual: &Grants,
    changes: &mut Vec<Change>,
) {
    let surplus: BTreeSet<Privilege> = actual.table.difference(&desired.table).copied().collect();
    let lacking: BTreeSet<Privilege> = desired.table.difference(&actual.table).copied().collect();
    let (wider, new): (BTreeSet<Privilege>, BTreeSet<Privilege>) = lacking
        .into_iter()
        .partition(|privilege| actual.columns.contains_key(privilege));

    let of_columns = desired.columns.keys().chain(actual.columns.keys());
    let of_columns: BTreeSet<Privilege> = of_columns.copied().collect();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for privilege in of_columns {
        let (desired, actual) = (desired.on_columns(privilege), actual.on_columns(privilege));
        let kept: BTreeSet<Identifier> = if surplus.contains(&privilege) {
            BTreeSet::new()
        } else {
            desired.intersection(&actual).cloned().collect()
        };

        let gone: BTreeSet<Identifier> = actual.difference(&desired).cloned().collect();
        before.extend((!gone.is_empty()).then(|| PrivilegeChange::RevokeColumns {
            role: role.clone(),
            privilege,
            columns: gone,
        }));

        let added: BTreeSet<Identifier> = desired.difference(&kept).cloned().collect();
        after.extend((!added.is_empty()).then(|| PrivilegeChange::GrantColumns {
            role: role.clone(),
            privilege,
            columns: added,
        }));
    }

    before.extend((!surplus.is_empty()).then(|| PrivilegeChange::Revoke {
        role: role.clone(),
        privileges: surplus,
    }));
    before.extend((!wider.is_empty()).then(|| PrivilegeChange::Widen {
        role: role.clone(),
        privileges: wider,
    }));
    before.extend((!new.is_empty()).then(|| PrivilegeChange::Grant {
        role: role.clone(),
        privileges: new,
    }));

    let all = before.into_iter().chain(after);
    changes.extend(all.map(|change| Change::on(table.clone(), change)));
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
