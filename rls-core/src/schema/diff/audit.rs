use std::collections::{BTreeMap, BTreeSet};

use crate::config::RlsConfig;
use crate::error::SchemaError;
use crate::model::expression::Expression;
use crate::model::policy::Canonical;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, ColumnChange, PrivilegeChange, TableChange, UsageChange};
use crate::schema::render;
use crate::schema::snapshot::{ActualAudit, AuditTable, Grants, PUBLIC, Snapshot};

/// The changes that let administrators add to the audit table and read it, and let neither of the
/// two roles do more.
pub(super) fn changes(
    table: &TableName,
    snapshot: &Snapshot,
    config: &RlsConfig,
    changes: &mut Vec<Change>,
) -> Result<(), SchemaError> {
    let created = created(snapshot);
    let actual = match &snapshot.audit {
        ActualAudit::Missing => {
            changes.push(Change::Table(table.clone(), TableChange::CreateAudit));
            &created
        }
        ActualAudit::Other(difference) => {
            return Err(SchemaError::NotTheAudit {
                table: table.to_string(),
                difference: difference.clone(),
            });
        }
        ActualAudit::Table(actual) => actual,
    };

    for (column, was) in &actual.defaults {
        let desired = render::AUDIT_COLUMNS
            .iter()
            .find(|desired| desired.name == column.as_str())
            .and_then(|desired| desired.default);
        let change = ColumnChange::SetDefault {
            default: desired.map(|sql| Expression::RawSql(sql.to_owned())),
            was: was.as_ref().map(Canonical::to_expression),
        };

        changes.push(Change::on(
            table.clone(),
            TableChange::Column(column.clone(), change),
        ));
    }

    let desired = desired(config);
    let none = Grants::default();
    for (role, desired) in &desired {
        let actual = actual.grants.get(role).unwrap_or(&none);
        privileges(table, role, desired, actual, changes);
    }

    // Of a new table nobody else has any, whatever the default privileges say. Of one that is there,
    // others may have been granted some on purpose.
    let others = created.grants.iter();
    let others = others.filter(|_| matches!(snapshot.audit, ActualAudit::Missing));
    for (role, actual) in others.filter(|(role, _)| !desired.contains_key(role)) {
        privileges(table, role, &none, actual, changes);
    }

    if let Some(schema) = &table.schema {
        let usage = (schema.clone(), config.admin_role().clone());
        let role = usage.1.clone();
        let grant = Change::Schema(schema.clone(), UsageChange::Grant { role });

        if !snapshot.schema_usage.contains(&usage) && !changes.contains(&grant) {
            changes.push(grant);
        }
    }

    Ok(())
}

/// The desired grants. The administrator alone gets any; `PUBLIC` is among them since its
/// privileges are the two roles' as well.
fn desired(config: &RlsConfig) -> BTreeMap<Identifier, Grants> {
    let constant =
        |name: &str| Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name"));
    let admin = Grants {
        table: [Privilege::Select].into(),
        columns: BTreeMap::from([(Privilege::Insert, [constant(render::AUDIT_GRANTED)].into())]),
    };

    BTreeMap::from([
        (constant(PUBLIC), Grants::default()),
        (config.app_role().clone(), Grants::default()),
        (config.admin_role().clone(), admin),
    ])
}

/// A table as it is created, with what others get by default.
fn created(snapshot: &Snapshot) -> AuditTable {
    let grants = snapshot.by_default.tables.iter().map(|(role, privileges)| {
        let grants = Grants {
            table: privileges.clone(),
            ..Grants::default()
        };
        (role.clone(), grants)
    });

    AuditTable {
        grants: grants.collect(),
        ..AuditTable::default()
    }
}

fn privileges(
    table: &TableName,
    role: &Identifier,
    desired: &Grants,
    actual: &Grants,
    changes: &mut Vec<Change>,
) {
    let mut change = |change| changes.push(Change::on(table.clone(), change));

    let surplus: BTreeSet<Privilege> = actual.table.difference(&desired.table).copied().collect();
    if !surplus.is_empty() {
        change(PrivilegeChange::Revoke {
            role: role.clone(),
            privileges: surplus.clone(),
        });
    }

    let lacking: BTreeSet<Privilege> = desired.table.difference(&actual.table).copied().collect();
    if !lacking.is_empty() {
        change(PrivilegeChange::Grant {
            role: role.clone(),
            privileges: lacking,
        });
    }

    let of_columns: BTreeSet<&Privilege> = desired
        .columns
        .keys()
        .chain(actual.columns.keys())
        .collect();
    for privilege in of_columns {
        let on = |grants: &Grants| grants.columns.get(privilege).cloned().unwrap_or_default();
        let desired = on(desired);
        // To revoke a privilege on a table revokes it on the columns as well.
        let actual = if surplus.contains(privilege) {
            BTreeSet::new()
        } else {
            on(actual)
        };

        for change in columns(role, *privilege, &desired, &actual) {
            changes.push(Change::on(table.clone(), change));
        }
    }
}

/// Revokes the privilege on the columns that should not have it, and grants it on those that lack
/// it.
fn columns(
    role: &Identifier,
    privilege: Privilege,
    desired: &BTreeSet<Identifier>,
    actual: &BTreeSet<Identifier>,
) -> impl Iterator<Item = PrivilegeChange> {
    let surplus: BTreeSet<Identifier> = actual.difference(desired).cloned().collect();
    let revoke = (!surplus.is_empty()).then(|| PrivilegeChange::RevokeColumns {
        role: role.clone(),
        privilege,
        columns: surplus,
    });

    let lacking: BTreeSet<Identifier> = desired.difference(actual).cloned().collect();
    let grant = (!lacking.is_empty()).then(|| PrivilegeChange::GrantColumns {
        role: role.clone(),
        privilege,
        columns: lacking,
    });

    revoke.into_iter().chain(grant)
}
