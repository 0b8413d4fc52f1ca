use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::catalog::Session;
use crate::schema::catalog::query::{get, name, rows};

/// Which server and database were asked, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// The server's version, as it tells it.
    pub version: String,
    /// The database.
    pub database: Identifier,
    /// The schema of tables that name none.
    pub schema: Identifier,
    /// The role that asked.
    pub login: Identifier,
    schemas: Schemas,
}

impl Server {
    /// The table with the schema in which statements find it; where it is in none, in which it
    /// would be created.
    #[must_use]
    pub fn found(&self, table: &TableName) -> TableName {
        table.found_in(&self.schemas)
    }
}

/// Which server and database this is.
///
/// Statements sent: one. Lock taken: none. Privilege needed: none.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Database`], [`SchemaError::Catalog`] for a `search_path`
/// without a schema.
pub async fn server<C>(db: &C) -> Result<Server, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    const QUERY: &str =
        "SELECT current_setting('server_version') AS version, current_database()::text AS database,
                                current_user::text AS login";

    let (transaction, session) = Session::reading(db).await?;
    let answer = rows(&transaction, QUERY.to_owned()).await;
    transaction.rollback().await?;

    let row = answer?.pop().ok_or_else(|| SchemaError::Catalog {
        what: "no server".to_owned(),
    })?;

    Ok(Server {
        version: get(&row, "version")?,
        database: name(&row, "database")?,
        schema: session.schemas.current.clone(),
        login: name(&row, "login")?,
        schemas: session.schemas,
    })
}
