use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::catalog::Session;
use crate::schema::catalog::query::{get, name, rows};

/// The server and database of a connection, and its role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// The server's version, as `server_version` has it.
    pub version: String,
    /// The database.
    pub database: Identifier,
    /// The schema in which a table without a schema would be created.
    pub schema: Identifier,
    /// The connection's role.
    pub login: Identifier,
    schemas: Schemas,
}

impl Server {
    /// The table with the schema in which statements find it, or would create it if it is in none.
    #[must_use]
    pub fn found(&self, table: &TableName) -> TableName {
        table.found_in(&self.schemas)
    }
}

/// Reads which server and database this is.
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
