use std::collections::BTreeMap;

use super::privilege::on_table;
use crate::config::{RlsConfig, SignedContexts};
use crate::error::SchemaError;
use crate::model::expression::Expression;
use crate::model::policy::Canonical;
use crate::model::privilege::{Grants, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, ColumnChange, TableChange, UsageChange};
use crate::schema::render;
use crate::schema::snapshot::{ActualAudit, AuditTable, PUBLIC, Snapshot};

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
        on_table(table, role, desired, actual, changes);
    }

    // Of a new table nobody else has any, whatever the default privileges say. Of one that is there,
    // others may have been granted some on purpose.
    let others = created.grants.iter();
    let others = others.filter(|_| matches!(snapshot.audit, ActualAudit::Missing));
    for (role, actual) in others.filter(|(role, _)| !desired.contains_key(role)) {
        on_table(table, role, &none, actual, changes);
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
///
/// If only signed contexts are recorded, the function adds the rows, and nobody else.
fn desired(config: &RlsConfig) -> BTreeMap<Identifier, Grants> {
    let constant =
        |name: &str| Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name"));
    let adds = config.signs_contexts() < SignedContexts::Required;
    let column = [constant(render::AUDIT_GRANTED)].into();
    let admin = Grants {
        table: [Privilege::Select].into(),
        columns: adds
            .then_some((Privilege::Insert, column))
            .into_iter()
            .collect(),
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
