//! The facts from the catalog: one query a kind, for all tables at once. Any login may ask.

mod granted;
mod object;
mod relation;
mod role;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable};

use super::facts::{Facts, Grant, Grantee, Oid, ReachedRole};
use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::schema::catalog::names::path_schemas;
use crate::schema::catalog::{QUICK, SearchPath};

/// Reads in a transaction of the caller's; locks nothing.
pub(super) async fn facts(
    db: &impl ConnectionTrait,
    registry: &Registry,
    config: &RlsConfig,
) -> Result<Facts, RlsError> {
    let path = path_schemas(db).await?;

    // With `search_path` out of the way the server prints every name outside `pg_catalog` with its
    // schema.
    db.execute_unprepared(&format!("{}; {QUICK}", SearchPath::PRINTING))
        .await?;

    let schemas = path.found(db).await?;
    let app = role::reached(db, config.app_role()).await?;
    let admin = role::reached(db, config.admin_role()).await?;
    let past = past_policies(&admin);
    let of = |roles: &[ReachedRole]| {
        std::iter::once(0)
            .chain(roles.iter().map(|role| role.oid))
            .collect::<Vec<Oid>>()
    };

    let (grantees, both) = (listed(&of(&app)), listed(&[of(&app), of(&admin)].concat()));
    let server = role::server(db, schemas, &grantees).await?;
    let relations = relation::relations(db, &past).await?;
    let registered: BTreeSet<TableName> = registry
        .scopes()
        .iter()
        .map(|scope| scope.table.found_in(&server.schemas))
        .collect();

    let tables: BTreeSet<Oid> = relations
        .iter()
        .filter(|(_, relation)| registered.contains(&relation.name))
        .map(|(oid, _)| *oid)
        .collect();

    let inheritance = relation::inheritance(db).await?;
    let audits = relation::audits(db).await?;
    let mut family = tables.clone();

    for oid in &tables {
        family.extend(inheritance.ancestors(*oid));
        family.extend(inheritance.descendants(*oid));
    }

    let readable: BTreeSet<Oid> = family.union(&audits).copied().collect();
    let watched: BTreeSet<Oid> = tables.union(&audits).copied().collect();
    let (tables, family, readable, watched) = (
        listed(&tables),
        listed(&family),
        listed(&readable),
        listed(&watched),
    );

    let all = relation::grants(db, &both).await?;
    let reaches_app = |grant: &Grant| match &grant.grantee {
        Grantee::Public => true,
        Grantee::Role(role) => app.iter().any(|reached| reached.name == *role),
    };

    let of_audits = all
        .iter()
        .filter(|(relation, _)| audits.contains(relation))
        .cloned();

    let audit_grants = by_relation(of_audits);

    Ok(Facts {
        grants: by_relation(all.into_iter().filter(|(_, grant)| reaches_app(grant))),
        audit_grants,
        audits,
        inheritance,
        columns: table::columns(db, &tables, registry).await?,
        policies: table::policies(db, &family).await?,
        calls: table::calls(db, &tables).await?,
        indexes: table::indexes(db, &tables).await?,
        foreign_keys: table::foreign_keys(db, &tables).await?,
        readers: object::readers(db, &readable).await?,
        definers: object::definers(db, &grantees, &past).await?,
        defaults: role::defaults(db, &grantees).await?,
        creators: role::creators(db, &grantees).await?,
        usable: role::usable(db, &grantees).await?,
        granted: granted::privileges(db, &grantees).await?,
        supports: granted::supports(db, &tables, &family, &grantees).await?,
        leakproof: granted::leakproof(db, &grantees).await?,
        publications: object::publications(db, &family).await?,
        rewrites: object::rewrites(db).await?,
        triggers: object::triggers(db, &watched, &past).await?,
        settings: role::settings(db, config.app_role()).await?,
        temporary: object::temporary(db, &grantees).await?,
        app,
        admin,
        server,
        relations,
    })
}

/// Whether what runs as the role `o` sees every row: it bypasses row security, or the
/// administrator's policy is its own.
fn past_policies(admin: &[ReachedRole]) -> String {
    let bypasses = "o.rolsuper OR o.rolbypassrls";
    admin.first().map_or_else(
        || format!("({bypasses})"),
        |admin| {
            format!(
                "({bypasses} OR pg_has_role(o.oid, {}::oid, 'USAGE'))",
                admin.oid
            )
        },
    )
}

fn by_relation(grants: impl Iterator<Item = (Oid, Grant)>) -> BTreeMap<Oid, Vec<Grant>> {
    let mut by: BTreeMap<Oid, Vec<Grant>> = BTreeMap::new();
    for (relation, grant) in grants {
        by.entry(relation).or_default().push(grant);
    }

    by
}

/// `ARRAY[…]::oid[]`.
fn listed<'a>(oids: impl IntoIterator<Item = &'a Oid>) -> String {
    let oids: Vec<String> = oids.into_iter().map(ToString::to_string).collect();
    format!("'{{{}}}'::oid[]", oids.join(","))
}

async fn rows(
    db: &impl ConnectionTrait,
    query: impl Into<String>,
) -> Result<Vec<QueryResult>, RlsError> {
    let statement = Statement::from_string(DbBackend::Postgres, query.into());
    db.query_all_raw(statement).await.map_err(RlsError::from)
}

fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, RlsError> {
    row.try_get("", column).map_err(RlsError::from)
}

fn name(row: &QueryResult, column: &str) -> Result<Identifier, RlsError> {
    checked(get::<String>(row, column)?)
}

fn maybe_name(row: &QueryResult, column: &str) -> Result<Option<Identifier>, RlsError> {
    get::<Option<String>>(row, column)?.map(checked).transpose()
}

/// Names that come as a list of JSON's, in which `null` is none.
fn names(row: &QueryResult, column: &str) -> Result<Vec<Option<Identifier>>, RlsError> {
    let text = get::<Option<String>>(row, column)?.unwrap_or_else(|| "[]".to_owned());
    let names: Vec<Option<String>> =
        serde_json::from_str(&text).map_err(|_| SchemaError::Catalog {
            what: format!("names {text}"),
        })?;

    names
        .into_iter()
        .map(|name| name.map(checked).transpose())
        .collect()
}

/// The role that `grantee` names; none is everyone.
fn grantee(row: &QueryResult) -> Result<Grantee, RlsError> {
    Ok(maybe_name(row, "grantee")?.map_or(Grantee::Public, Grantee::Role))
}

fn table_name(row: &QueryResult) -> Result<TableName, RlsError> {
    Ok(TableName {
        schema: Some(name(row, "schema")?),
        table: name(row, "name")?,
    })
}

fn checked(name: String) -> Result<Identifier, RlsError> {
    Identifier::new(name).map_err(|error| {
        SchemaError::Catalog {
            what: error.to_string(),
        }
        .into()
    })
}
