use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use super::query::{get, rows, table, text};
use crate::error::RlsError;
use crate::name::{Identifier, TableName};

/// What has the name of an index that is to be created.
pub(crate) enum IndexNamed {
    /// An invalid index of that table, left by a run that broke off.
    BrokenOff,
    /// Anything else.
    Other,
}

/// What has the name of an index in a table's schema.
pub(crate) async fn index_named(
    db: &impl ConnectionTrait,
    of: &TableName,
    name: &Identifier,
) -> Result<Option<IndexNamed>, RlsError> {
    let query = format!(
        "SELECT coalesce(NOT i.indisvalid AND t.relname = {}, false) AS broken
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
         LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
         WHERE n.nspname = {} AND c.relname = {}",
        text(&of.table),
        schema(of),
        text(name)
    );

    let rows = rows(db, query).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };

    Ok(Some(if get(row, "broken")? {
        IndexNamed::BrokenOff
    } else {
        IndexNamed::Other
    }))
}

/// Whether the constraint of that name is only a check that the column is not NULL; `None` if there
/// is no such constraint.
pub(crate) async fn check_named(
    db: &impl ConnectionTrait,
    of: &TableName,
    name: &Identifier,
    column: &Identifier,
) -> Result<Option<bool>, RlsError> {
    let query = format!(
        "SELECT k.contype = 'c' AND pg_catalog.pg_get_constraintdef(k.oid) IN (
                  'CHECK ((' || pg_catalog.quote_ident({column}) || ' IS NOT NULL)) NOT VALID',
                  'CHECK ((' || pg_catalog.quote_ident({column}) || ' IS NOT NULL))') AS same
         FROM pg_catalog.pg_constraint k
         JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {} AND c.relname = {} AND k.conname = {}",
        schema(of),
        text(&of.table),
        text(name),
        column = text(column)
    );

    rows(db, query)
        .await?
        .first()
        .map(|row| get(row, "same"))
        .transpose()
}

/// All partitioned tables.
pub(crate) async fn partitioned(
    db: &impl ConnectionTrait,
) -> Result<BTreeSet<TableName>, RlsError> {
    const QUERY: &str = "SELECT n.nspname::text AS schema, c.relname::text AS \"table\"
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE \
        c.relkind = 'p'";

    rows(db, QUERY.to_owned())
        .await?
        .iter()
        .map(|row| table(row, "schema", "table"))
        .collect()
}

fn schema(of: &TableName) -> String {
    of.schema
        .as_ref()
        .map_or_else(|| "current_schema()".to_owned(), text)
}
