//! Queries of the catalog, and the reading of their answers.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, TryGetable};

use crate::name::NameError;

use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::sql;

/// Settings for statements that read the whole catalog once. Right after migrations the server
/// estimates the catalog far too large: it would compile the statement (55 of 140 ms on 500 tables)
/// and start workers for it.
pub(crate) const QUICK: &str = "SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0";

pub(crate) async fn rows(
    db: &impl ConnectionTrait,
    query: String,
) -> Result<Vec<QueryResult>, RlsError> {
    let statement = Statement::from_string(DbBackend::Postgres, query);
    db.query_all_raw(statement)
        .await
        .map_err(|error| RlsError::Database(Arc::new(error)))
}

pub(crate) fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, RlsError> {
    row.try_get("", column)
        .map_err(|error: DbErr| RlsError::Database(Arc::new(error)))
}

pub(crate) fn name(row: &QueryResult, column: &str) -> Result<Identifier, RlsError> {
    checked(get::<String>(row, column)?)
}

pub(crate) fn checked(name: String) -> Result<Identifier, RlsError> {
    Identifier::new(name).map_err(|error: NameError| {
        SchemaError::Catalog {
            what: error.to_string(),
        }
        .into()
    })
}

pub(crate) fn table(row: &QueryResult, schema: &str, table: &str) -> Result<TableName, RlsError> {
    Ok(TableName {
        schema: Some(name(row, schema)?),
        table: name(row, table)?,
    })
}

/// The position a row of an answer belongs to.
pub(crate) fn at(row: &QueryResult) -> Result<usize, RlsError> {
    let at: i32 = get(row, "at")?;
    usize::try_from(at).map_err(|_| {
        SchemaError::Catalog {
            what: format!("position {at}"),
        }
        .into()
    })
}

/// The text literal of a name.
pub(crate) fn text(name: &Identifier) -> String {
    sql::known_literal(name.as_str())
}
