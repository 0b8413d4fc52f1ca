//! The gate's check of the keys that keep references with their owner.

use std::collections::BTreeSet;

use sqlx::postgres::types::Oid;
use sqlx::{PgConnection, Row};

use super::{LoginFacts, database_error};
use crate::error::{GateFinding, RlsError};
use crate::model::scope::{Bound, Scope};
use crate::name::TableName;
use crate::schema::catalog::relation::{ENFORCED, key_columns};

/// A foreign key that the server enforces: its table, the one it refers to, and the columns.
type Key = (Oid, Oid, BTreeSet<(String, String)>);

/// Finds the bound references without such a key; sends nothing if no key is to bind one. What a
/// policy binds is checked with the other policies.
pub(super) async fn find(
    connection: &mut PgConnection,
    scopes: &[&Scope],
    login: &LoginFacts,
    findings: &mut Vec<GateFinding>,
) -> Result<(), RlsError> {
    let oid = |table: &TableName| {
        let at = scopes.iter().position(|scope| scope.table == *table)?;
        login.tables.get(at).copied().flatten()
    };

    // A table that is missing is a finding already.
    let desired: Vec<(&Scope, &Bound, Key)> = scopes
        .iter()
        .flat_map(|scope| scope.bound.iter().map(move |bound| (*scope, bound)))
        .filter(|(_, bound)| !bound.key().is_empty())
        .filter_map(|(scope, bound)| {
            let key = (oid(&scope.table)?, oid(&bound.parent)?, columns(bound));
            Some((scope, bound, key))
        })
        .collect();
    if desired.is_empty() {
        return Ok(());
    }

    let tables: Vec<Oid> = desired.iter().map(|(_, _, key)| key.0).collect();
    let actual = read(connection, tables).await?;

    let unbound = desired
        .into_iter()
        .filter(|(_, _, key)| !actual.contains(key));
    findings.extend(unbound.map(|(scope, bound, _)| GateFinding::Unbound {
        table: scope.table.clone(),
        column: bound.column.clone(),
        parent: bound.parent.clone(),
    }));

    Ok(())
}

fn columns(bound: &Bound) -> BTreeSet<(String, String)> {
    bound
        .key()
        .iter()
        .map(|(own, of)| (own.to_string(), of.to_string()))
        .collect()
}

async fn read(connection: &mut PgConnection, tables: Vec<Oid>) -> Result<Vec<Key>, RlsError> {
    let query = format!(
        "SELECT k.conrelid, k.confrelid, {} AS own, {} AS of FROM pg_constraint k
         WHERE k.conrelid = ANY ($1) AND k.contype = 'f' AND {ENFORCED}",
        key_columns("conrelid", "conkey"),
        key_columns("confrelid", "confkey")
    );

    let rows = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(tables)
        .fetch_all(connection)
        .await
        .map_err(database_error)?;

    let key = |row: &sqlx::postgres::PgRow| {
        let (own, of): (Vec<String>, Vec<String>) = (row.try_get("own")?, row.try_get("of")?);
        let columns = own.into_iter().zip(of).collect();
        Ok((row.try_get(0)?, row.try_get(1)?, columns))
    };
    let keys: Result<_, sqlx::Error> = rows.iter().map(key).collect();
    keys.map_err(database_error)
}
