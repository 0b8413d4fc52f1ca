//! The schema lane's driver: reads, compares, and applies what lacks, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionTrait};

use crate::catalog::{self, ActualRole, Canonical, Relation};
use crate::config::RlsConfig;
use crate::diff;
use crate::error::{DeclarationError, RlsError, SchemaError, sqlstate};
use crate::name::Identifier;
use crate::plan::{Change, Plan};
use crate::registry::Registry;
use crate::sql;
use crate::table::{Actual, Desired};

/// `pg_advisory_xact_lock` of this family, one a database: the bytes of `sea-rls!`.
const LOCK: i64 = 0x7365_612d_726c_7321;

/// How long a statement waits for a lock on a table in use before everything is undone.
const LOCK_TIMEOUT: &str = "5s";

/// How often the roles are compared again after another database's migration changed them meanwhile.
const ROLE_ATTEMPTS: usize = 5;

/// What becomes of registered tables that are not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingTables {
    /// An error.
    Refuse,
    /// They are passed over: a later migration creates them.
    Skip,
}

/// The registered entities and the configuration, with what brings a database to them.
///
/// ```no_run
/// # async fn run(db: sea_orm::DatabaseConnection) -> Result<(), rls_core::RlsError> {
/// // After SeaORM's schema sync, or whatever else creates the tables:
/// let rls = rls_core::Rls::from_env()?;
/// rls.sync(&db).await?;
/// assert!(rls.plan(&db).await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rls {
    registry: Registry,
    config: RlsConfig,
    missing: MissingTables,
}

impl Rls {
    /// These entities and this configuration.
    #[must_use]
    pub fn new(registry: Registry, config: RlsConfig) -> Self {
        Self { registry, config, missing: MissingTables::Refuse }
    }

    /// The linked entities, and the configuration in the environment.
    ///
    /// # Errors
    ///
    /// [`RlsError::Declaration`], [`RlsError::Config`].
    pub fn from_env() -> Result<Self, RlsError> {
        Ok(Self::new(Registry::linked()?, RlsConfig::from_env()?))
    }

    /// What becomes of registered tables that are not in the database; an error where this is not said.
    #[must_use]
    pub fn missing_tables(mut self, missing: MissingTables) -> Self {
        self.missing = missing;
        self
    }

