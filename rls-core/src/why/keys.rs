//! The keys that stand in the way of a row. A key sees all rows, whatever the policies hide.

use super::ask::Asking;
use super::cause::Cause;
use super::error::WhyError;
use super::table::{Row, Table, is};
use crate::error::RlsError;
use crate::model::privilege::Command;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::{checked, get, name, table};

/// A key of the table, or one that leads to it.
struct Key {
    name: Identifier,
    columns: Vec<Identifier>,
    /// The other table, and its columns.
    other: TableName,
    others: Vec<Identifier>,
}

/// The keys that stand in the way of a command; `new` if the row is not there yet.
pub(super) async fn causes(
    asking: &mut Asking<'_>,
    table: &Table,
    row: &Row,
    command: Command,
    new: bool,
) -> Result<Vec<Cause>, WhyError> {
    let mut causes = Vec::new();
    if command == Command::Insert && new {
        for key in read(asking, foreign(table)).await? {
            let leads_to_itself = key.other == table.root && key.is_of_itself(row);
            if !leads_to_itself && there(asking, &key, row, None).await? == Some(false) {
                causes.push(Cause::ForeignKey {
                    constraint: key.name,
                    parent: key.other,
                });
            }
        }

        for key in read(asking, unique(table)).await? {
            if there(asking, &key, row, None).await? == Some(true) {
                causes.push(Cause::Unique {
                    index: key.name,
                    columns: key.columns,
                });
            }
        }
    }

    if command == Command::Delete {
        for key in read(asking, referring(table)).await? {
            // A row that refers to itself goes along.
            let but = (key.other == table.root).then_some(row);
            if there(asking, &key, row, but).await? == Some(true) {
                causes.push(Cause::Referenced {
                    constraint: key.name,
                    by: key.other,
                });
            }
        }
    }

    Ok(causes)
}

impl Key {
    /// Whether a row of the table refers to itself by the key.
    fn is_of_itself(&self, row: &Row) -> bool {
        let mut pairs = self.columns.iter().zip(&self.others);
        pairs.all(|(column, other)| {
            let value = row.value(column);
            value.expose().is_some() && value == row.value(other)
        })
    }
}

/// Whether the other table has a row with these values, but for one; `None` if a value is NULL, or if
/// the administrator may not look there.
async fn there(
    asking: &mut Asking<'_>,
    key: &Key,
    row: &Row,
    but: Option<&Row>,
) -> Result<Option<bool>, WhyError> {
    let values: Option<Vec<(Identifier, String)>> = key
        .others
        .iter()
        .zip(&key.columns)
        .map(|(other, column)| Some((other.clone(), row.value(column).expose()?.to_owned())))
        .collect();
    let Some(values) = values else {
        return Ok(None);
    };

    let other = asking.table(&key.other).await?;
    match asking.rows(&other, &values, 2).await {
        Ok(rows) => Ok(Some(
            rows.iter()
                .any(|found| but.is_none_or(|but| found.json != but.json)),
        )),
        Err(WhyError::Blind { .. } | WhyError::Rls(RlsError::MissingGrant { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn read(asking: &Asking<'_>, query: String) -> Result<Vec<Key>, WhyError> {
    let mut keys = Vec::new();
    for row in asking.catalog(query).await? {
        let columns = |column| -> Result<Vec<Identifier>, RlsError> {
            let names: Vec<String> = get(&row, column)?;
            names.into_iter().map(checked).collect()
        };
        keys.push(Key {
            name: name(&row, "name")?,
            columns: columns("columns")?,
            other: table(&row, "schema", "table")?,
            others: columns("others")?,
        });
    }

    Ok(keys)
}

/// The names of the columns with these numbers.
fn columns_of(relation: &str, numbers: &str) -> String {
    format!(
        "(SELECT array_agg(a.attname::text ORDER BY u.at) FROM unnest({numbers}) WITH ORDINALITY AS u (n, at)
          JOIN pg_attribute a ON a.attrelid = {relation} AND a.attnum = u.n)"
    )
}

/// The foreign keys of the table that are enforced.
fn foreign(table: &Table) -> String {
    key_query(
        table,
        "k.conrelid",
        "k.conkey",
        "k.confrelid",
        "k.confkey",
        "true",
    )
}

/// The foreign keys of others that refuse to delete a row.
fn referring(table: &Table) -> String {
    let refuses = "k.confdeltype IN ('a', 'r')";
    key_query(
        table,
        "k.confrelid",
        "k.confkey",
        "k.conrelid",
        "k.conkey",
        refuses,
    )
}

fn key_query(
    table: &Table,
    of: &str,
    columns: &str,
    other: &str,
    others: &str,
    filter: &str,
) -> String {
    format!(
        "SELECT k.conname::text AS name, {} AS columns, {} AS others, m.nspname::text AS schema,
                o.relname::text AS table
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_constraint k ON {of} = c.oid AND k.contype = 'f' AND k.conparentid = 0
           AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) AND {filter}
         JOIN pg_class o ON o.oid = {other} JOIN pg_namespace m ON m.oid = o.relnamespace
         WHERE {} ORDER BY k.conname",
        columns_of(of, columns),
        columns_of(other, others),
        is(&table.root)
    )
}

/// The unique indexes of the table on plain columns of all rows.
fn unique(table: &Table) -> String {
    let columns = columns_of("c.oid", "(i.indkey::int2[])[0:i.indnkeyatts - 1]");
    format!(
        "SELECT x.relname::text AS name, {columns} AS columns, {columns} AS others,
                n.nspname::text AS schema, c.relname::text AS table
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_index i ON i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
         JOIN pg_class x ON x.oid = i.indexrelid
         WHERE {} ORDER BY i.indisprimary DESC, x.relname",
        is(&table.root)
    )
}
