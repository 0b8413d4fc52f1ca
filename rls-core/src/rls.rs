//! The schema lane's driver: reads, compares, and applies what lacks, in one transaction.

mod online;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, TransactionTrait};

use crate::catalog::{self, ActualRole, Relation, SearchPath};
use crate::config::RlsConfig;
use crate::diff;
use crate::error::{DeclarationError, RlsError, SchemaError, sqlstate};
use crate::name::{Identifier, TableName};
use crate::plan::{Change, Kept, Plan};
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
    accept_weakening: bool,
}

impl Rls {
    /// These entities and this configuration.
    #[must_use]
    pub fn new(registry: Registry, config: RlsConfig) -> Self {
        Self { registry, config, missing: MissingTables::Refuse, accept_weakening: false }
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

    /// Lets [`Rls::sync`] make changes that certainly let more rows be reached ([`Plan::weakening`]), such as dropping
    /// a restrictive policy that the entities no longer ask for. What the configuration's own switches ask for needs
    /// no consent beside them.
    #[must_use]
    pub fn danger_accept_weakening(mut self, accept: bool) -> Self {
        self.accept_weakening = accept;
        self
    }

    /// The registered entities.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &RlsConfig {
        &self.config
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
        let plan = self.planned(&transaction, &place).await;
        transaction.rollback().await?;
        plan.map(|(plan, _)| plan)
    }

    /// Brings the database to what the entities say, and returns what was changed: roles, owner columns, keys,
    /// row security, policies, grants. All or nothing; nothing where nothing is missing.
    ///
    /// Statements sent: those of [`Rls::plan`], one message a change, and one for each policy whose fingerprint is
    /// not up to date. Locks taken: an advisory one a database, so that two deployments cannot race, `ACCESS
    /// EXCLUSIVE` on each table that changes, and `SHARE UPDATE EXCLUSIVE` for a fingerprint, each waited for at most
    /// 5 s. Privileges needed: to own the tables, and `CREATEROLE` where a role is missing.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`], [`RlsError::Schema`], of these [`SchemaError::Weakens`] where consent is missing;
    /// nothing was changed then.
    pub async fn sync<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin(db).await?;
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
        let place = Place::enter(&transaction).await?;
        let mut changes = self.sync_roles(&transaction).await?;
        let (plan, desired) = self.table_plan(&transaction, &place).await?;
        self.consent(&plan)?;
        if !plan.changes.is_empty() {
            transaction.execute_unprepared(&place.path.creating()).await?;
            for change in &plan.changes {
                apply(&transaction, change).await?;
            }
            transaction.execute_unprepared(SearchPath::PRINTING).await?;
        }
        stamp(&transaction, &desired).await?;
        changes.extend(plan.changes);
        place.leave(&transaction).await?;
        transaction.commit().await?;
        Ok(Plan { changes, kept: plan.kept })
    }

    async fn planned(&self, db: &DatabaseTransaction, place: &Place) -> Result<(Plan, Vec<Desired>), RlsError> {
        let roles = catalog::roles(db, &self.config).await?;
        let mut changes = diff::roles(&self.config, &roles);
        let (plan, desired) = self.table_plan(db, place).await?;
        changes.extend(plan.changes);
        Ok((Plan { changes, kept: plan.kept }, desired))
    }

    fn consent(&self, plan: &Plan) -> Result<(), SchemaError> {
        let switch =
            |change: &Change| matches!(change, Change::EnableRowSecurity { .. } | Change::ForceRowSecurity { .. });
        let changes: Vec<String> = plan
            .weakening()
            .filter(|(change, _)| !self.accept_weakening && !switch(change))
            .map(|(change, how)| format!("`{}` ({how})", change.sql().join("; ")))
            .collect();
        if changes.is_empty() { Ok(()) } else { Err(SchemaError::Weakens { changes }) }
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

    async fn table_plan(&self, db: &DatabaseTransaction, place: &Place) -> Result<(Plan, Vec<Desired>), RlsError> {
        let mut desired: Vec<Desired> =
            self.registry.scopes().iter().map(|scope| Desired::new(scope, &self.config, &place.schema)).collect();
        let names: Vec<&TableName> = desired.iter().map(|desired| &desired.table).collect();
        if let Some(twice) = twice(&names) {
            return Err(DeclarationError::Clash { table: twice }.into());
        }
        let relations = catalog::read(db, &names, &self.config).await?;
        let others = catalog::others(db, &names).await?;
        let mut actual: Vec<Actual> = Vec::new();
        let mut present = Vec::new();
        for (relation, desired) in relations.into_iter().zip(&desired) {
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
        let missing = present.contains(&false);
        let mut present = present.into_iter();
        desired.retain(|_| present.next() == Some(true));
        let pairs: Vec<_> = desired.iter().zip(&actual).collect();
        let incomplete = missing || pairs.iter().any(|(desired, actual)| lacks_column(desired, actual));
        let canonical = catalog::canonical(db, &pairs, &place.path, incomplete).await?;
        let tables: Vec<_> = pairs
            .iter()
            .zip(&canonical)
            .map(|((desired, actual), canonical)| diff::Table { desired, canonical: canonical.as_ref(), actual })
            .collect();
        let schema_usage = catalog::schema_usage(db).await?;
        let (changes, mut kept) = diff::tables(&tables, &schema_usage)?;
        kept.extend(others.into_iter().map(|table| Kept::Table { table }));
        Ok((Plan { changes, kept }, desired))
    }
}

fn twice(names: &[&TableName]) -> Option<String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(**name)).map(ToString::to_string)
}

