//! The gate: whether isolation would hold for this login and these tables, asked before the application starts.

mod found;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::catalog::{CAN_IDENTIFY, QUICK, SearchPath};
use crate::config::RlsConfig;
use crate::error::{GateError, GateFinding, RlsError};
use crate::registry::Registry;
use crate::scope::Scope;

fn login_query() -> String {
    format!(
        "SELECT current_user::text AS role,
                current_schema()::text AS schema,
                {CAN_IDENTIFY} AS can_identify,
                (SELECT min(r.rolname::text) FROM pg_catalog.pg_roles r
                 WHERE (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
                        OR r.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'))
                   AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                        OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS bypasses,
                (SELECT r.rolname::text FROM pg_catalog.pg_roles r
                 WHERE r.rolname = $1 AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                                           OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))) AS admin"
    )
}

/// Asks in two statements, for all tables; in a third of the policies whose row another version of the catalog holds
/// than after the last sync. Any login may ask.
pub(crate) async fn check(pool: &PgPool, config: &RlsConfig, registry: &Registry) -> Result<(), RlsError> {
    let mut connection = pool.acquire().await.map_err(database_error)?;
    let mut transaction = connection.begin_with("BEGIN READ ONLY").await.map_err(database_error)?;
    let mut findings = Vec::new();
    let login = login(&mut transaction, config, &mut findings).await?;
    let settings = format!("{}; {QUICK}", SearchPath::PRINTING);
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings)).execute(&mut *transaction).await.map_err(database_error)?;
    let scopes: Vec<&Scope> = registry.scopes().iter().filter(|scope| scope.unscoped.is_none()).collect();
    for (table, scope) in found::read(&mut transaction, &scopes, config, &login).await?.iter().zip(&scopes) {
        table.findings(scope, config, &login, &mut findings);
    }
    transaction.rollback().await.map_err(database_error)?;
    if findings.is_empty() { Ok(()) } else { Err(GateError { findings }.into()) }
}

struct Login {
    role: String,
    schema: Option<String>,
    can_identify: bool,
    bypasses: bool,
}

async fn login(
    connection: &mut PgConnection,
    config: &RlsConfig,
    findings: &mut Vec<GateFinding>,
) -> Result<Login, RlsError> {
    let query = login_query();
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(config.admin_role().as_str());
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
    Ok(Login {
        role,
        schema: row.try_get("schema").map_err(database_error)?,
        can_identify: row.try_get("can_identify").map_err(database_error)?,
        bypasses,
    })
}

fn database_error(error: sqlx::Error) -> RlsError {
    RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}
