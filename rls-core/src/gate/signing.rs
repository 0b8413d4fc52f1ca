//! What verifies signed contexts: the gate checks that it does what it is made for, and that neither
//! login reaches the keys.

use sqlx::{PgConnection, Row};

use super::{LoginFacts, database_error};
use crate::config::{RlsConfig, SignedContexts};
use crate::error::{GateFinding, RlsError};
use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::checked;
use crate::schema::catalog::{keys_fit, verified_fits};

/// The view in the first of the schemas `$1` that has it. `$2` is the administrator's role.
fn query() -> String {
    format!(
        "SELECT n.nspname::text AS schema,
                {} AND coalesce(k.relowner = c.relowner AND {}, false) AS fits,
                has_table_privilege(c.oid, 'SELECT') AS readable,
                (SELECT r.rolname::text FROM pg_roles r CROSS JOIN pg_roles m
                 WHERE r.rolname IN (current_user, $2::name) AND NOT r.rolsuper
                   AND pg_has_role(r.oid, m.oid, 'MEMBER')
                   AND (m.oid = c.relowner OR m.oid = k.relowner
                        OR has_any_column_privilege(m.oid, k.oid, 'SELECT, INSERT, UPDATE')
                        OR has_table_privilege(m.oid, k.oid, 'DELETE, TRUNCATE, TRIGGER')
                        OR has_table_privilege(m.oid, c.oid, 'TRIGGER'))
                 LIMIT 1) AS reached_by
         FROM unnest($1::name[]) WITH ORDINALITY AS s (name, at)
         JOIN pg_namespace n ON n.nspname = s.name
         JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = '{}'
         LEFT JOIN pg_class k ON k.relnamespace = n.oid AND k.relname = '{}'
         ORDER BY s.at LIMIT 1",
        verified_fits(),
        keys_fit("k"),
        signed_context::VIEW,
        signed_context::KEYS
    )
}

/// Finds the view that verifies signed contexts, if they are signed, and what is wrong with it.
/// Needs no privilege, and a `search_path` of `pg_catalog` alone.
pub(super) async fn find(
    connection: &mut PgConnection,
    config: &RlsConfig,
    login: &LoginFacts,
    findings: &mut Vec<GateFinding>,
) -> Result<Option<TableName>, RlsError> {
    if config.signs_contexts() == SignedContexts::Off {
        return Ok(None);
    }

    let view = config.signing_object(signed_context::VIEW);
    let schemas = match &view.schema {
        Some(schema) => std::slice::from_ref(schema),
        None => &login.schemas,
    };

    let names: Vec<&str> = schemas.iter().map(Identifier::as_str).collect();
    let query = query();
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(names)
        .bind(config.admin_role().as_str())
        .fetch_optional(connection)
        .await
        .map_err(database_error)?;

    let Some(row) = row else {
        findings.push(GateFinding::SigningMissing { view });
        return Ok(None);
    };

    let get = |column| row.try_get::<bool, _>(column).map_err(database_error);
    let view = view.or_in(&checked(row.try_get("schema").map_err(database_error)?)?);
    let reached_by: Option<String> = row.try_get("reached_by").map_err(database_error)?;

    if !get("fits")? || !get("readable")? {
        let view = view.clone();
        findings.push(GateFinding::SigningAltered { view });
    }

    if let Some(role) = reached_by {
        let (role, view) = (checked(role)?, view.clone());
        findings.push(GateFinding::ReachesKeys { role, view });
    }

    Ok(Some(view))
}
