use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::query::{checked, get, name, rows, table, text};
use super::read::policies;
use crate::error::RlsError;
use crate::model::privilege::{Columns, Privilege};
use crate::name::{Identifier, TableName};
use crate::schema::table::ActualPolicy;

/// What the catalog holds of one table's row security.
pub(crate) struct Security {
    pub(crate) table: TableName,
    pub(crate) owner: Identifier,
    pub(crate) enabled: bool,
    pub(crate) forced: bool,
    pub(crate) policies: BTreeMap<Identifier, ActualPolicy>,
    /// `public` is everyone.
    pub(crate) grants: BTreeMap<Identifier, BTreeSet<Privilege>>,
    /// The grants on single columns.
    pub(crate) columns: BTreeMap<Identifier, Columns>,
    /// The sequences behind serial and identity columns.
    pub(crate) sequences: Vec<TableName>,
}

/// Every table of these schemas that has row security or policies. Locks nothing.
pub(crate) async fn secured(
    db: &impl ConnectionTrait,
    schemas: &[&Identifier],
) -> Result<Vec<Security>, RlsError> {
    let schemas: Vec<String> = schemas.iter().map(|schema| text(schema)).collect();
    if schemas.is_empty() {
        return Ok(Vec::new());
    }

    let secured = "(c.relrowsecurity OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))";

    read(
        db,
        &format!("n.nspname IN ({}) AND {secured}", schemas.join(", ")),
    )
    .await
}

/// Those of these tables that are there. Locks nothing.
pub(crate) async fn named(
    db: &impl ConnectionTrait,
    tables: &[&TableName],
) -> Result<Vec<Security>, RlsError> {
    let names: Vec<String> = tables
        .iter()
        .filter_map(|table| {
            Some(format!(
                "({}, {})",
                text(table.schema.as_ref()?),
                text(&table.table)
            ))
        })
        .collect();

    if names.is_empty() {
        return Ok(Vec::new());
    }

    read(
        db,
        &format!("(n.nspname, c.relname) IN ({})", names.join(", ")),
    )
    .await
}

/// The tables of the catalog, as `c` in the schema `n`.
const FROM: &str = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";

async fn read(db: &impl ConnectionTrait, filter: &str) -> Result<Vec<Security>, RlsError> {
    let filter = format!("c.relkind IN ('r', 'p') AND {filter}");
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS \"table\", \
         pg_get_userbyid(c.relowner)::text AS owner,
                c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
         {FROM} WHERE {filter} ORDER BY n.nspname, c.relname"
    );

    let mut tables: Vec<Security> = Vec::new();
    for row in rows(db, query).await? {
        tables.push(Security {
            table: table(&row, "schema", "table")?,
            owner: name(&row, "owner")?,
            enabled: get(&row, "enabled")?,
            forced: get(&row, "forced")?,
            policies: BTreeMap::new(),
            grants: BTreeMap::new(),
            columns: BTreeMap::new(),
            sequences: Vec::new(),
        });
    }

    let names: Vec<TableName> = tables
        .iter()
        .map(|security| security.table.clone())
        .collect();
    let policies = policies(db, &names.iter().collect::<Vec<_>>()).await?;
    for (security, policies) in tables.iter_mut().zip(policies) {
        security.policies = policies;
    }

    read_grants(db, &filter, &mut tables).await?;
    read_sequences(db, &filter, &mut tables).await?;

    Ok(tables)
}

async fn read_grants(
    db: &impl ConnectionTrait,
    filter: &str,
    tables: &mut [Security],
) -> Result<(), RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS \"table\", coalesce(r.rolname::text, \
         'public') AS role,
                g.column::text AS column, a.privilege_type AS privilege
         {FROM}
         CROSS JOIN LATERAL (
           SELECT c.relacl AS acl, NULL::name AS column
           UNION ALL
           SELECT k.attacl, k.attname FROM pg_attribute k
           WHERE k.attrelid = c.oid AND k.attnum > 0 AND NOT k.attisdropped
             AND k.attacl IS NOT NULL) g
         CROSS JOIN LATERAL aclexplode(g.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
         WHERE {filter}"
    );

    for row in rows(db, query).await? {
        let privilege = Privilege::from_sql(&get::<String>(&row, "privilege")?);
        let (Some(at), Some(privilege)) = (position(tables, &row)?, privilege) else {
            continue;
        };

        let role = name(&row, "role")?;
        match get::<Option<String>>(&row, "column")? {
            None => drop(tables[at].grants.entry(role).or_default().insert(privilege)),
            Some(column) => {
                let columns = tables[at].columns.entry(role).or_default();
                columns
                    .entry(privilege)
                    .or_default()
                    .insert(checked(column)?);
            }
        }
    }

    Ok(())
}

async fn read_sequences(
    db: &impl ConnectionTrait,
    filter: &str,
    tables: &mut [Security],
) -> Result<(), RlsError> {
    // `a` is a serial column's, `i` an identity column's.
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS \"table\", m.nspname::text AS \
         sequence_schema,
                s.relname::text AS sequence
         {FROM}
         JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND \
         d.refobjsubid > 0
                             AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
         JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
         JOIN pg_namespace m ON m.oid = s.relnamespace
         WHERE {filter} ORDER BY m.nspname, s.relname"
    );

    for row in rows(db, query).await? {
        if let Some(at) = position(tables, &row)? {
            tables[at]
                .sequences
                .push(table(&row, "sequence_schema", "sequence")?);
        }
    }

    Ok(())
}

fn position(tables: &[Security], row: &QueryResult) -> Result<Option<usize>, RlsError> {
    let of = table(row, "schema", "table")?;
    Ok(tables.iter().position(|security| security.table == of))
}
