//! Every policy of a database, with what it reads, whether or not its table is registered.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use super::policy::{POLICY_COLUMNS, POLICY_JOINS, policy};
use super::query::{checked, get, name, rows, table};
use crate::error::{RlsError, SchemaError};
use crate::model::policy::{Canonical, Policy};
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::fingerprint::Fingerprint;

/// A policy that stands on a table.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) oid: i64,
    /// Its table, which a migration may rename.
    pub(crate) relation: i64,
    pub(crate) table: TableName,
    pub(crate) name: Identifier,
    /// The roles that it holds for; empty means `PUBLIC`.
    pub(crate) roles: BTreeSet<Identifier>,
    /// Whether this library made it.
    pub(crate) ours: bool,
    /// Its table, and the tables that its conditions read.
    pub(crate) reads: BTreeSet<i64>,
}

/// A policy that was dropped, to be created again as it was.
#[derive(Clone, Debug)]
pub(crate) struct Dropped {
    pub(crate) relation: i64,
    pub(crate) policy: Policy<Canonical>,
    /// The whole comment, fingerprints included.
    pub(crate) comment: Option<String>,
}

/// Reads every policy of the database. Locks nothing, prints no expression.
pub(crate) async fn standing(db: &impl ConnectionTrait) -> Result<Vec<Standing>, RlsError> {
    const QUERY: &str = "
SELECT p.oid::pg_catalog.int8 AS oid, p.polrelid::pg_catalog.int8 AS relation,
       n.nspname::pg_catalog.text AS schema, c.relname::pg_catalog.text AS \"table\",
       p.polname::pg_catalog.text AS name, t.description AS comment,
       (SELECT pg_catalog.json_agg(r.rolname)::pg_catalog.text FROM pg_catalog.pg_roles r
        WHERE r.oid = ANY (p.polroles)) AS roles,
       (SELECT pg_catalog.json_agg(DISTINCT d.refobjid::pg_catalog.text)::pg_catalog.text
        FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
          AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass) AS reads
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_description t ON t.objoid = p.oid AND t.objsubid = 0
  AND t.classoid = 'pg_catalog.pg_policy'::pg_catalog.regclass
ORDER BY n.nspname, c.relname, p.polname";

    let mut standing = Vec::new();
    for row in rows(db, QUERY.to_owned()).await? {
        let comment: Option<String> = get(&row, "comment")?;

        standing.push(Standing {
            oid: get(&row, "oid")?,
            relation: get(&row, "relation")?,
            table: table(&row, "schema", "table")?,
            name: name(&row, "name")?,
            roles: listed(get(&row, "roles")?, |role| checked(role).ok())?,
            ours: comment.is_some_and(|comment| Fingerprint::split(&comment).1.is_some()),
            reads: listed(get(&row, "reads")?, |oid| oid.parse().ok())?,
        });
    }

    Ok(standing)
}

/// Reads these policies in full, as the server prints them. Locks nothing.
pub(crate) async fn definitions(
    db: &impl ConnectionTrait,
    policies: &BTreeSet<i64>,
) -> Result<Vec<Dropped>, RlsError> {
    let query = format!(
        "SELECT p.polrelid::int8 AS relation, {POLICY_COLUMNS} FROM pg_policy p {POLICY_JOINS}
         WHERE p.oid::int8 IN ({}) ORDER BY p.oid",
        numbers(policies)
    );

    let mut definitions = Vec::new();
    for row in rows(db, query).await? {
        definitions.push(Dropped {
            relation: get(&row, "relation")?,
            policy: policy(&row)?.policy,
            comment: get(&row, "comment")?,
        });
    }

    Ok(definitions)
}

/// The present name of a table that was read before; `None` if the table is gone.
pub(crate) async fn table_of(
    db: &impl ConnectionTrait,
    relation: i64,
) -> Result<Option<TableName>, RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS \"table\"
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid::int8 = {relation} AND c.relkind IN ('r', 'p')"
    );

    let named = rows(db, query).await?;
    named
        .first()
        .map(|row| table(row, "schema", "table"))
        .transpose()
}

/// Those of these tables whose row security holds for their owner, and for this login only since it
/// is forced.
pub(crate) async fn forced_on_us(
    db: &impl ConnectionTrait,
    relations: &BTreeSet<i64>,
) -> Result<Vec<i64>, RlsError> {
    let query = format!(
        "SELECT c.oid::int8 AS relation FROM pg_class c
         WHERE c.oid::int8 IN ({}) AND c.relkind IN ('r', 'p') AND c.relforcerowsecurity
           AND row_security_active(c.oid) AND pg_has_role(c.relowner, 'USAGE')
         ORDER BY c.oid",
        numbers(relations)
    );

    let forced = rows(db, query).await?;
    forced.iter().map(|row| get(row, "relation")).collect()
}

/// What these roles may do with a table or with columns of it, by role. To revoke a privilege on the
/// table takes it from the columns too, and the next sync grants it on those again.
pub(crate) async fn grants_on(
    db: &impl ConnectionTrait,
    relation: i64,
    roles: &BTreeSet<Identifier>,
) -> Result<Vec<(Identifier, Privilege)>, RlsError> {
    let query = format!(
        "SELECT DISTINCT r.rolname::text AS role, a.privilege_type AS privilege
         FROM (SELECT c.relacl AS acl FROM pg_class c WHERE c.oid::int8 = {relation}
               UNION ALL
               SELECT k.attacl FROM pg_attribute k WHERE k.attrelid::int8 = {relation}) g
         CROSS JOIN LATERAL aclexplode(g.acl) a JOIN pg_roles r ON r.oid = a.grantee
         ORDER BY 1, 2"
    );

    let mut grants = Vec::new();
    for row in rows(db, query).await? {
        let role = name(&row, "role")?;
        let privilege = Privilege::from_sql(&get::<String>(&row, "privilege")?);
        if let (true, Some(privilege)) = (roles.contains(&role), privilege) {
            grants.push((role, privilege));
        }
    }

    Ok(grants)
}

fn numbers(numbers: &BTreeSet<i64>) -> String {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    numbers.join(", ")
}

/// The elements of a list in JSON.
fn listed<T: Ord>(
    json: Option<String>,
    read: fn(String) -> Option<T>,
) -> Result<BTreeSet<T>, RlsError> {
    let Some(json) = json else {
        return Ok(BTreeSet::new());
    };

    let texts: Option<Vec<String>> = serde_json::from_str(&json).ok();
    texts
        .and_then(|texts| texts.into_iter().map(read).collect())
        .ok_or_else(|| {
            SchemaError::Catalog {
                what: format!("the list {json}"),
            }
            .into()
        })
}
