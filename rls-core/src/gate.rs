//! The gate: whether isolation would hold for this login and these tables, asked before the application starts.

use sea_orm::{DbErr, RuntimeErr};
use sqlx::{PgPool, Row};

use crate::config::RlsConfig;
use crate::error::{GateError, GateFinding, RlsError};
use crate::name::Identifier;
use crate::policy::{self, Command, Expression, Policy, PolicyKind};
use crate::registry::Registry;

const LOGIN: &str = "
SELECT current_user::text AS role,
       (SELECT min(r.rolname::text) FROM pg_catalog.pg_roles r
        WHERE (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
               OR r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
          AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
               OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS bypasses,
       (SELECT r.rolname::text FROM pg_catalog.pg_roles r
        WHERE r.rolname = $1 AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                                  OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS admin";

const TABLES: &str = "
SELECT coalesce(t.schema || '.', '') || t.name AS name,
       c.oid IS NOT NULL AS found,
       coalesce(c.relrowsecurity, false) AS enabled,
       coalesce(c.relforcerowsecurity, false) AS forced,
       coalesce(pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER'), false) AS owns,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'), false) AS truncates,
       ARRAY(SELECT concat_ws(' ', p.polpermissive::text, p.polcmd::text,
                              ARRAY(SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles))::text[],
                              CASE WHEN p.polqual IS NULL THEN '-'
                                   WHEN strpos(pg_catalog.pg_get_expr(p.polqual, c.oid), t.reads) > 0 THEN 'own'
                                   ELSE 'any' END,
                              CASE WHEN p.polwithcheck IS NULL THEN '-'
                                   WHEN strpos(pg_catalog.pg_get_expr(p.polwithcheck, c.oid), t.reads) > 0 THEN 'own'
                                   ELSE 'any' END,
                              p.polname::text)
             FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid) AS policies
FROM ROWS FROM (unnest($1::text[]), unnest($2::text[]), unnest($3::text[]))
     WITH ORDINALITY AS t (schema, name, reads, at)
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
    // As the server prints it in any policy that reads the setting.
    let reads: Vec<String> = scopes.iter().map(|scope| format!("current_setting('{}'::text", scope.setting)).collect();
    let tables = sqlx::query(TABLES)
        .bind(schemas)
        .bind(names)
        .bind(reads)
        .fetch_all(&mut *connection)
        .await
        .map_err(database_error)?;
    for (row, scope) in tables.iter().zip(scopes) {
        let is = |column| row.try_get::<bool, _>(column).map_err(database_error);
        let table: String = row.try_get("name").map_err(database_error)?;
        if !is("found")? {
            findings.push(GateFinding::Missing { table });
            continue;
        }
        let bypasses = findings.iter().any(|finding| matches!(finding, GateFinding::Bypasses { .. }));
        if !bypasses && is("owns")? {
            findings.push(GateFinding::Owns { role: role.clone(), table: table.clone() });
        } else if !bypasses && is("truncates")? {
            findings.push(GateFinding::Truncates { role: role.clone(), table: table.clone() });
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
            .filter(|policy| !found.contains(&outline(policy)))
            .map(|policy| policy.name.to_string())
            .collect();
        if !missing.is_empty() {
            findings.push(GateFinding::PolicyMissing { table, missing: missing.join(", ") });
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(GateError { findings }.into()) }
}

/// A policy as [`TABLES`] prints it: all but the exact expressions, which need the schema lane to compare.
fn outline(policy: &Policy<Expression>) -> String {
    let side = |side: &Option<Expression>| match side {
        None => "-",
        Some(Expression::True) => "any",
        Some(_) => "own",
    };
    let roles: Vec<String> = policy.roles.iter().map(array_element).collect();
    format!(
        "{} {} {{{}}} {} {} {}",
        if policy.kind == PolicyKind::Permissive { "true" } else { "false" },
        match policy.command {
            Command::All => '*',
            Command::Select => 'r',
            Command::Insert => 'a',
            Command::Update => 'w',
            Command::Delete => 'd',
        },
        roles.join(","),
        side(&policy.using),
        side(&policy.with_check),
        policy.name
    )
}

/// As `array_out` prints a text (`src/backend/utils/adt/arrayfuncs.c`).
fn array_element(name: &Identifier) -> String {
    let name = name.as_str();
    let plain = !name.eq_ignore_ascii_case("null")
        && !name.contains(|c: char| "{}\",\\".contains(c) || c.is_ascii_whitespace() || c == '\x0b');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) }
}

fn database_error(error: sqlx::Error) -> RlsError {
    RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}
