use std::collections::BTreeSet;

use crate::model::privilege::Privilege;
use crate::name::Identifier;
use crate::schema::plan::PrivilegeChange;
use crate::sql::identifier;

/// Renders a change of a table; `table` is quoted already.
pub(super) fn statement(table: &str, change: &PrivilegeChange) -> String {
    match change {
        PrivilegeChange::Grant { role, privileges }
        | PrivilegeChange::Widen { role, privileges } => {
            let privileges = words(privileges);
            format!("GRANT {privileges} ON {table} TO {}", identifier(role))
        }
        PrivilegeChange::Revoke { role, privileges } => {
            let privileges = words(privileges);
            format!("REVOKE {privileges} ON {table} FROM {}", identifier(role))
        }
        PrivilegeChange::GrantColumns {
            role,
            privilege,
            columns,
        } => {
            let privilege = on_columns(*privilege, columns);
            format!("GRANT {privilege} ON {table} TO {}", identifier(role))
        }
        PrivilegeChange::RevokeColumns {
            role,
            privilege,
            columns,
        } => {
            let privilege = on_columns(*privilege, columns);
            format!("REVOKE {privilege} ON {table} FROM {}", identifier(role))
        }
    }
}

fn words(privileges: &BTreeSet<Privilege>) -> String {
    privileges
        .iter()
        .map(|privilege| privilege.as_sql())
        .collect::<Vec<_>>()
        .join(", ")
}

fn on_columns(privilege: Privilege, columns: &BTreeSet<Identifier>) -> String {
    let columns: Vec<String> = columns.iter().map(identifier).collect();
    format!("{} ({})", privilege.as_sql(), columns.join(", "))
}
