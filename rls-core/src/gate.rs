//! The gate: checks, before the application starts, that isolation would hold for its login and the
//! registered tables.

// May import `schema` and what stands before it; knows nothing of `request`.

pub(crate) mod audit;
mod bound;
mod column;
mod domain;
mod signing;
mod table;

use sea_orm::{DbErr, RuntimeErr};
use sqlx::postgres::types::Oid;
use sqlx::{Connection, PgConnection, Row};

use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::error::{GateError, GateFinding, RlsError};
use crate::model::scope::Scope;
use crate::name::Identifier;
use crate::schema::catalog::query::checked;
use crate::schema::catalog::{QUICK, SearchPath};
use crate::sql::CAN_IDENTIFY;

pub(crate) use domain::FoundDomains;

/// The login, and the tables as its statements find them: a name without a schema by its
/// `search_path`. An operator found by that path need not be the server's, so all are named in
/// full.
fn login_query() -> String {
    format!(
        "SELECT current_user::text AS role,
                (SELECT pg_catalog.array_agg(t.found ORDER BY t.at) FROM (
                   SELECT w.at, CASE WHEN w.schema IS NULL
                     THEN pg_catalog.to_regclass(pg_catalog.quote_ident(w.name))::pg_catalog.oid
                     ELSE (SELECT c.oid FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c
                             ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
                           WHERE n.nspname OPERATOR(pg_catalog.=) w.schema::pg_catalog.name
                             AND c.relname OPERATOR(pg_catalog.=) w.name::pg_catalog.name)
                   END AS found
                   FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]))
                        WITH ORDINALITY AS w (schema, name, at)) t) AS tables,
                pg_catalog.current_schemas(false)::text[] AS schemas, {CAN_IDENTIFY} AS can_identify,
                (SELECT r.rolname::text FROM pg_catalog.pg_roles r
                 WHERE (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
                        OR r.rolname OPERATOR(pg_catalog.=) ANY
                          (ARRAY['pg_execute_server_program', 'pg_read_server_files', \
                          'pg_write_server_files']::pg_catalog.name[]))
                   AND (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                        OR pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'))
                 ORDER BY r.rolname OPERATOR(pg_catalog.=) session_user DESC, r.rolname LIMIT 1) \
                 AS bypasses,
                (SELECT r.rolname::text FROM pg_catalog.pg_roles r
                 WHERE r.rolname OPERATOR(pg_catalog.=) $1::pg_catalog.name AND \
                 (pg_catalog.pg_has_role(current_user, r.oid, 'MEMBER')
                                           OR pg_catalog.pg_has_role(session_user, r.oid, \
                                           'MEMBER'))) AS admin"
    )
}

/// Checks all tables with two statements, with another the keys that bind references, if there are to
/// be any, and with another the policies that have another row in
/// the catalog than after the last sync. Returns the domains that carry contexts, found with one
/// statement more. Needs no privilege.
pub(crate) async fn check(
    connection: &mut PgConnection,
    config: &RlsConfig,
    registry: &Registry,
) -> Result<FoundDomains, RlsError> {
    let scopes: Vec<&Scope> = registry
        .scopes()
        .iter()
        .filter(|scope| scope.unscoped.is_none())
        .collect();

    let (domains, findings) = examine(connection, config, registry, &scopes).await?;

    if findings.is_empty() {
        Ok(domains)
    } else {
        Err(GateError { findings }.into())
    }
}

/// Finds the domains alone, if row-level security is switched off. Refuses nothing: there are no
/// domains if one is missing, or not as it should be.
pub(crate) async fn domains(
    connection: &mut PgConnection,
    config: &RlsConfig,
    registry: &Registry,
) -> Result<FoundDomains, RlsError> {
    let (domains, _) = examine(connection, config, registry, &[]).await?;
    Ok(domains)
}

/// What there is of the domains, and what is wrong with the login, the tables and the domains.
async fn examine(
    connection: &mut PgConnection,
    config: &RlsConfig,
    registry: &Registry,
    scopes: &[&Scope],
) -> Result<(FoundDomains, Vec<GateFinding>), RlsError> {
    let mut transaction = connection
        .begin_with("BEGIN READ ONLY")
        .await
        .map_err(database_error)?;

    let mut findings = Vec::new();
    let login = login(&mut transaction, config, scopes, &mut findings).await?;
    let settings = format!("{}; {QUICK}", SearchPath::PRINTING);
    sqlx::raw_sql(sqlx::AssertSqlSafe(settings))
        .execute(&mut *transaction)
        .await
        .map_err(database_error)?;

    let tables = if scopes.is_empty() {
        Vec::new()
    } else {
        table::read(&mut transaction, scopes, config, &login).await?
    };

    let migrations = table::migrations_role(&tables);
    for (table, scope) in tables.iter().zip(scopes) {
        table.findings(scope, config, &login, migrations, &mut findings);
    }

    column::find(&mut transaction, scopes, &login, &mut findings).await?;
    bound::find(&mut transaction, scopes, &login, &mut findings).await?;

    let (mut domains, faults) = domain::find(&mut transaction, config, registry, &login).await?;
    findings.extend(faults.findings(&login, migrations));
    if !scopes.is_empty() {
        domains.verified = signing::find(&mut transaction, config, &login, &mut findings).await?;
    }

    transaction.rollback().await.map_err(database_error)?;

    Ok((domains, findings))
}

struct LoginFacts {
    role: Identifier,
    /// The registered tables; `None` for one that is not found.
    tables: Vec<Option<Oid>>,
    /// The schemas of its `search_path`.
    schemas: Vec<Identifier>,
    can_identify: bool,
    bypasses: bool,
}

async fn login(
    connection: &mut PgConnection,
    config: &RlsConfig,
    scopes: &[&Scope],
    findings: &mut Vec<GateFinding>,
) -> Result<LoginFacts, RlsError> {
    let schemas: Vec<Option<&str>> = scopes
        .iter()
        .map(|scope| scope.table.schema.as_ref().map(Identifier::as_str))
        .collect();

    let names: Vec<&str> = scopes
        .iter()
        .map(|scope| scope.table.table.as_str())
        .collect();

    let query = login_query();
    let query = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(config.admin_role().as_str())
        .bind(schemas)
        .bind(names);

    let row = query.fetch_one(connection).await.map_err(database_error)?;
    let name = |column| {
        let name: Option<String> = row.try_get(column).map_err(database_error)?;
        name.map(checked).transpose()
    };

    let (through, admin) = (name("bypasses")?, name("admin")?);
    let role = checked(row.try_get("role").map_err(database_error)?)?;
    let bypasses = through.is_some();

    if let Some(through) = through {
        findings.push(GateFinding::Bypasses {
            role: role.clone(),
            through,
        });
    } else if let Some(admin) = admin {
        findings.push(GateFinding::ReachesAdmin {
            role: role.clone(),
            admin,
        });
    }

    let schemas: Vec<String> = row.try_get("schemas").map_err(database_error)?;

    Ok(LoginFacts {
        role,
        schemas: schemas.into_iter().map(checked).collect::<Result<_, _>>()?,
        tables: row
            .try_get::<Option<_>, _>("tables")
            .map_err(database_error)?
            .unwrap_or_default(),
        can_identify: row.try_get("can_identify").map_err(database_error)?,
        bypasses,
    })
}

pub(crate) fn database_error(error: sqlx::Error) -> RlsError {
    RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())))
}
