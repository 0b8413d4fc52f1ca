//! The keys of the registered tables, and those that refer to them.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};

use crate::error::{RlsError, SchemaError};
use crate::model::scope::Scope;
use crate::name::TableName;
use crate::schema::catalog::query::{get, table};
use crate::sql;

use super::SubjectError;

/// A table of the registry, as the server knows it.
pub(super) struct Known {
    pub(super) oid: i64,
    pub(super) name: TableName,
    /// The columns of the primary key, of the alias `t`.
    pub(super) key: Option<String>,
    /// The columns that are unique alone.
    pub(super) unique: BTreeSet<String>,
    /// Whether the policies let the administrator read every row.
    pub(super) read: bool,
    /// Whether they let it lock and delete every row too.
    pub(super) erased: bool,
}

/// A foreign key to a table of the registry.
pub(super) struct Reference {
    pub(super) key: String,
    pub(super) child: i64,
    pub(super) child_name: TableName,
    pub(super) parent: i64,
    /// The columns of the alias `c`, and those that they refer to, of the alias `p`.
    pub(super) child_columns: String,
    pub(super) parent_columns: String,
    pub(super) deferrable: bool,
    /// Whether it deletes or changes the referring row.
    pub(super) acts: bool,
}

/// Reads the table of a scope.
pub(super) async fn known(db: &impl ConnectionTrait, scope: &Scope) -> Result<Known, SubjectError> {
    // Of each command: a policy lets every row through, and none is there that could hide one.
    const TABLE: &str = "
WITH policy AS (
  SELECT p.polrelid, p.polcmd::text AS command, p.polpermissive AS permissive,
    pg_catalog.pg_get_expr(p.polqual, p.polrelid) IS NOT DISTINCT FROM 'true' AS whole
  FROM pg_catalog.pg_policy p
  WHERE p.polrelid = to_regclass($1) AND EXISTS (
    SELECT FROM unnest(p.polroles) AS r (id) WHERE r.id = 0 OR pg_catalog.pg_has_role(r.id, 'USAGE')))
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS \"table\",
  (SELECT string_agg(format('t.%I', a.attname), ', ' ORDER BY k.at)
   FROM pg_catalog.pg_index i
   CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, at)
   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
   WHERE i.indrelid = c.oid AND i.indisprimary) AS key,
  (SELECT json_agg(a.attname)::text FROM pg_catalog.pg_index i
   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
   WHERE i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1 AND i.indisvalid
     AND i.indpred IS NULL AND i.indexprs IS NULL) AS \"unique\",
  (SELECT coalesce(string_agg(v.command, ''), '') FROM (VALUES ('r'), ('w'), ('d')) AS v (command)
   WHERE NOT c.relrowsecurity OR (
     EXISTS (SELECT FROM policy p WHERE p.permissive AND p.whole AND p.command IN ('*', v.command))
     AND NOT EXISTS (SELECT FROM policy p WHERE NOT p.permissive AND p.command IN ('*', v.command)))) AS seen
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1)";

    let name = sql::table(&scope.table);
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, TABLE, [name.into()]);
    let Some(row) = db.query_one_raw(statement).await? else {
        let table = scope.table.to_string();
        return Err(SubjectError::NoTable { table });
    };

    let unique: Option<String> = get(&row, "unique")?;
    let unique: Vec<String> = match unique {
        Some(names) => serde_json::from_str(&names).map_err(|_| {
            let what = format!("columns {names}");
            RlsError::from(SchemaError::Catalog { what })
        })?,
        None => Vec::new(),
    };
    let seen: String = get(&row, "seen")?;

    Ok(Known {
        oid: get(&row, "oid")?,
        name: table(&row, "schema", "table")?,
        key: get(&row, "key")?,
        unique: unique.into_iter().collect(),
        read: seen.contains('r'),
        erased: ["r", "w", "d"]
            .into_iter()
            .all(|command| seen.contains(command)),
    })
}

/// Reads the foreign keys to these tables and to their partitions and heirs, whose rows a statement of
/// the table reaches; a key that partitions inherit, once.
pub(super) async fn references(
    db: &impl ConnectionTrait,
    tables: &[Known],
) -> Result<Vec<Reference>, SubjectError> {
    let oids: Vec<String> = tables.iter().map(|table| table.oid.to_string()).collect();
    let query = format!(
        "WITH RECURSIVE reached (root, oid) AS (
           SELECT oid, oid FROM pg_catalog.pg_class WHERE oid IN ({})
           UNION SELECT r.root, i.inhrelid FROM reached r
           JOIN pg_catalog.pg_inherits i ON i.inhparent = r.oid)
         SELECT f.conname::text AS key, f.conrelid::int8 AS child, r.root::int8 AS parent,
           n.nspname::text AS schema, c.relname::text AS \"table\", f.condeferrable AS deferrable,
           f.confdeltype IN ('c', 'n', 'd') AS acts,
           (SELECT string_agg(format('c.%I', a.attname), ', ' ORDER BY k.at)
            FROM unnest(f.conkey) WITH ORDINALITY AS k (number, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.number)
             AS child_columns,
           (SELECT string_agg(format('p.%I', a.attname), ', ' ORDER BY k.at)
            FROM unnest(f.confkey) WITH ORDINALITY AS k (number, at)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.number)
             AS parent_columns
         FROM pg_catalog.pg_constraint f
         JOIN reached r ON r.oid = f.confrelid
         JOIN pg_catalog.pg_class c ON c.oid = f.conrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE f.contype = 'f' AND f.conparentid = 0
         ORDER BY n.nspname, c.relname, f.conname",
        oids.join(", ")
    );

    let statement = Statement::from_string(DbBackend::Postgres, query);
    let rows = db.query_all_raw(statement).await?;
    let references: Result<_, RlsError> = rows.iter().map(reference).collect();
    Ok(references?)
}

fn reference(row: &QueryResult) -> Result<Reference, RlsError> {
    Ok(Reference {
        key: get(row, "key")?,
        child: get(row, "child")?,
        child_name: table(row, "schema", "table")?,
        parent: get(row, "parent")?,
        child_columns: get(row, "child_columns")?,
        parent_columns: get(row, "parent_columns")?,
        deferrable: get(row, "deferrable")?,
        acts: get(row, "acts")?,
    })
}
