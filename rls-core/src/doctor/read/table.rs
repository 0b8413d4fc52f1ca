use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;

use super::{maybe_name, names};
use crate::doctor::facts::{Call, Column, ForeignKeyFact, IndexFact, Oid};
use crate::entity::registry::Registry;
use crate::error::RlsError;
use crate::name::Identifier;
use crate::schema::catalog::query::{get, name, rows, table, text};
use crate::schema::catalog::relation::{ENFORCED, UNPROVEN, on_delete};
use crate::schema::catalog::{self, POLICY_COLUMNS, POLICY_JOINS};
use crate::schema::table::ActualPolicy;

type ByTable<T> = BTreeMap<Oid, BTreeMap<Identifier, T>>;

pub(super) async fn columns(
    db: &impl ConnectionTrait,
    tables: &str,
    registry: &Registry,
) -> Result<ByTable<Column>, RlsError> {
    let names: BTreeSet<&Identifier> = registry
        .scopes()
        .iter()
        .flat_map(|scope| &scope.keys)
        .filter(|key| key.owned().is_some())
        .map(|key| &key.column)
        .collect();

    let names: Vec<String> = names.into_iter().map(text).collect();

    let query = format!(
        "SELECT a.attrelid::int8 AS relation, a.attname::text AS name, a.attnotnull AS not_null,
                {UNPROVEN} AS unproven,
                format_type(a.atttypid, a.atttypmod) AS type,
                a.attidentity <> '' OR s.refobjid IS NOT NULL AS serial,
                a.attgenerated = 'v' AS is_virtual,
                coalesce(l.collisdeterministic, true) AS deterministic
         FROM pg_attribute a
         LEFT JOIN pg_collation l ON l.oid = a.attcollation
         LEFT JOIN (
           SELECT DISTINCT d.refobjid, d.refobjsubid
           FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
           WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
             AND d.deptype IN ('a', 'i')) s
           ON s.refobjid = a.attrelid AND s.refobjsubid = a.attnum
         WHERE a.attnum > 0 AND NOT a.attisdropped
           AND (a.attrelid = ANY ({tables}) OR a.attname = ANY (ARRAY[{}]::name[]))",
        names.join(", ")
    );

    let mut columns: ByTable<Column> = BTreeMap::new();
    for row in rows(db, query).await? {
        let column = Column {
            sql_type: get(&row, "type")?,
            not_null: get(&row, "not_null")?,
            unproven: maybe_name(&row, "unproven")?,
            serial: get(&row, "serial")?,
            is_virtual: get(&row, "is_virtual")?,
            deterministic: get(&row, "deterministic")?,
        };

        columns
            .entry(get(&row, "relation")?)
            .or_default()
            .insert(name(&row, "name")?, column);
    }

    Ok(columns)
}

pub(super) async fn policies(
    db: &impl ConnectionTrait,
    tables: &str,
) -> Result<ByTable<ActualPolicy>, RlsError> {
    let query = format!(
        "SELECT p.polrelid::int8 AS relation, {POLICY_COLUMNS} FROM pg_policy p {POLICY_JOINS}
         WHERE p.polrelid = ANY ({tables})"
    );

    let mut policies: ByTable<ActualPolicy> = BTreeMap::new();
    for row in rows(db, query).await? {
        let policy = catalog::policy(&row)?;
        policies
            .entry(get(&row, "relation")?)
            .or_default()
            .insert(policy.policy.name.clone(), policy);
    }

    Ok(policies)
}

/// The catalog records no dependency on a function of the server. Those of extensions are left out:
/// their authors answer for them.
pub(super) async fn calls(db: &impl ConnectionTrait, tables: &str) -> Result<Vec<Call>, RlsError> {
    let query = format!(
        "SELECT DISTINCT p.polrelid::int8 AS relation, p.polname::text AS policy,
                f.oid::regprocedure::text AS function,
                pg_get_userbyid(f.proowner)::text AS owner_name, f.provolatile::text AS volatility,
                f.pronargs = 0
                OR CASE WHEN f.prokind = 'f' THEN pg_get_functiondef(f.oid) ELSE f.prosrc END ~*
                  '\\m(current_setting|current_user|current_role|session_user|user|now|from|perform|execute)\\M' AS varies
         FROM pg_policy p
         JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
         LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
         JOIN pg_proc f ON f.oid = coalesce(o.oprcode::oid, d.refobjid)
         WHERE p.polrelid = ANY ({tables}) AND d.refclassid IN ('pg_proc'::regclass,
                                                               'pg_operator'::regclass)
           AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass
                             AND e.objid = f.oid AND e.deptype = 'e')
         ORDER BY 1, 2, 3"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            let volatility: String = get(row, "volatility")?;
            Ok(Call {
                relation: get(row, "relation")?,
                policy: name(row, "policy")?,
                function: get(row, "function")?,
                owner_name: name(row, "owner_name")?,
                volatility: volatility.chars().next().unwrap_or('s'),
                varies: get(row, "varies")?,
            })
        })
        .collect()
}

