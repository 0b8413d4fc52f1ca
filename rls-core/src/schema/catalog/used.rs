use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use super::query::{get, name, rows, table, text};
use crate::error::RlsError;
use crate::name::{Identifier, TableName};
use crate::schema::used::UsedNames;

/// The names that are in use in the schemas of these tables, and the constraints of the tables there.
/// Locks nothing.
pub(crate) async fn used_names(
    db: &impl ConnectionTrait,
    tables: impl IntoIterator<Item = &TableName>,
) -> Result<UsedNames, RlsError> {
    let schemas: Vec<String> = tables
        .into_iter()
        .filter_map(|table| table.schema.as_ref())
        .collect::<BTreeSet<&Identifier>>()
        .into_iter()
        .map(text)
        .collect();
    let schemas = format!("n.nspname = ANY (ARRAY[{}]::name[])", schemas.join(", "));

    // An invalid index of a partitioned table waits for those of its partitions.
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name,
                CASE WHEN c.relkind = 'i' AND NOT i.indisvalid AND NOT i.indisunique THEN \
         t.relname::text END AS invalid_of
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
         WHERE {schemas}"
    );

    let mut used = UsedNames::default();
    for row in rows(db, query).await? {
        if get::<Option<String>>(&row, "invalid_of")?.is_some() {
            let of = table(&row, "schema", "invalid_of")?;
            used.invalid.insert((of, name(&row, "name")?));
        }

        used.relations.insert(table(&row, "schema", "name")?);
    }

    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS \"table\", k.conname::text AS name
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {schemas}"
    );
    for row in rows(db, query).await? {
        let of = table(&row, "schema", "table")?;
        used.constraints.insert((of, name(&row, "name")?));
    }

    Ok(used)
}
