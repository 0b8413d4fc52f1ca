use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;

use super::{get, grantee, maybe_name, name, rows, table_name};
use crate::error::RlsError;
use crate::lint::facts::{Grant, Kind, Oid, Relation};

pub(super) async fn relations(db: &impl ConnectionTrait) -> Result<BTreeMap<Oid, Relation>, RlsError> {
    const QUERY: &str = "
        SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
               c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, c.relowner::int8 AS owner,
               o.rolname::text AS owner_name, o.rolsuper OR o.rolbypassrls AS owner_bypasses,
               coalesce('security_invoker' = ANY (x.names), false) AS invoker, e.objid IS NOT NULL AS of_extension
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_roles o ON o.oid = c.relowner
        LEFT JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.objsubid = 0 AND e.deptype = 'e'
        LEFT JOIN LATERAL (
          SELECT array_agg(v.option_name) AS names FROM pg_options_to_table(c.reloptions) v
          WHERE v.option_value IN ('true', 'on', '1', 'yes')) x ON c.relkind = 'v'
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";
    let mut relations = BTreeMap::new();
    for row in rows(db, QUERY).await? {
        let kind = match get::<String>(&row, "kind")?.as_str() {
            "v" => Kind::View,
            "m" => Kind::MaterializedView,
            "S" => Kind::Sequence,
            "f" => Kind::Foreign,
            _ => Kind::Table,
        };
        let relation = Relation {
            name: table_name(&row)?,
            kind,
            enabled: get(&row, "enabled")?,
            forced: get(&row, "forced")?,
            owner: get(&row, "owner")?,
            owner_name: name(&row, "owner_name")?,
            owner_bypasses: get(&row, "owner_bypasses")?,
            invoker: get(&row, "invoker")?,
            of_extension: get(&row, "of_extension")?,
        };
        relations.insert(get(&row, "oid")?, relation);
    }
    Ok(relations)
}

pub(super) async fn grants(db: &impl ConnectionTrait, grantees: &str) -> Result<Vec<Grant>, RlsError> {
    let query = format!(
        "SELECT g.relation::int8 AS relation, g.column, r.rolname::text AS grantee, g.privilege
         FROM (
           SELECT c.oid AS relation, NULL::text AS column, acl.grantee, acl.privilege_type AS privilege
           FROM pg_class c CROSS JOIN aclexplode(c.relacl) acl
           WHERE acl.grantee <> c.relowner
           UNION ALL
           SELECT a.attrelid, a.attname::text, acl.grantee, acl.privilege_type
           FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) acl) g
         LEFT JOIN pg_roles r ON r.oid = g.grantee
         WHERE g.grantee = ANY ({grantees})
         ORDER BY 1, 2, 3, 4"
    );
    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(Grant {
                relation: get(row, "relation")?,
                column: maybe_name(row, "column")?,
                grantee: grantee(row)?,
                privilege: get(row, "privilege")?,
            })
        })
        .collect()
}

pub(super) async fn parents(db: &impl ConnectionTrait) -> Result<BTreeMap<Oid, BTreeSet<Oid>>, RlsError> {
    const QUERY: &str = "SELECT i.inhrelid::int8 AS child, i.inhparent::int8 AS parent FROM pg_inherits i";
    let mut parents: BTreeMap<Oid, BTreeSet<Oid>> = BTreeMap::new();
    for row in rows(db, QUERY).await? {
        parents.entry(get(&row, "child")?).or_default().insert(get(&row, "parent")?);
    }
    Ok(parents)
}
