//! The facts from the catalog: one query a kind, for all tables at once. Any login may ask.

mod object;
mod relation;
mod role;
mod table;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, TryGetable};

use super::facts::{Facts, Grantee, Oid};
use crate::catalog::{QUICK, SearchPath};
use crate::config::RlsConfig;
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::registry::Registry;

/// Reads in a transaction of the caller's; locks nothing.
pub(super) async fn facts(
    db: &impl ConnectionTrait,
    registry: &Registry,
    config: &RlsConfig,
) -> Result<Facts, RlsError> {
    let place = role::place(db).await?;
    // With `search_path` out of the way the server prints every name outside `pg_catalog` with its schema.
    db.execute_unprepared(&format!("{}; {QUICK}", SearchPath::PRINTING)).await?;
    let app = role::reached(db, config.app_role()).await?;
    let admin = role::reached(db, config.admin_role()).await?;
    let grantees: Vec<Oid> = std::iter::once(0).chain(app.iter().map(|role| role.oid)).collect();
    let grantees = listed(&grantees);
    let server = role::server(db, place, &grantees).await?;
    let relations = relation::relations(db).await?;
    let registered: Vec<TableName> = registry.scopes().iter().map(|scope| scope.table.or_in(&server.schema)).collect();
    let tables: Vec<Oid> = relations
        .iter()
        .filter(|(_, relation)| registered.binary_search(&relation.name).is_ok())
        .map(|(oid, _)| *oid)
        .collect();
    let tables = listed(&tables);
    Ok(Facts {
        app,
        admin,
        grants: relation::grants(db, &grantees).await?,
        parents: relation::parents(db).await?,
        columns: table::columns(db, &tables, registry).await?,
        policies: table::policies(db, &tables).await?,
        calls: table::calls(db, &tables).await?,
        indexes: table::indexes(db, &tables).await?,
        foreign_keys: table::foreign_keys(db, &tables).await?,
        readers: object::readers(db, &tables).await?,
        definers: object::definers(db, &grantees).await?,
        defaults: role::defaults(db, &grantees).await?,
        creators: role::creators(db, &grantees).await?,
        publications: object::publications(db, &tables).await?,
        rewrites: object::rewrites(db, &tables).await?,
        triggers: object::triggers(db, &tables).await?,
        settings: role::settings(db, config.app_role()).await?,
        server,
        relations,
    })
}

/// `ARRAY[…]::oid[]`.
fn listed(oids: &[Oid]) -> String {
    let oids: Vec<String> = oids.iter().map(ToString::to_string).collect();
    format!("'{{{}}}'::oid[]", oids.join(","))
}

async fn rows(db: &impl ConnectionTrait, query: impl Into<String>) -> Result<Vec<QueryResult>, RlsError> {
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

/// Names that come one a line; a line that is empty is none.
fn lines(row: &QueryResult, column: &str) -> Result<Vec<Option<Identifier>>, RlsError> {
    let text = get::<Option<String>>(row, column)?.unwrap_or_default();
    text.split('\n').map(|line| (!line.is_empty()).then(|| checked(line.to_owned())).transpose()).collect()
}

/// The role that `grantee` names; none is everyone.
fn grantee(row: &QueryResult) -> Result<Grantee, RlsError> {
    Ok(maybe_name(row, "grantee")?.map_or(Grantee::Public, Grantee::Role))
}

fn table_name(row: &QueryResult) -> Result<TableName, RlsError> {
    Ok(TableName { schema: Some(name(row, "schema")?), table: name(row, "name")? })
}

fn checked(name: String) -> Result<Identifier, RlsError> {
    Identifier::new(name).map_err(|error| SchemaError::Catalog { what: error.to_string() }.into())
}
