use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::query::{checked, get, name, rows, text};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::policy::Canonical;
use crate::model::privilege::{Grants, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::render;
use crate::schema::snapshot::{ActualAudit, AuditTable, PUBLIC};

/// Reads the audit table, and compares it with a copy of the desired one, in a savepoint that is
/// rolled back.
///
/// Lock taken: none. Privilege needed: `TEMPORARY` on the database. Nothing remains.
pub(crate) async fn audit(
    db: &DatabaseTransaction,
    table: &TableName,
    config: &RlsConfig,
) -> Result<ActualAudit, RlsError> {
    let schema = table
        .schema
        .as_ref()
        .map_or_else(|| "NULL".to_owned(), text);

    // A table needs its name as a type too. The server renames an array's type that has it.
    let query = format!(
        "SELECT c.oid::text AS oid, c.relkind::text AS relkind
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema} AND c.relname = {name}
         UNION ALL
         SELECT t.oid::text, 'type' FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname = {schema} AND t.typname = {name} AND t.typrelid = 0
           AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)",
        name = text(&table.table)
    );

    let Some(relation) = rows(db, query).await?.pop() else {
        return Ok(ActualAudit::Missing);
    };
    let (oid, relkind): (String, String) = (get(&relation, "oid")?, get(&relation, "relkind")?);
    if !matches!(relkind.as_str(), "r" | "p") {
        return Ok(ActualAudit::Other("it is no table".to_owned()));
    }

    let mut actual = AuditTable::default();
    let savepoint = db.begin().await?;
    savepoint
        .execute_unprepared(&render::create_audit("pg_temp.rls_audit").replacen(
            "TABLE",
            "TEMPORARY TABLE",
            1,
        ))
        .await?;

    let columns = rows(&savepoint, columns(&oid)).await?;
    savepoint.rollback().await?;

    for row in columns {
        let column = name(&row, "column")?;
        if !get::<bool>(&row, "fits")? {
            return Ok(ActualAudit::Other(format!("column `{column}`")));
        }

        let desired: Option<String> = get(&row, "desired")?;
        let default: Option<String> = get(&row, "default")?;
        if desired != default {
            let default = default.map(Canonical::printed);
            actual.defaults.push((column, default));
        }
    }

    actual.grants = read_grants(db, &oid, config).await?;
    Ok(ActualAudit::Table(actual))
}

/// The grants of the two roles, and of everyone.
async fn read_grants(
    db: &DatabaseTransaction,
    oid: &str,
    config: &RlsConfig,
) -> Result<BTreeMap<Identifier, Grants>, RlsError> {
    let mut roles: BTreeMap<Identifier, Grants> = BTreeMap::new();
    for row in rows(db, grants(oid, config)).await? {
        let Some(privilege) = Privilege::from_sql(&get::<String>(&row, "privilege")?) else {
            continue;
        };
        let column: Option<String> = get(&row, "column")?;
        let grants = roles.entry(name(&row, "role")?).or_default();
        grants.add(privilege, column.map(checked).transpose()?);
    }

    Ok(roles)
}

/// Each column of the copy beside that of the table; further columns do not matter.
fn columns(oid: &str) -> String {
    format!(
        "SELECT w.attname::text AS column, pg_get_expr(wd.adbin, wd.adrelid) AS desired,
                pg_get_expr(d.adbin, d.adrelid) AS default,
                coalesce((a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated)
                       = (w.atttypid, w.atttypmod, w.attnotnull, w.attidentity, w.attgenerated), \
                       false) AS fits
         FROM pg_class c
         JOIN pg_attribute w ON w.attrelid = c.oid AND w.attnum > 0
         LEFT JOIN pg_attrdef wd ON wd.adrelid = w.attrelid AND wd.adnum = w.attnum
         LEFT JOIN pg_attribute a ON a.attrelid = {oid} AND a.attname = w.attname AND NOT \
         a.attisdropped
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE c.relnamespace = pg_my_temp_schema() AND c.relname = 'rls_audit'
         ORDER BY w.attnum"
    )
}

fn grants(oid: &str, config: &RlsConfig) -> String {
    format!(
        "SELECT coalesce(r.rolname, '{PUBLIC}')::text AS role, g.column::text AS column, \
         acl.privilege_type AS privilege
         FROM (SELECT c.relacl AS acl, NULL::name AS column FROM pg_class c WHERE c.oid = {oid}
               UNION ALL
               SELECT a.attacl, a.attname FROM pg_attribute a
               WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped) g,
              aclexplode(g.acl) acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE acl.grantee = 0 OR r.rolname IN ({}, {})",
        text(config.app_role()),
        text(config.admin_role())
    )
}
