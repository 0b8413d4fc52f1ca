//! Reads the tables and types from the catalog.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};

use super::ProofError;

/// The ordinary and partitioned tables, and the types.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) tables: BTreeMap<TableName, Table>,
    pub(super) types: HashMap<i64, Type>,
}

#[derive(Debug)]
pub(super) struct Table {
    /// Whether row-level security hides rows from the login that makes them.
    pub(super) hidden: bool,
    pub(super) columns: Vec<Column>,
    /// The primary key, unless it is deferrable: then `ON CONFLICT` cannot name it.
    pub(super) primary_key: Vec<Identifier>,
    /// The columns of unique indexes.
    pub(super) unique: BTreeSet<Identifier>,
    pub(super) foreign_keys: Vec<Reference>,
}

impl Table {
    pub(super) fn column(&self, name: &Identifier) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == *name)
    }

    /// Whether the server computes the column.
    pub(super) fn is_generated(&self, name: &Identifier) -> bool {
        self.column(name)
            .is_some_and(|column| column.filled == Filled::Generated)
    }
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: Identifier,
    /// As `format_type` prints it, qualified.
    pub(super) sql_type: String,
    pub(super) type_id: i64,
    pub(super) modifier: i32,
    pub(super) not_null: bool,
    pub(super) filled: Filled,
}

/// Who fills a column that an insert leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Nobody,
    Default,
    /// An identity column, which is written only if it must have a certain value.
    Server,
    /// A column that the server computes from others (`GENERATED ALWAYS AS`), which cannot be
    /// written.
    Generated,
}

/// A foreign key.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) columns: Vec<Identifier>,
    pub(super) parent: TableName,
    pub(super) parent_columns: Vec<Identifier>,
    /// Whether it may be checked at the end of a transaction.
    pub(super) deferrable: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) name: String,
    /// Whether it is the server's own.
    pub(super) builtin: bool,
    /// `pg_type.typtype`: base, composite, domain, enum, range, multirange.
    pub(super) kind: String,
    /// A domain's type.
    pub(super) base: i64,
    pub(super) base_modifier: i32,
    pub(super) not_null: bool,
    /// An array's elements.
    pub(super) element: Option<i64>,
    pub(super) labels: Vec<String>,
    pub(super) attributes: i32,
}

const COLUMNS: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS \"table\",
       row_security_active(c.oid) AS hidden,
       a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.atttypid::int8 AS type_id, a.atttypmod AS modifier, a.attnotnull AS not_null,
       a.atthasdef AS has_default, a.attidentity <> '' AS of_server,
       a.attgenerated <> '' AS generated
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1, 2, a.attnum";

/// One row for each column of a unique index, also for those within expressions.
const UNIQUE: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS \"table\", a.attname::text AS name,
       i.indisprimary AND i.indimmediate AND a.attnum = ANY (i.indkey::int2[]) AS primary_key
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p')
JOIN pg_namespace n ON n.oid = c.relnamespace
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
  AND (a.attnum = ANY (i.indkey::int2[])
       OR EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                    AND d.refobjsubid = a.attnum))
WHERE i.indisunique OR i.indisexclusion
ORDER BY 1, 2, array_position(i.indkey::int2[], a.attnum)";

const REFERENCES: &str = "
SELECT n.nspname::text AS schema, c.relname::text AS \"table\",
       pn.nspname::text AS parent_schema, p.relname::text AS parent,
       k.condeferrable AS deferrable,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (num, at)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
             ORDER BY u.at) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (num, at)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num
             ORDER BY u.at) AS parent_columns
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = k.confrelid AND NOT p.relispartition
JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE k.contype = 'f'
ORDER BY 1, 2, k.conname";

const TYPES: &str = "
SELECT t.oid::int8 AS id, t.typname::text AS name,
       t.typnamespace = 'pg_catalog'::regnamespace AS builtin, t.typtype::text AS kind,
       t.typbasetype::int8 AS base, t.typtypmod AS base_modifier, t.typnotnull AS not_null,
       CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem::int8 END AS element,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
             ORDER BY e.enumsortorder) AS labels,
       coalesce((SELECT count(*) FROM pg_attribute a
                 WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
                   AND t.typtype = 'c'), 0)::int4 AS attributes
