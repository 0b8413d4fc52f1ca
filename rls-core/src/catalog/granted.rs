use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr};

use super::query::{at, name, rows, text};
use crate::error::{RlsError, SchemaError};
use crate::name::Identifier;
use crate::plan::Change;
use crate::sql;

/// Whether what these changes grant is granted: to a login that may not pass a privilege on, the server gives a warning
/// alone.
pub(crate) async fn verify_grants(db: &impl ConnectionTrait, changes: &[Change]) -> Result<(), RlsError> {
    let asked: Vec<String> = changes
        .iter()
        .enumerate()
        .flat_map(|(at, change)| asked(change).into_iter().map(move |sql| format!("({at}, {sql})")))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    let query =
        format!("SELECT at FROM (VALUES {}) AS asked (at, granted) WHERE NOT granted ORDER BY at", asked.join(", "));
    let Some(row) = rows(db, query).await?.into_iter().next() else { return Ok(()) };
    let sql = changes.get(at(&row)?).map(Change::sql).unwrap_or_default().join("; ");
    let source =
        Arc::new(DbErr::Custom("the server passed over it, since it may not pass the privilege on".to_owned()));
    Err(SchemaError::Privilege { what: "grant this".to_owned(), sql, source }.into())
}

/// Whether each privilege that a change grants is had, as SQL.
fn asked(change: &Change) -> Vec<String> {
    let has = |what, role: &Identifier, object: String, privilege| {
        let object = sql::literal(&object).unwrap_or_else(|| unreachable!("a checked name holds no NUL"));
        format!("has_{what}_privilege({}, {object}, '{privilege}')", text(role))
    };
    match change {
        Change::GrantSchema { schema, role } => vec![has("schema", role, schema.as_str().to_owned(), "USAGE")],
        Change::GrantSequence { sequence, role } => vec![has("sequence", role, sql::table(sequence), "USAGE")],
        Change::Grant { table, role, privileges } => {
            privileges.iter().map(|privilege| has("table", role, sql::table(table), privilege.as_sql())).collect()
        }
        _ => Vec::new(),
    }
}

/// The `(schema, role)` pairs of these roles that need no grant of `USAGE`: they have one of their own, or they have it as
/// everyone does and this login could not grant it.
pub(crate) async fn schema_usage(
    db: &impl ConnectionTrait,
    roles: [&Identifier; 2],
) -> Result<BTreeSet<(Identifier, Identifier)>, RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, v.role::text AS role
         FROM pg_namespace n CROSS JOIN (VALUES ({}), ({})) AS v (role)
         WHERE EXISTS (
             SELECT FROM aclexplode(n.nspacl) acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
             WHERE acl.privilege_type = 'USAGE' AND (r.rolname = v.role OR acl.grantee = 0
                 AND NOT pg_has_role(n.nspowner, 'USAGE') AND NOT has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION'))
         )",
        text(roles[0]),
        text(roles[1])
    );
    rows(db, query).await?.iter().map(|row| Ok((name(row, "schema")?, name(row, "role")?))).collect()
}
