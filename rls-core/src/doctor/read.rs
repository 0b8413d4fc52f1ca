//! Reads the facts from the catalog, in one query a kind for all tables at once. Any login may send
//! these queries.

mod beyond;
mod object;
mod relation;
mod role;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::facts::{Facts, Grant, Grantee, Inheritance, Oid, ReachedRole, Relation};
use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::model::signed_context;
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::catalog::names::path_schemas;
use crate::schema::catalog::query::{checked, get};
use crate::schema::catalog::{QUICK, SearchPath};

/// Reads in a transaction of the caller. Locks nothing.
pub(super) async fn facts(
    db: &impl ConnectionTrait,
    registry: &Registry,
    config: &RlsConfig,
) -> Result<Facts, RlsError> {
    // Names: with `search_path` put aside, the server prints every name outside `pg_catalog` with
    // its schema.
    let path = path_schemas(db).await?;
    db.execute_unprepared(&format!("{}; {QUICK}", SearchPath::PRINTING))
        .await?;

    let schemas = path.found(db).await?;

    // Roles: the application's and the administrator's, with those that each can become.
    let app = role::reached(db, config.app_role()).await?;
    let admin = role::reached(db, config.admin_role()).await?;
    let past = past_policies(&admin);
    let grantees = listed(&grantees(&app));
    let both = listed(&[self::grantees(&app), self::grantees(&admin)].concat());

    // Tables: the registered ones, their relatives by inheritance, and the audit's.
    let relations = relation::relations(db, &past).await?;
    let inheritance = relation::inheritance(db).await?;
    let audits = relation::audits(db).await?;
    let tables = registered(registry, &schemas, &relations);
    let family = family(&tables, &inheritance);
    let keys = keys(&relations);
    let readable: BTreeSet<Oid> = family.union(&audits).chain(&keys).copied().collect();
    let readable = listed(&readable);
    let watched = listed(tables.union(&audits));
    let (tables, family) = (listed(&tables), listed(&family));

    // Privileges: who may do what on any relation.
    let (grants, audit_grants) = split(relation::grants(db, &both).await?, &app, &audits);

    let schema = config.audit_table_name().schema_in(&schemas);

    // The rest, about these tables or these roles.
    Ok(Facts {
        server: role::server(db, schemas, &grantees).await?,
        grants,
        audit_grants,
        columns: table::columns(db, &tables, registry).await?,
        policies: table::policies(db, &family).await?,
        calls: table::calls(db, &tables).await?,
        indexes: table::indexes(db, &tables).await?,
        foreign_keys: table::foreign_keys(db, &tables).await?,
        readers: object::readers(db, &readable).await?,
        definers: object::definers(db, &grantees, &past).await?,
        carriers: object::carriers(db, &schema).await?,
        defaults: role::defaults(db, &grantees).await?,
        creators: role::creators(db, &grantees).await?,
        usable: role::usable(db, &grantees).await?,
        beyond: beyond::privileges(db, &grantees).await?,
        needless: beyond::needless(db, &grantees).await?,
        extended: beyond::extended(db, &grantees).await?,
        owned: beyond::owned(db, &grantees).await?,
        supports: beyond::supports(db, &tables, &family, &grantees).await?,
        dear: beyond::dear(db, &tables).await?,
        leakproof: beyond::leakproof(db, &grantees).await?,
        publications: object::publications(db, &family).await?,
        rewrites: object::rewrites(db).await?,
        triggers: object::triggers(db, &watched, &past).await?,
        settings: role::settings(db, config.app_role()).await?,
        temporary: object::temporary(db, &grantees).await?,
        app,
        admin,
        relations,
        inheritance,
        audits,
        keys,
    })
}

/// An SQL condition: whether the role `o` sees every row, since it bypasses row security or the
/// administrator's policy applies to it.
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

/// These roles, and `PUBLIC`, which is 0.
fn grantees(roles: &[ReachedRole]) -> Vec<Oid> {
    std::iter::once(0)
        .chain(roles.iter().map(|role| role.oid))
        .collect()
}

fn registered(
    registry: &Registry,
    schemas: &Schemas,
    relations: &BTreeMap<Oid, Relation>,
) -> BTreeSet<Oid> {
    let names: BTreeSet<TableName> = registry
        .scopes()
        .iter()
        .map(|scope| scope.table.found_in(schemas))
        .collect();

    relations
        .iter()
        .filter(|(_, relation)| names.contains(&relation.name))
        .map(|(oid, _)| *oid)
        .collect()
}

fn keys(relations: &BTreeMap<Oid, Relation>) -> BTreeSet<Oid> {
    relations
        .iter()
        .filter(|(_, relation)| relation.name.table.as_str() == signed_context::KEYS)
        .map(|(oid, _)| *oid)
        .collect()
}

fn family(tables: &BTreeSet<Oid>, inheritance: &Inheritance) -> BTreeSet<Oid> {
    let relatives = |oid: &Oid| {
        let ancestors = inheritance.ancestors(*oid).into_iter();
        ancestors.chain(inheritance.descendants(*oid))
    };

    tables
        .iter()
        .flat_map(relatives)
        .chain(tables.iter().copied())
        .collect()
}

type ByRelation = BTreeMap<Oid, Vec<Grant>>;

/// The grants that reach the application's role, and all those on the audit's tables.
fn split(
    all: Vec<(Oid, Grant)>,
    app: &[ReachedRole],
    audits: &BTreeSet<Oid>,
) -> (ByRelation, ByRelation) {
    let reaches_app = |grant: &Grant| match &grant.grantee {
        Grantee::Public => true,
        Grantee::Role(role) => app.iter().any(|reached| reached.name == *role),
    };

    let (mut grants, mut audit_grants) = (ByRelation::new(), ByRelation::new());
    for (relation, grant) in all {
        if audits.contains(&relation) {
            let of_table = audit_grants.entry(relation).or_default();
            of_table.push(grant.clone());
        }

        if reaches_app(&grant) {
            grants.entry(relation).or_default().push(grant);
        }
    }

    (grants, audit_grants)
}

/// `'{…}'::oid[]`.
fn listed<'a>(oids: impl IntoIterator<Item = &'a Oid>) -> String {
    let oids: Vec<String> = oids.into_iter().map(ToString::to_string).collect();
    format!("'{{{}}}'::oid[]", oids.join(","))
}

fn maybe_name(row: &QueryResult, column: &str) -> Result<Option<Identifier>, RlsError> {
    get::<Option<String>>(row, column)?.map(checked).transpose()
}

/// Names that come as a JSON list, in which `null` is no name.
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

/// The role in the column `grantee`; no role is `PUBLIC`.
fn grantee(row: &QueryResult) -> Result<Grantee, RlsError> {
    Ok(maybe_name(row, "grantee")?.map_or(Grantee::Public, Grantee::Role))
}