FROM pg_type t";

/// Reads all of them. `search_path` must be `pg_catalog`, so that types are printed with their
/// schema.
pub(super) async fn read(connection: &mut PgConnection) -> Result<Schema, ProofError> {
    let mut schema = Schema::default();
    for row in rows(connection, COLUMNS).await? {
        schema.add_column(&row)?;
    }

    for row in rows(connection, UNIQUE).await? {
        schema.add_unique(&row)?;
    }

    for row in rows(connection, REFERENCES).await? {
        schema.add_reference(&row)?;
    }

    for row in rows(connection, TYPES).await? {
        schema.add_type(&row)?;
    }

    Ok(schema)
}

impl Schema {
    fn add_column(&mut self, row: &PgRow) -> Result<(), ProofError> {
        let table = self
            .tables
            .entry(table_name(row, "schema", "table")?)
            .or_insert(Table {
                hidden: row.try_get("hidden")?,
                columns: Vec::new(),
                primary_key: Vec::new(),
                unique: BTreeSet::new(),
                foreign_keys: Vec::new(),
            });

        let filled = if row.try_get("generated")? {
            Filled::Generated
        } else if row.try_get("of_server")? {
            Filled::Server
        } else if row.try_get("has_default")? {
            Filled::Default
        } else {
            Filled::Nobody
        };

        table.columns.push(Column {
            name: name(row.try_get("name")?)?,
            sql_type: row.try_get("type")?,
            type_id: row.try_get("type_id")?,
            modifier: row.try_get("modifier")?,
            not_null: row.try_get("not_null")?,
            filled,
        });

        Ok(())
    }

    fn add_unique(&mut self, row: &PgRow) -> Result<(), ProofError> {
        if let Some(table) = self.tables.get_mut(&table_name(row, "schema", "table")?) {
            let column = name(row.try_get("name")?)?;
            if row.try_get("primary_key")? {
                table.primary_key.push(column.clone());
            }

            table.unique.insert(column);
        }

        Ok(())
    }

    fn add_reference(&mut self, row: &PgRow) -> Result<(), ProofError> {
        if let Some(table) = self.tables.get_mut(&table_name(row, "schema", "table")?) {
            table.foreign_keys.push(Reference {
                columns: names(row.try_get("columns")?)?,
                parent: table_name(row, "parent_schema", "parent")?,
                parent_columns: names(row.try_get("parent_columns")?)?,
                deferrable: row.try_get("deferrable")?,
            });
        }

        Ok(())
    }

    fn add_type(&mut self, row: &PgRow) -> Result<(), ProofError> {
        let known = Type {
            name: row.try_get("name")?,
            builtin: row.try_get("builtin")?,
            kind: row.try_get("kind")?,
            base: row.try_get("base")?,
            base_modifier: row.try_get("base_modifier")?,
            not_null: row.try_get("not_null")?,
            element: row.try_get("element")?,
            labels: row.try_get("labels")?,
            attributes: row.try_get("attributes")?,
        };

        self.types.insert(row.try_get("id")?, known);
        Ok(())
    }
}

async fn rows(
    connection: &mut PgConnection,
    query: &'static str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    sqlx::query(AssertSqlSafe(query))
        .persistent(false)
        .fetch_all(connection)
        .await
}

pub(super) fn table_name(row: &PgRow, schema: &str, table: &str) -> Result<TableName, ProofError> {
    Ok(TableName {
        schema: Some(name(row.try_get(schema)?)?),
        table: name(row.try_get(table)?)?,
    })
}

fn names(names: Vec<String>) -> Result<Vec<Identifier>, ProofError> {
    names.into_iter().map(name).collect()
}

pub(super) fn name(name: String) -> Result<Identifier, ProofError> {
    Identifier::new(name).map_err(|error| {
        RlsError::from(SchemaError::Catalog {
            what: error.to_string(),
        })
        .into()
    })
}
