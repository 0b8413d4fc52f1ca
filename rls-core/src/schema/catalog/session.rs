//! The settings of a transaction in which the catalog is read and the server prints names in full.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement,
    TransactionTrait,
};

use super::names::path_schemas;
use super::path::SearchPath;
use crate::error::{NoCopies, RlsError, SchemaError};
use crate::name::Schemas;
use crate::sql;

/// How long a statement waits for a lock on a table in use before everything is undone.
const LOCK_TIMEOUT: &str = "5s";

/// What [`Session::enter`] and [`SearchPath::PRINTING`] set beside the path.
const SETTINGS: [&str; 8] = [
    "row_security",
    "lock_timeout",
    "quote_all_identifiers",
    "IntervalStyle",
    "DateStyle",
    "TimeZone",
    "extra_float_digits",
    "bytea_output",
];

/// A transaction's settings as they were, while `search_path` and others are replaced.
pub(crate) struct Session {
    pub(crate) schemas: Schemas,
    pub(crate) path: SearchPath,
    /// The other settings that are replaced meanwhile.
    settings: Vec<(&'static str, String)>,
    no_copies: Option<NoCopies>,
}

impl Session {
    /// Begins a transaction for reading, which the caller rolls back.
    pub(crate) async fn reading<C>(db: &C) -> Result<(DatabaseTransaction, Self), RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin(db).await?;
        let session = Self::enter(&transaction).await?;
        Ok((transaction, session))
    }

    pub(crate) async fn enter(db: &DatabaseTransaction) -> Result<Self, RlsError> {
        let settings: Vec<String> = SETTINGS
            .iter()
            .map(|name| format!(", current_setting('{name}') AS \"{name}\""))
            .collect();

        let query = format!(
            "SELECT current_setting('search_path') AS search_path,
                    has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
                    current_setting('transaction_read_only')::bool AS read_only,
                    pg_is_in_recovery() AS standby{}",
            settings.concat()
        );

        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, query))
            .await?
            .ok_or_else(|| SchemaError::Catalog {
                what: "no current schema".to_owned(),
            })?;

        let schemas = path_schemas(db).await?;

        // With row_security off, a statement that policies would filter fails instead of passing
        // rows over.
        db.execute_unprepared(&format!(
            "{}; SET LOCAL row_security = off; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'",
            SearchPath::PRINTING
        ))
        .await?;
        check_settings(db).await?;

        Ok(Self {
            schemas: schemas.found(db).await?,
            path: SearchPath(row.try_get("", "search_path")?),
            settings: SETTINGS
                .into_iter()
                .map(|name| Ok((name, row.try_get("", name)?)))
                .collect::<Result<_, DbErr>>()?,
            no_copies: no_copies(&row)?,
        })
    }

    /// Checks that policies can be compared, which takes temporary tables.
    pub(crate) fn verifiable(&self) -> Result<(), SchemaError> {
        match self.no_copies {
            None => Ok(()),
            Some(because) => Err(SchemaError::CannotVerify { because }),
        }
    }

    /// Puts the settings back: they outlive a savepoint, and the transaction may be the caller's.
    pub(crate) async fn leave(&self, db: &DatabaseTransaction) -> Result<(), RlsError> {
        let setting = |name: &str, value: &str| {
            let value = sql::known_literal(value);
            format!("SELECT set_config('{name}', {value}, true)")
        };

        let settings = self
            .settings
            .iter()
            .map(|(name, value)| setting(name, value));

        let restore: Vec<String> = std::iter::once(self.path.restore())
            .chain(settings)
            .collect();
        db.execute_unprepared(&restore.join("; ")).await?;

        Ok(())
    }
}

fn no_copies(row: &QueryResult) -> Result<Option<NoCopies>, DbErr> {
    Ok(if row.try_get("", "standby")? {
        Some(NoCopies::Standby)
    } else if row.try_get("", "read_only")? {
        Some(NoCopies::ReadOnly)
    } else if row.try_get("", "temporary")? {
        None
    } else {
        Some(NoCopies::Privilege)
    })
}

/// Begins a transaction, if `db` is a PostgreSQL server.
pub(crate) async fn begin<C>(db: &C) -> Result<DatabaseTransaction, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Err(RlsError::Backend {
            backend: backend.as_str().to_owned(),
        });
    }

    if db.is_mock_connection() {
        return Err(RlsError::Backend {
            backend: "mock".to_owned(),
        });
    }

    Ok(db.begin().await?)
}

/// Checks that the last message's settings are still set. If they are not, each statement has a
/// connection of its own, and nothing that follows would be all or nothing.
async fn check_settings(db: &DatabaseTransaction) -> Result<(), RlsError> {
    let query = format!("SELECT current_setting('lock_timeout') = '{LOCK_TIMEOUT}' AS set");
    let row = db
        .query_one_raw(Statement::from_string(DbBackend::Postgres, query))
        .await?;
    let is_set: bool = row.map_or(Ok(false), |row| row.try_get("", "set"))?;

    if is_set {
        Ok(())
    } else {
        Err(SchemaError::NoTransaction.into())
    }
}
