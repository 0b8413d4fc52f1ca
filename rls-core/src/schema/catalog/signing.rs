use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;

use super::domain::is_owned;
use super::query::{get, name, rows, text};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::privilege::Privilege;
use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::render;
use crate::schema::snapshot::{ActualObject, ActualSigning, PUBLIC};
use crate::sql;

/// An SQL condition: whether `c`, in the schema `n`, is the desired view. Holds while `search_path` is
/// `pg_catalog`.
pub(crate) fn verified_fits() -> String {
    const HERE: &str = "{keys}";

    format!(
        "(c.relkind = 'v' AND c.reloptions IS NULL
          AND regexp_replace(pg_get_viewdef(c.oid), '[[:space:]]+', ' ', 'g')
              = replace({}, '{HERE}', format('%I.%I', n.nspname, '{}')))",
        sql::known_literal(&sql::printed_definition(HERE)),
        signed_context::KEYS
    )
}

/// An SQL condition: whether this row of `pg_class` is a table of keys.
pub(crate) fn keys_fit(class: &str) -> String {
    format!(
        "({class}.relkind = 'r' AND (
          SELECT count(*) FROM pg_attribute a
          WHERE a.attrelid = {class}.oid AND NOT a.attisdropped
            AND (a.attname, a.atttypid) IN (('id', 'text'::regtype), ('inner_pad', 'bytea'::regtype),
              ('outer_pad', 'bytea'::regtype), ('ends_at', 'timestamptz'::regtype))) = 4)"
    )
}

/// What has the names of the objects of signed contexts. Locks nothing.
pub(super) async fn signing(
    db: &impl ConnectionTrait,
    verified: &TableName,
    config: &RlsConfig,
) -> Result<ActualSigning, RlsError> {
    let keys = render::keys_beside(verified);
    let is_keys = object(db, &keys, &keys_fit("c"), config).await?;
    let has_key = match is_keys {
        ActualObject::There { .. } => has_key(db, &keys).await?,
        _ => false,
    };

    Ok(ActualSigning {
        verified: object(db, verified, &verified_fits(), config).await?,
        keys: is_keys,
        has_key,
    })
}

async fn object(
    db: &impl ConnectionTrait,
    object: &TableName,
    fits: &str,
    config: &RlsConfig,
) -> Result<ActualObject, RlsError> {
    let schema = object
        .schema
        .as_ref()
        .map_or_else(|| "NULL".to_owned(), text);
    let query = format!(
        "SELECT c.relkind::text AS kind, {fits} AS fits, {} AS is_owned,
                CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END AS definition
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = {schema} AND c.relname = {}",
        is_owned("c.relowner", config),
        text(&object.table)
    );

    let Some(row) = rows(db, query).await?.pop() else {
        return Ok(ActualObject::Missing);
    };
    let (kind, fits): (String, bool) = (get(&row, "kind")?, get(&row, "fits")?);
    if !fits && kind != "v" {
        return Ok(ActualObject::Other);
    }

    let query = format!(
        "SELECT coalesce(r.rolname, '{PUBLIC}')::text AS role, acl.privilege_type AS privilege
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL (
           SELECT * FROM aclexplode(c.relacl)
           UNION ALL
           SELECT e.* FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) e
           WHERE a.attrelid = c.oid) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE n.nspname = {schema} AND c.relname = {} AND acl.grantee <> c.relowner",
        text(&object.table)
    );
    let mut grantees: BTreeMap<Identifier, BTreeSet<Privilege>> = BTreeMap::new();
    for row in rows(db, query).await? {
        let privileges = grantees.entry(name(&row, "role")?).or_default();
        privileges.extend(Privilege::from_sql(&get::<String>(&row, "privilege")?));
    }

    Ok(ActualObject::There {
        definition: get(&row, "definition")?,
        fits,
        is_owned: get(&row, "is_owned")?,
        grantees,
    })
}

/// Whether a key holds now; `true` if the login may not read the keys.
async fn has_key(db: &impl ConnectionTrait, keys: &TableName) -> Result<bool, RlsError> {
    let quoted = sql::table(keys);
    let name = sql::known_literal(&quoted);
    let query = format!("SELECT has_table_privilege({name}, 'SELECT') AS readable");
    let readable = match rows(db, query).await?.first() {
        Some(row) => get(row, "readable")?,
        None => false,
    };
    if !readable {
        return Ok(true);
    }

    let query = format!("SELECT FROM {quoted} WHERE ends_at > now() LIMIT 1");
    Ok(!rows(db, query).await?.is_empty())
}
