//! The gate: whether isolation would hold for this login and these tables, asked before the application starts.

use std::collections::BTreeMap;

use sea_orm::{DbErr, QueryResult, RuntimeErr, TryGetable};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::catalog::{self, POLICY_COLUMNS, POLICY_JOINS, SearchPath};
use crate::config::RlsConfig;
use crate::error::{GateError, GateFinding, RlsError};
use crate::fingerprint;
use crate::name::Identifier;
use crate::policy;
use crate::registry::Registry;
use crate::scope::Scope;
use crate::table::Held;

const LOGIN: &str = "
SELECT current_user::text AS role,
       current_schema()::text AS schema,
       (SELECT min(r.rolname::text) FROM pg_catalog.pg_roles r
        WHERE (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
               OR r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
          AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
               OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS bypasses,
       (SELECT r.rolname::text FROM pg_catalog.pg_roles r
        WHERE r.rolname = $1 AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                                  OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS admin";

/// One row a policy, or a table without any.
fn tables() -> String {
    format!(
        "SELECT w.at::int4 AS at, c.oid IS NOT NULL AS found,
                coalesce(c.relrowsecurity, false) AS enabled, coalesce(c.relforcerowsecurity, false) AS forced,
                coalesce(pg_has_role(current_user, c.relowner, 'MEMBER'), false) AS owns,
                coalesce(has_table_privilege(c.oid, 'TRUNCATE'), false) AS truncates,
                p.oid IS NOT NULL AS has_policy, {POLICY_COLUMNS}
         FROM ROWS FROM (unnest($1::text[]), unnest($2::text[])) WITH ORDINALITY AS w (schema, name, at)
         LEFT JOIN pg_namespace n ON n.nspname = coalesce(w.schema, $3)
         LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p')
         LEFT JOIN pg_policy p ON p.polrelid = c.oid
         {POLICY_JOINS}
         ORDER BY w.at"
    )
}

/// Asks in two statements, for all tables; any login may ask.
pub(crate) async fn check(pool: &PgPool, config: &RlsConfig, registry: &Registry) -> Result<(), RlsError> {
    let mut connection = pool.acquire().await.map_err(database_error)?;
    let mut transaction = connection.begin_with("BEGIN READ ONLY").await.map_err(database_error)?;
    let mut findings = Vec::new();
    let login = login(&mut transaction, config, &mut findings).await?;
    sqlx::raw_sql(SearchPath::PRINTING).execute(&mut *transaction).await.map_err(database_error)?;
    let scopes: Vec<&Scope> = registry.scopes().iter().filter(|scope| scope.unscoped.is_none()).collect();
    for (table, scope) in read(&mut transaction, &scopes, login.schema.as_deref()).await?.iter().zip(&scopes) {
        table.findings(scope, config, &login, &mut findings);
    }
    transaction.rollback().await.map_err(database_error)?;
    if findings.is_empty() { Ok(()) } else { Err(GateError { findings }.into()) }
}

struct Login {
    role: String,
    schema: Option<String>,
    bypasses: bool,
}

async fn login(
    connection: &mut PgConnection,
    config: &RlsConfig,
    findings: &mut Vec<GateFinding>,
) -> Result<Login, RlsError> {
    let query = sqlx::query(LOGIN).bind(config.admin_role().as_str());
    let row = query.fetch_one(connection).await.map_err(database_error)?;
    let role: String = row.try_get("role").map_err(database_error)?;
    let through: Option<String> = row.try_get("bypasses").map_err(database_error)?;
    let admin: Option<String> = row.try_get("admin").map_err(database_error)?;
    let bypasses = through.is_some();
    if let Some(through) = through {
        findings.push(GateFinding::Bypasses { role: role.clone(), through });
    } else if let Some(admin) = admin {
        findings.push(GateFinding::ReachesAdmin { role: role.clone(), admin });
    }
    Ok(Login { role, schema: row.try_get("schema").map_err(database_error)?, bypasses })
}

/// A table as this login finds it.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is what the catalog says of the table")]
struct Found {
    found: bool,
    enabled: bool,
    forced: bool,
    owns: bool,
    truncates: bool,
    policies: BTreeMap<Identifier, Held>,
}

async fn read(connection: &mut PgConnection, scopes: &[&Scope], schema: Option<&str>) -> Result<Vec<Found>, RlsError> {
    let schemas: Vec<Option<&str>> =
        scopes.iter().map(|scope| scope.table.schema.as_ref().map(Identifier::as_str)).collect();
    let names: Vec<&str> = scopes.iter().map(|scope| scope.table.table.as_str()).collect();
    let query = tables();
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(schemas).bind(names).bind(schema);
    let mut tables: Vec<Found> = scopes.iter().map(|_| Found::default()).collect();
    for row in query.fetch_all(connection).await.map_err(database_error)? {
        let row = QueryResult::from(row);
        let Some(table) = usize::try_from(get::<i32>(&row, "at")?).ok().and_then(|at| tables.get_mut(at - 1)) else {
            continue;
        };
        table.found = get(&row, "found")?;
        table.enabled = get(&row, "enabled")?;
        table.forced = get(&row, "forced")?;
        table.owns = get(&row, "owns")?;
        table.truncates = get(&row, "truncates")?;
        if get(&row, "has_policy")? {
            let held = catalog::policy(&row)?;
            table.policies.insert(held.policy.name.clone(), held);
        }
    }
    Ok(tables)
}

impl Found {
    fn findings(&self, scope: &Scope, config: &RlsConfig, login: &Login, findings: &mut Vec<GateFinding>) {
        let table = || scope.table.to_string();
        let role = || login.role.clone();
        if !self.found {
            findings.push(GateFinding::Missing { table: table() });
            return;
        }
        // Who bypasses has these rights everywhere, which says nothing of the table.
        if !login.bypasses && self.owns {
            findings.push(GateFinding::Owns { role: role(), table: table() });
        } else if !login.bypasses && self.truncates {
            findings.push(GateFinding::Truncates { role: role(), table: table() });
        }
        if !self.enabled {
            findings.push(GateFinding::NotEnabled { table: table() });
        }
        if config.force() && !self.forced {
            findings.push(GateFinding::NotForced { table: table() });
        }
        let mut missing = Vec::new();
        let mut altered = Vec::new();
        for asked in policy::of(scope, config) {
            match self.policies.get(&asked.name) {
                None => missing.push(asked.name.to_string()),
                Some(found) if holds(&asked, found) => {}
                Some(_) => altered.push(asked.name.to_string()),
            }
        }
        if !missing.is_empty() {
            findings.push(GateFinding::PolicyMissing { table: table(), missing: missing.join(", ") });
        }
        if !altered.is_empty() {
            findings.push(GateFinding::PolicyAltered { table: table(), altered: altered.join(", ") });
        }
    }
}

/// Whether a policy is what this program's entity asks for: it was made for that, and was not changed since.
fn holds(asked: &policy::Policy, found: &Held) -> bool {
    found
        .stamp
        .as_ref()
        .is_some_and(|stamp| stamp.asked == fingerprint::asked(asked) && stamp.held == fingerprint::held(&found.policy))
        && found.policy.kind == asked.kind
        && found.policy.command() == asked.command()
        && found.policy.roles == asked.roles
}

fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, RlsError> {
    row.try_get("", column).map_err(RlsError::from)
}

fn database_error(error: sqlx::Error) -> RlsError {
    RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}