fn lacks_column(desired: &Desired, actual: &Actual) -> bool {
    desired.columns.iter().any(|column| !actual.columns.contains_key(&column.name))
}

/// Writes the fingerprints that are missing or of another time.
async fn stamp(db: &DatabaseTransaction, desired: &[Desired]) -> Result<(), RlsError> {
    let names: Vec<&TableName> = desired.iter().map(|desired| &desired.table).collect();
    let policies = catalog::policies(db, &names).await?;
    for (desired, policies) in desired.iter().zip(&policies) {
        for stale in diff::stale(desired, policies) {
            let sql = sql::comment_on_policy(&sql::table(stale.table), stale.policy, Some(&stale.comment));
            db.execute_unprepared(&sql).await.map_err(|error| statement_failure(sql, error))?;
        }
    }
    Ok(())
}

/// Where the lane works: the schema of tables that name none, with `search_path` out of the way meanwhile.
struct Place {
    schema: Identifier,
    path: SearchPath,
}

impl Place {
    async fn enter(db: &DatabaseTransaction) -> Result<Self, RlsError> {
        const WHERE: &str = "SELECT current_schema()::text AS schema, current_setting('search_path') AS search_path,
                                    has_database_privilege(current_database(), 'TEMPORARY') AS temporary";
        let row = db
            .query_one_raw(Statement::from_string(DbBackend::Postgres, WHERE))
            .await?
            .ok_or_else(|| SchemaError::Catalog { what: "no current schema".to_owned() })?;
        let schema: Option<String> = row.try_get("", "schema")?;
        let schema = schema.ok_or_else(|| SchemaError::Catalog {
            what: "a `search_path` in which no schema exists: create one, or set it".to_owned(),
        })?;
        let schema = Identifier::new(schema).map_err(|error| SchemaError::Catalog { what: error.to_string() })?;
        let path = SearchPath(row.try_get("", "search_path")?);
        if !row.try_get("", "temporary")? {
            return Err(SchemaError::CannotVerify.into());
        }
        // With row_security off, a statement that policies would filter fails instead of passing rows over.
        db.execute_unprepared(&format!(
            "{}; SET LOCAL row_security = off; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'",
            SearchPath::PRINTING
        ))
        .await?;
        Ok(Self { schema, path })
    }

    /// Settings outlive a savepoint, so they are put back for a transaction of the caller's.
    async fn leave(&self, db: &DatabaseTransaction) -> Result<(), RlsError> {
        let restore = format!("{}; SET LOCAL row_security = on; SET LOCAL lock_timeout = DEFAULT", self.path.restore());
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
            Some(sqlstate::NOT_NULL_VIOLATION | sqlstate::CHECK_VIOLATION),
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

fn statement_failure(sql: String, error: DbErr) -> RlsError {
    match RlsError::from(&error).sqlstate().as_deref() {
        Some(sqlstate::LOCK_NOT_AVAILABLE) => SchemaError::LockTimeout { sql }.into(),
        _ => SchemaError::Statement { sql, source: Arc::new(error) }.into(),
    }
}
