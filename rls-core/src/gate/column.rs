//! The gate's check of privileges that entities limit to columns.

use std::collections::BTreeMap;

use sqlx::postgres::types::Oid;
use sqlx::{PgConnection, Row};

use super::{LoginFacts, database_error};
use crate::error::{GateFinding, RlsError};
use crate::model::privilege::Privilege;
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::checked;

/// The columns beyond those declared, which `$3` and `$4` list by the number of their limit. An owner
/// has every privilege, and is a finding of its own.
const BEYOND: &str = "
SELECT l.at::int4, n.nspname::text AS schema, c.relname::text AS \"table\",
       pg_get_userbyid(c.relowner)::text AS owner, a.attname::text AS column
FROM unnest($1::oid[], $2::text[]) WITH ORDINALITY AS l (oid, privilege, at)
JOIN pg_class c ON c.oid = l.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE has_column_privilege(c.oid, a.attnum, l.privilege)
  AND NOT pg_has_role(current_user, c.relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM unnest($3::int4[], $4::text[]) AS d (at, name)
                  WHERE d.at = l.at AND d.name = a.attname)
ORDER BY l.at, a.attnum";

/// Finds the columns that the login may write beyond those that its entities name. Sends nothing if
/// no entity limits a privilege. Needs no privilege, and a `search_path` of `pg_catalog` alone.
pub(super) async fn find(
    connection: &mut PgConnection,
    scopes: &[&Scope],
    login: &LoginFacts,
    findings: &mut Vec<GateFinding>,
) -> Result<(), RlsError> {
    let limits: Vec<(Oid, Privilege, Vec<&str>)> = scopes
        .iter()
        .zip(&login.tables)
        .filter_map(|(scope, oid)| Some((scope, (*oid)?)))
        .flat_map(|(scope, oid)| {
            scope.columns.iter().map(move |(privilege, columns)| {
                let columns = columns.iter().map(Identifier::as_str);
                (oid, *privilege, columns.collect())
            })
        })
        .collect();

    if limits.is_empty() || login.bypasses {
        return Ok(());
    }

    let tables: Vec<Oid> = limits.iter().map(|(oid, ..)| *oid).collect();
    let privileges: Vec<&str> = limits.iter().map(|(_, it, _)| it.as_sql()).collect();
    let (numbers, names): (Vec<i32>, Vec<&str>) = (1..)
        .zip(&limits)
        .flat_map(|(at, (.., columns))| columns.iter().map(move |column| (at, *column)))
        .unzip();

    let rows = sqlx::query(BEYOND)
        .bind(tables)
        .bind(privileges)
        .bind(numbers)
        .bind(names)
        .fetch_all(connection)
        .await
        .map_err(database_error)?;

    let mut found: BTreeMap<i32, (TableName, Identifier, Vec<Identifier>)> = BTreeMap::new();
    for row in rows {
        let name = |column| {
            let name: Result<String, _> = row.try_get(column);
            name.map_err(database_error).and_then(checked)
        };

        let table = TableName {
            schema: Some(name("schema")?),
            table: name("table")?,
        };
        let at = row.try_get(0).map_err(database_error)?;
        let (.., columns) = found
            .entry(at)
            .or_insert((table, name("owner")?, Vec::new()));
        columns.push(name("column")?);
    }

    for ((table, owner, columns), (_, privilege, _)) in (1..)
        .zip(&limits)
        .filter_map(|(at, limit)| Some((found.remove(&at)?, limit)))
    {
        findings.push(GateFinding::ColumnsBeyond {
            role: login.role.clone(),
            table,
            owner,
            privilege: *privilege,
            columns,
        });
    }

    Ok(())
}
