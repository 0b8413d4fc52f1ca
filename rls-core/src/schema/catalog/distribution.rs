//! How Citus spreads tables over its nodes.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::query::{checked, get, rows};
use super::relation::table_name;
use crate::error::RlsError;
use crate::model::scope::Distribution;
use crate::name::TableName;
use crate::schema::snapshot::Relation;
use crate::sql::IS_CITUS;

/// Each table that is distributed by a column, or is a reference table (its placements are kept by
/// two-phase commit). A table of the coordinator that Citus knows is neither.
const DISTRIBUTED: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS \"table\",
       pg_catalog.column_to_column_name(d.logicalrelid, d.partkey) AS column
FROM pg_catalog.pg_dist_partition d
JOIN pg_catalog.pg_class c ON c.oid = d.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE d.partmethod <> 'n' OR d.repmodel = 't'";

/// Whether the database has Citus.
pub(crate) async fn is_citus(db: &impl ConnectionTrait) -> Result<bool, RlsError> {
    let answer = rows(db, format!("SELECT {IS_CITUS} AS is_citus")).await?;
    answer.first().map_or(Ok(false), |row| get(row, "is_citus"))
}

/// The tables that Citus spreads. None on a server without it.
pub(crate) async fn distributed(db: &impl ConnectionTrait) -> Result<Vec<TableName>, RlsError> {
    if !is_citus(db).await? {
        return Ok(Vec::new());
    }

    let found = rows(db, DISTRIBUTED.to_owned()).await?;
    found.iter().map(table_name).collect()
}

/// Adds how Citus spreads these tables. Locks nothing.
pub(super) async fn read(
    db: &impl ConnectionTrait,
    relations: &mut BTreeMap<TableName, Relation>,
) -> Result<(), RlsError> {
    for row in rows(db, DISTRIBUTED.to_owned()).await? {
        if let Some(Relation::Table(table)) = relations.get_mut(&table_name(&row)?) {
            let column: Option<String> = get(&row, "column")?;
            table.distribution = Some(match column {
                Some(column) => Distribution::By(checked(column)?),
                None => Distribution::Everywhere,
            });
        }
    }

    Ok(())
}