    /// The changes that would be made.
    ///
    /// Statements sent: catalog queries, and an empty temporary copy of each table that is rolled back. Lock taken:
    /// `ACCESS SHARE`. Privilege needed: `TEMPORARY` on the database.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`], [`RlsError::Schema`] for what cannot be brought about.
    pub async fn plan<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin(db).await?;
        let place = Place::enter(&transaction).await?;
        // The rollback, of all or to a savepoint, puts the settings back too.
        let changes = self.changes(&transaction, &place).await;
        transaction.rollback().await?;
        changes.map(|changes| Plan { changes })
    }

    /// Brings the database to what the entities say, and returns what was changed: roles, owner columns, keys,
    /// row security, policies, grants. All or nothing; nothing where nothing is missing.
    ///
    /// Statements sent: those of [`Rls::plan`], and one message a change. Locks taken: an advisory one a database,
    /// so that two deployments cannot race, and `ACCESS EXCLUSIVE` on each table that changes, each waited for at
    /// most 5 s. Privileges needed: to own the tables, and `CREATEROLE` where a role is missing.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`], [`RlsError::Schema`]; nothing was changed then.
    pub async fn sync<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin(db).await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
        let place = Place::enter(&transaction).await?;
        let mut changes = self.sync_roles(&transaction).await?;
        let rest = self.table_changes(&transaction, &place).await?;
        for change in &rest {
            apply(&transaction, change).await?;
        }
        changes.extend(rest);
        place.leave(&transaction).await?;
        transaction.commit().await?;
        Ok(Plan { changes })
    }

    async fn changes(&self, db: &DatabaseTransaction, place: &Place) -> Result<Vec<Change>, RlsError> {
        let roles = catalog::roles(db, &self.config).await?;
        let mut changes = diff::roles(&self.config, &roles);
        changes.extend(self.table_changes(db, place).await?);
        Ok(changes)
    }

    /// Roles belong to the cluster, so migrations of two databases can meet at them: then the roles are read again.
    async fn sync_roles(&self, db: &DatabaseTransaction) -> Result<Vec<Change>, RlsError> {
        let mut attempt = 1;
        loop {
            let roles: BTreeMap<Identifier, ActualRole> = catalog::roles(db, &self.config).await?;
            let changes = diff::roles(&self.config, &roles);
            if changes.is_empty() {
                return Ok(changes);
            }
            let savepoint = db.begin().await?;
            let mut applied = Ok(());
            for change in &changes {
                applied = apply(&savepoint, change).await;
                if applied.is_err() {
                    break;
                }
            }
            match applied {
                Ok(()) => {
                    savepoint.commit().await?;
                    return Ok(changes);
                }
                Err(error) if attempt < ROLE_ATTEMPTS && error.is_meeting() => {
                    savepoint.rollback().await?;
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn table_changes(&self, db: &DatabaseTransaction, place: &Place) -> Result<Vec<Change>, RlsError> {
        let mut desired: Vec<Desired> =
            self.registry.scopes().iter().map(|scope| Desired::new(scope, &self.config, &place.schema)).collect();
        let mut tables: Vec<_> = desired.iter().map(|desired| &desired.table).collect();
        tables.sort();
        if let Some(twice) = tables.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(DeclarationError::Clash { table: twice[0].to_string() }.into());
        }
        let mut actual: Vec<Actual<Canonical>> = Vec::new();
        let mut present = Vec::new();
        for (relation, desired) in catalog::read(db, &desired, &self.config).await?.into_iter().zip(&desired) {
            let table = desired.table.to_string();
            match relation {
                Relation::Table(table) => {
                    diff::check(desired, &table)?;
                    actual.push(*table);
                    present.push(true);
                }
                Relation::Missing if self.missing == MissingTables::Skip => present.push(false),
                Relation::Missing => return Err(SchemaError::MissingTable { table }.into()),
                Relation::Other => return Err(SchemaError::NotATable { table }.into()),
            }
        }
        let mut present = present.into_iter();
        desired.retain(|_| present.next() == Some(true));
        let pairs: Vec<_> = desired.iter().zip(&actual).collect();
        let canonical = catalog::canonical(db, &pairs).await?;
        let tables: Vec<_> = pairs
            .iter()
            .zip(&canonical)
            .map(|((desired, actual), canonical)| diff::Table { desired, canonical, actual })
            .collect();
        let schema_usage = catalog::schema_usage(db).await?;
        Ok(diff::tables(&tables, &self.config, &schema_usage))
    }
}

/// Where the lane works: the schema of tables that name none, with `search_path` out of the way meanwhile.
struct Place {
    schema: Identifier,
    search_path: String,
}

impl Place {
    async fn enter(db: &DatabaseTransaction) -> Result<Self, RlsError> {
        const WHERE: &str = "SELECT current_schema()::text AS schema, current_setting('search_path') AS search_path";
        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, WHERE))
            .await?
            .ok_or_else(|| SchemaError::Catalog { what: "no current schema".to_owned() })?;
        let schema: Option<String> = row.try_get("", "schema")?;
        let schema = schema.ok_or_else(|| SchemaError::Catalog {
            what: "a `search_path` in which no schema exists: create one, or set it".to_owned(),
        })?;
        let schema = Identifier::new(schema).map_err(|error| SchemaError::Catalog { what: error.to_string() })?;
        let search_path = row.try_get("", "search_path")?;
        // With row_security off, a statement that policies would filter fails instead of passing rows over.
        db.execute_unprepared(&format!(
            "SET LOCAL search_path = pg_catalog; SET LOCAL row_security = off; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"
        ))
        .await?;
        Ok(Self { schema, search_path })
    }

    /// Settings outlive a savepoint, so they are put back for a transaction of the caller's.
    async fn leave(&self, db: &DatabaseTransaction) -> Result<(), RlsError> {
        let path = sql::literal(&self.search_path).unwrap_or_default();
        let restore = format!(
            "SELECT set_config('search_path', {path}, true); SET LOCAL row_security = on; SET LOCAL lock_timeout = DEFAULT"
        );
        db.execute_unprepared(&restore).await?;
        Ok(())
    }
}

async fn begin<C>(db: &C) -> Result<DatabaseTransaction, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Err(RlsError::Backend { backend: backend.as_str().to_owned() });
    }
    Ok(db.begin().await?)
}

async fn apply(db: &DatabaseTransaction, change: &Change) -> Result<(), RlsError> {
    for statement in sql::change(change) {
        tracing::info!(statement = %statement.shown, "applying");
        let run = async {
            if let Some(secret) = statement.secret {
                // As a bound value it is in none of sqlx's or SeaORM's logs of statements.
                const BIND: &str = "SELECT set_config('rls.secret', $1, true)";
                db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, BIND, [secret.into()])).await?;
            }
            db.execute_unprepared(&statement.text).await
        };
        run.await.map_err(|error| failure(change, statement.shown, error))?;
    }
    Ok(())
}

/// What a failed statement of a change means.
fn failure(change: &Change, sql: String, error: DbErr) -> SchemaError {
    let state = RlsError::Database(Arc::new(error.clone())).sqlstate();
    let source = Arc::new(error);
    match (state.as_deref(), change) {
        (Some(sqlstate::LOCK_NOT_AVAILABLE), _) => SchemaError::LockTimeout { sql },
        (
            Some(sqlstate::NOT_NULL_VIOLATION),
            Change::AddOwnerColumn { table, column, .. } | Change::SetNotNull { table, column, .. },
        ) => SchemaError::RowsWithoutOwner { table: table.to_string(), column: column.to_string() },
        (
            Some(_),
            Change::AddOwnerColumn { table, column, backfill: Some(_), .. }
            | Change::SetNotNull { table, column, backfill: Some(_), .. },
        ) => SchemaError::Backfill { table: table.to_string(), column: column.to_string(), source },
        (Some(sqlstate::INSUFFICIENT_PRIVILEGE), Change::CreateRole { role, .. } | Change::AlterRole { role, .. }) => {
            SchemaError::Privilege { what: format!("create or alter role `{role}`"), sql, source }
        }
        (Some(sqlstate::INSUFFICIENT_PRIVILEGE), _) => {
            SchemaError::Privilege { what: "change this table or its grants".to_owned(), sql, source }
        }
        _ => SchemaError::Statement { sql, source },
    }
}