/// An operator may run before policies if its function is `proleakproof`.
pub(super) async fn indexes(
    db: &impl ConnectionTrait,
    tables: &str,
) -> Result<Vec<IndexFact>, RlsError> {
    let query = format!(
        "WITH leaky AS MATERIALIZED (
           SELECT DISTINCT c.oid AS opclass
           FROM pg_opclass c JOIN pg_amop x ON x.amopfamily = c.opcfamily AND x.amoppurpose = 's'
                                           AND x.amoplefttype = c.opcintype
           JOIN pg_operator o ON o.oid = x.amopopr JOIN pg_proc f ON f.oid = o.oprcode
           WHERE NOT f.proleakproof AND (
             x.amoprighttype = c.opcintype
             OR x.amoplefttype <> x.amoprighttype AND NOT EXISTS (
               SELECT FROM pg_amop y
               WHERE y.amopfamily = c.opcfamily AND y.amoplefttype = c.opcintype
                 AND y.amoprighttype = c.opcintype AND y.amoppurpose = 's')))
         SELECT i.indrelid::int8 AS relation, n.nspname::text AS schema, c.relname::text AS name,
                i.indisunique AS is_unique, i.indisvalid AS valid, m.amname = 'btree' AS btree,
                i.indpred IS NOT NULL AS partial, o.attname::text AS only,
                NOT EXISTS (SELECT FROM leaky
                            WHERE leaky.opclass = (i.indclass::oid[])[0]) AS leakproof,
                EXISTS (SELECT FROM pg_opclass c WHERE c.oid = ANY (i.indclass::oid[])
                          AND c.opcname LIKE '%\\_pattern\\_ops') AS patterns,
                (SELECT json_agg(a.attname::text ORDER BY k.position)::text
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position)
                 LEFT JOIN pg_attribute a
                   ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
                 WHERE k.position <= i.indnkeyatts) AS columns
         FROM pg_index i
         JOIN pg_class c ON c.oid = i.indexrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_am m ON m.oid = c.relam
         LEFT JOIN pg_attribute o ON i.indpred IS NOT NULL AND o.attrelid = i.indrelid
                                     AND quote_ident(o.attname) = pg_get_expr(i.indpred, i.indrelid)
         WHERE i.indrelid = ANY ({tables})
         ORDER BY 1, 3"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(IndexFact {
                relation: get(row, "relation")?,
                name: table(row, "schema", "name")?,
                columns: names(row, "columns")?,
                unique: get(row, "is_unique")?,
                only: maybe_name(row, "only")?,
                partial: get(row, "partial")?,
                btree: get(row, "btree")?,
                valid: get(row, "valid")?,
                leakproof: get(row, "leakproof")?,
                patterns: get(row, "patterns")?,
            })
        })
        .collect()
}

pub(super) async fn foreign_keys(
    db: &impl ConnectionTrait,
    tables: &str,
) -> Result<Vec<ForeignKeyFact>, RlsError> {
    const COLUMNS: &str = "SELECT json_agg(a.attname::text ORDER BY u.at)::text";

    let query = format!(
        "SELECT k.conrelid::int8 AS relation, k.conname::text AS name, k.confrelid::int8 AS parent,
                k.convalidated AS validated, k.conparentid <> 0 AS inherited,
                k.conparentid <> 0 OR {ENFORCED} AS enforced,
                k.confdeltype::text AS on_delete, k.confupdtype::text AS on_update,
                ({COLUMNS} FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum) AS columns,
                ({COLUMNS} FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, at)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum)
                  AS parent_columns
         FROM pg_constraint k
         WHERE k.contype = 'f' AND k.conrelid = ANY ({tables})
         ORDER BY 1, 2"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            let mut acts = Vec::new();
            for (column, word) in [("on_delete", "ON DELETE"), ("on_update", "ON UPDATE")] {
                match get::<String>(row, column)?.as_str() {
                    "c" => acts.push(format!("{word} CASCADE")),
                    "n" => acts.push(format!("{word} SET NULL")),
                    "d" => acts.push(format!("{word} SET DEFAULT")),
                    _ => {}
                }
            }

            Ok(ForeignKeyFact {
                relation: get(row, "relation")?,
                name: name(row, "name")?,
                columns: names(row, "columns")?.into_iter().flatten().collect(),
                parent: get(row, "parent")?,
                parent_columns: names(row, "parent_columns")?
                    .into_iter()
                    .flatten()
                    .collect(),
                validated: get(row, "validated")?,
                enforced: get(row, "enforced")?,
                inherited: get(row, "inherited")?,
                on_delete: on_delete(&get::<String>(row, "on_delete")?),
                acts,
            })
        })
        .collect()
}
