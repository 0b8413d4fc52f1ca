use std::collections::{BTreeMap, BTreeSet};

use crate::schema::catalog::{ActualAudit, Grants, HeldAudit, PUBLIC};
use crate::schema::render;

use crate::config::RlsConfig;
use crate::error::SchemaError;
use crate::model::expression::Expression;
use crate::model::policy::Canonical;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, ColumnChange, PrivilegeChange, TableChange, UsageChange};

/// The changes that let administrators add to the audit's table and read it, and nobody of this
/// family do more.
pub(crate) fn audit(
    table: &TableName,
    actual: &ActualAudit,
    config: &RlsConfig,
    schema_usage: &BTreeSet<(Identifier, Identifier)>,
    changes: &mut Vec<Change>,
) -> Result<(), SchemaError> {
    let nothing = HeldAudit::default();
    let held = match actual {
        ActualAudit::Missing => {
            changes.push(Change::Table(table.clone(), TableChange::CreateAudit));
            &nothing
        }
        ActualAudit::Other(difference) => {
            return Err(SchemaError::NotTheAudit {
                table: table.to_string(),
                difference: difference.clone(),
            });
        }
        ActualAudit::Table(held) => held,
    };

    for (column, was) in &held.defaults {
        let default = render::AUDIT_COLUMNS
            .iter()
            .find(|asked| asked.name == column.as_str());
        let change = ColumnChange::SetDefault {
            default: default
                .and_then(|asked| asked.default)
                .map(|sql| Expression::RawSql(sql.to_owned())),
            was: was.as_ref().map(Canonical::to_expression),
        };
        changes.push(Change::on(
            table.clone(),
            TableChange::Column(column.clone(), change),
        ));
    }

    let none = Grants::default();
    for (role, wanted) in wanted(config) {
        privileges(
            table,
            &role,
            &wanted,
            held.grants.get(&role).unwrap_or(&none),
            changes,
        );
    }

    if let Some(schema) = &table.schema {
        let usage = (schema.clone(), config.admin_role().clone());
        let role = usage.1.clone();
        let grant = Change::Schema(schema.clone(), UsageChange::Grant { role });

        if !schema_usage.contains(&usage) && !changes.contains(&grant) {
            changes.push(grant);
        }
    }

    Ok(())
}

/// The administrator alone gets something; everyone's privileges are the two roles' as well.
fn wanted(config: &RlsConfig) -> [(Identifier, Grants); 3] {
    let constant =
        |name: &str| Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name"));
    let admin = Grants {
        table: [Privilege::Select].into(),
        columns: BTreeMap::from([(Privilege::Insert, [constant(render::AUDIT_GRANTED)].into())]),
    };

    [
        (constant(PUBLIC), Grants::default()),
        (config.app_role().clone(), Grants::default()),
        (config.admin_role().clone(), admin),
    ]
}

fn privileges(
    table: &TableName,
    role: &Identifier,
    wanted: &Grants,
    held: &Grants,
    changes: &mut Vec<Change>,
) {
    let less = |all: &BTreeSet<_>, some: &BTreeSet<_>| {
        all.difference(some)
            .copied()
            .collect::<BTreeSet<Privilege>>()
    };

    let surplus = less(&held.table, &wanted.table);
    if !surplus.is_empty() {
        changes.push(Change::on(
            table.clone(),
            PrivilegeChange::Revoke {
                role: role.clone(),
                privileges: surplus.clone(),
            },
        ));
    }

    let lacking = less(&wanted.table, &held.table);
    if !lacking.is_empty() {
        changes.push(Change::on(
            table.clone(),
            PrivilegeChange::Grant {
                role: role.clone(),
                privileges: lacking,
            },
        ));
    }

    let none = BTreeSet::new();

    // To revoke a privilege on a table revokes it on the columns as well.
    let on =
        |grants: &Grants, privilege| grants.columns.get(&privilege).cloned().unwrap_or_default();
    let unmanaged = |privilege| {
        if surplus.contains(&privilege) {
            none.clone()
        } else {
            on(held, privilege)
        }
    };

    let granted: BTreeSet<Privilege> = wanted
        .columns
        .keys()
        .chain(held.columns.keys())
        .copied()
        .collect();

    for privilege in granted {
        let (wanted, held) = (on(wanted, privilege), unmanaged(privilege));
        let change = |columns: BTreeSet<Identifier>| {
            (!columns.is_empty()).then_some((table.clone(), role.clone(), columns))
        };

        if let Some((table, role, columns)) = change(held.difference(&wanted).cloned().collect()) {
            changes.push(Change::on(
                table,
                PrivilegeChange::RevokeColumns {
                    role,
                    privilege,
                    columns,
                },
            ));
        }

        if let Some((table, role, columns)) = change(wanted.difference(&held).cloned().collect()) {
            changes.push(Change::on(
                table,
                PrivilegeChange::GrantColumns {
                    role,
                    privilege,
                    columns,
                },
            ));
        }
    }
}
