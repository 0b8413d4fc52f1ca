//! The gate: whether isolation would hold for this login and these tables, asked before the application starts.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::{PgPool, Row};

use crate::config::RlsConfig;
use crate::error::{GateError, GateFinding, RlsError};
use crate::name::Identifier;
use crate::policy;
use crate::registry::Registry;

const LOGIN: &str = "
SELECT current_user::text AS role,
       (SELECT min(r.rolname::text) FROM pg_catalog.pg_roles r
        WHERE (r.rolsuper OR r.rolbypassrls) AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')) AS bypasses,
       (SELECT r.rolname::text FROM pg_catalog.pg_roles r
        WHERE r.rolname = $1 AND pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')) AS admin";

const TABLES: &str = "
SELECT coalesce(t.schema || '.', '') || t.name AS name,
       c.oid IS NOT NULL AS found,
       coalesce(c.relrowsecurity, false) AS enabled,
       coalesce(c.relforcerowsecurity, false) AS forced,
       coalesce(pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER'), false) AS owns,
       ARRAY(SELECT p.polname::text FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid) AS policies
FROM ROWS FROM (unnest($1::text[]), unnest($2::text[])) WITH ORDINALITY AS t (schema, name, at)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = coalesce(t.schema, current_schema())
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.name AND c.relkind IN ('r', 'p')
ORDER BY t.at";

/// Asks in two statements, for all tables; any login may ask.
pub(crate) async fn check(pool: &PgPool, config: &RlsConfig, registry: &Registry) -> Result<(), RlsError> {
    let mut connection = pool.acquire().await.map_err(database_error)?;
    let login = sqlx::query(LOGIN)
        .bind(config.admin_role().as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(database_error)?;
    let role: String = login.try_get("role").map_err(database_error)?;
    let mut findings = Vec::new();
    if let Some(through) = login.try_get("bypasses").map_err(database_error)? {
        findings.push(GateFinding::Bypasses { role: role.clone(), through });
    } else if let Some(admin) = login.try_get("admin").map_err(database_error)? {
        findings.push(GateFinding::ReachesAdmin { role: role.clone(), admin });
    }

    let scopes = registry.scopes();
    let schemas: Vec<Option<&str>> =
        scopes.iter().map(|scope| scope.table.schema.as_ref().map(Identifier::as_str)).collect();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.table.table.as_str()).collect();
    let tables =
        sqlx::query(TABLES).bind(schemas).bind(names).fetch_all(&mut *connection).await.map_err(database_error)?;
    for (row, scope) in tables.iter().zip(scopes) {
        let is = |column| row.try_get::<bool, _>(column).map_err(database_error);
        let table: String = row.try_get("name").map_err(database_error)?;
        if !is("found")? {
            findings.push(GateFinding::Missing { table });
            continue;
        }
        if is("owns")? && !findings.iter().any(|finding| matches!(finding, GateFinding::Bypasses { .. })) {
            findings.push(GateFinding::Owns { role: role.clone(), table: table.clone() });
        }
        if !is("enabled")? {
            findings.push(GateFinding::NotEnabled { table: table.clone() });
        }
        if config.force() && !is("forced")? {
            findings.push(GateFinding::NotForced { table: table.clone() });
        }
        let found: Vec<String> = row.try_get("policies").map_err(database_error)?;
        let missing: Vec<String> = policy::of(scope, config)
            .iter()
            .map(|policy| policy.name.to_string())
            .filter(|name| !found.contains(name))
            .collect();
        if !missing.is_empty() {
            findings.push(GateFinding::PolicyMissing { table, missing: missing.join(", ") });
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(GateError { findings }.into()) }
}

fn database_error(error: sqlx::Error) -> RlsError {
    RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}
