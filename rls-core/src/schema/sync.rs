//! The driver: reads, compares, and applies the changes, in one transaction.

mod apply;
mod fingerprint;
mod lock;
mod online;
mod role;
mod run;
mod script;
mod standing;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::schema::catalog::{self, SearchPath, Session};
use crate::schema::desired::{Desired, MissingTables};
use crate::schema::diff::{
    Passwords, Table, breaking_roles, comparable, creates_named, diff, roles,
};
use crate::schema::plan::{Breaking, Change, Plan};
use crate::schema::snapshot::{Relation, Snapshot};
use crate::schema::trial::unplanned;
use crate::schema::used::UsedNames;
use crate::sqlstate;

pub use apply::{apply_changes, apply_statements, ensure_roles};
pub use script::MigrationScript;
pub use standing::{DroppedPolicies, Obstacles, StandingPolicies};

use fingerprint::fingerprint;
use lock::{begin_alone, despite_deadlocks};
use role::apply_roles;
use run::{run, statement_failure};

/// Brings a database to what the registered entities and the configuration say.
///
/// ```no_run
/// # async fn run(db: sea_orm::DatabaseConnection) -> Result<(), rls_core::RlsError> {
/// // After SeaORM's schema sync, or whatever else creates the tables:
/// let rls = rls_core::RlsSchema::from_env()?;
/// rls.sync(&db).await?;
/// assert!(rls.plan(&db).await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RlsSchema {
    registry: Registry,
    config: RlsConfig,
    missing: MissingTables,
    accept_weakening: bool,
    /// Whether breaking changes are refused; by default as the configuration says.
    refuse_breaking: Option<bool>,
}

impl RlsSchema {
    /// Uses these entities and this configuration.
    #[must_use]
    pub fn new(registry: Registry, config: RlsConfig) -> Self {
        Self {
            registry,
            config,
            missing: MissingTables::Refuse,
            accept_weakening: false,
            refuse_breaking: None,
        }
    }

    /// Uses the linked entities, and the configuration in the environment.
    ///
    /// # Errors
    ///
    /// [`RlsError::Declaration`], [`RlsError::Config`].
    pub fn from_env() -> Result<Self, RlsError> {
        Ok(Self::new(Registry::linked()?, RlsConfig::from_env()?))
    }

    /// Sets what happens if a registered table is not in the database. By default it is an error.
    #[must_use]
    pub fn missing_tables(mut self, missing: MissingTables) -> Self {
        self.missing = missing;
        self
    }

    /// Allows [`RlsSchema::sync`] to make changes that certainly make more rows reachable
    /// ([`Plan::weakening`]), such as dropping a restrictive policy that the entities no longer
    /// declare, or disabling row security as the configuration says.
    /// [`RlsConfig::danger_accept_weakening`] does the same.
    #[must_use]
    pub fn danger_accept_weakening(mut self, accept: bool) -> Self {
        self.accept_weakening = accept;
        self
    }

    /// Refuses changes by which statements of the version that is running begin to fail
    /// ([`Plan::breaking`]), or makes them, whatever [`RlsConfig::refuse_breaking`] says. By default
    /// they are made.
    #[must_use]
    pub fn refuse_breaking(mut self, refuse: bool) -> Self {
        self.refuse_breaking = Some(refuse);
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

    /// Compares the database with the entities, and returns the changes that would be made.
    ///
    /// Statements sent: catalog queries, and an empty temporary copy of each table that is rolled
    /// back. Lock taken: `ACCESS SHARE`. Privilege needed: `TEMPORARY` on the database.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`]; [`RlsError::Schema`] if the database cannot be brought to what the
    /// entities say.
    pub async fn plan<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (desired, snapshot) = self.read(db).await?;
        Ok(diff(&desired, &snapshot)?)
    }

    /// Brings the database to what the entities say, and returns what was changed: roles, owner
    /// columns, keys, row security, policies, grants, the audit's table, and the domains that carry
    /// contexts. All or nothing; nothing if nothing differs.
    ///
    /// A domain that differs is altered and not replaced, since services know it by its OID. The
    /// domain of a setting that no policy reads any more stays for those that still use it.
    ///
    /// Statements sent: those of [`RlsSchema::plan`], one message a change, and one for each policy
    /// with an outdated fingerprint. If anything changed, also `EXPLAIN` of the application's
    /// statements, as its role, if the login can act as it. Locks taken: one advisory lock per database, so that two
    /// deployments cannot race; `ACCESS EXCLUSIVE` on each table that changes, and
    /// `SHARE UPDATE EXCLUSIVE` for a fingerprint, each waited for at most 5 s; after a deadlock with
    /// the service's statements all is read and tried again, up to five times in all. Privileges needed:
    /// to own the tables, `CREATE` on the schema of the audit's table, and `CREATEROLE` if a role is
    /// missing.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`]; [`RlsError::Schema`], of which [`SchemaError::Weakens`] if consent is
    /// missing, and [`SchemaError::Breaks`] if breaking changes are refused. Nothing was changed
    /// then.
    pub async fn sync<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        despite_deadlocks(|| self.sync_once(db)).await
    }

    async fn sync_once<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin_alone(db).await?;
        let session = Session::enter(&transaction).await?;

        // Read, and compare.
        let (desired, snapshot) = self.snapshot(&transaction, &session).await?;
        let plan = diff(&desired, &snapshot)?;
        self.consent(&plan)?;
        self.may_break(plan.breaking())?;

        // Roles first: they belong to the cluster, where another migration may change them.
        let roles = roles(&self.config, &snapshot.roles, Passwords::Set);
        let (mut tables, planned) = (plan.changes, plan.breaking);
        let before = tables
            .iter()
            .take_while(|change| matches!(change, Change::Role(..)))
            .count();
        tables.retain(|change| !matches!(change, Change::Role(..)));
        let mut changes = apply_roles(&transaction, &self.config, roles).await?;

        // Then the tables, whose grants the server may have passed over with a warning.
        if !tables.is_empty() {
            transaction
                .execute_unprepared(&session.path.creating())
                .await?;
            for change in &tables {
                run(&transaction, change).await?;
            }

            transaction.execute_unprepared(SearchPath::PRINTING).await?;
            catalog::verify_grants(&transaction, &tables).await?;
            self.check_planned(&transaction, &desired, &snapshot)
                .await?;
        }

        // Last the fingerprints, of what the server then prints.
        let tables_there = comparable(&desired, &snapshot)?;
        fingerprint(&transaction, &tables_there).await?;
        session.leave(&transaction).await?;
        transaction.commit().await?;

        // Those of roles come first in both lists. Other ones may have been applied than planned.
        let mut breaking = breaking_roles(&snapshot.roles, &changes);
        let of_tables = planned.into_iter().filter(|(at, _)| *at >= before);
        breaking.extend(of_tables.map(|(at, it)| (at - before + changes.len(), it)));
        changes.extend(tables);
        Ok(Plan {
            breaking,
            changes,
            unmanaged: plan.unmanaged,
            waiting: plan.waiting,
            ..Plan::default()
        })
    }

    /// The desired and the actual state, read in a transaction that is rolled back.
    async fn read<C>(&self, db: &C) -> Result<(Desired<'_>, Snapshot), RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, session) = Session::reading(db).await?;

        // The rollback, of all or to a savepoint, puts the settings back too.
        let read = self.snapshot(&transaction, &session).await;
        transaction.rollback().await?;

        read
    }

    /// Reads the catalog, and then has the server print the desired policies of the tables that
    /// can be brought to what is desired.
    async fn snapshot(
        &self,
        db: &DatabaseTransaction,
        session: &Session,
    ) -> Result<(Desired<'_>, Snapshot), RlsError> {
        session.verifiable()?;

        let mut desired =
            Desired::new(&self.registry, &self.config, self.missing, &session.schemas)?;
        let mut snapshot = catalog::snapshot(db, &desired).await?;
        for table in &mut desired.tables {
            if let Some(Relation::Table(actual)) = snapshot.relations.get(&table.table) {
                table.fit_types(&|column| Some(actual.columns.get(column)?.sql_type.clone()));
            }
        }

        // Once every column is there that the plan adds, the server tells what is not there yet.
        if self.missing == MissingTables::Skip {
            let tables = comparable(&desired, &snapshot)?;
            let lacking = tables.iter().filter(|table| table.lacks_column()).count();
            let pairs = tables
                .iter()
                .filter(|table| lacking == usize::from(table.lacks_column()))
                .map(|table| (table.desired, table.actual));
            snapshot.unready = catalog::unready(db, pairs, &session.path).await?;
        }

        let tables = comparable(&desired, &snapshot)?;
        let used = if creates_named(&tables) {
            let names = tables.iter().map(|table| &table.desired.table);
            catalog::used_names(db, names).await?
        } else {
            UsedNames::default()
        };

        let incomplete = tables.len() < desired.tables.len()
            || tables.iter().any(Table::lacks_column)
            || snapshot.lacks_verified();
        let pairs = tables.iter().map(|table| (table.desired, table.actual));
        let canonical = catalog::canonical(db, pairs, &session.path, incomplete).await?;
        (snapshot.used, snapshot.canonical) = (used, canonical);

        Ok((desired, snapshot))
    }

    /// Checks that no policies ask each other. A login that cannot act as the application's role
    /// cannot tell; a table that another session has locked is an error.
    async fn check_planned(
        &self,
        db: &DatabaseTransaction,
        desired: &Desired<'_>,
        snapshot: &Snapshot,
    ) -> Result<(), RlsError> {
        let tables = comparable(desired, snapshot)?;
        let tables: Vec<_> = tables.iter().map(|table| &table.desired.table).collect();
        let unplanned = unplanned(db, self.config.app_role(), &tables).await?;

        for one in unplanned.into_iter().flatten() {
            if one.is_untried() {
                return Err(statement_failure(one.sql, Arc::unwrap_or_clone(one.source)));
            }

            if sqlstate::of(&one.source).as_deref() == Some(sqlstate::RECURSION) {
                return Err(SchemaError::PoliciesAskEachOther {
                    table: one.table.to_string(),
                    source: one.source,
                }
                .into());
            }
        }

        Ok(())
    }

    /// Checks that breaking changes are not refused.
    fn may_break<'a>(
        &self,
        breaking: impl Iterator<Item = (&'a Change, Breaking)>,
    ) -> Result<(), SchemaError> {
        let refuses = self
            .refuse_breaking
            .unwrap_or_else(|| self.config.refuses_breaking());
        if !refuses {
            return Ok(());
        }

        let changes: Vec<String> = breaking
            .map(|(change, breaking)| format!("`{}` ({breaking})", change.sql().join("; ")))
            .collect();

        if changes.is_empty() {
            Ok(())
        } else {
            Err(SchemaError::Breaks { changes })
        }
    }

    fn consent(&self, plan: &Plan) -> Result<(), SchemaError> {
        if self.accept_weakening || self.config.accepts_weakening() {
            return Ok(());
        }

        let changes: Vec<String> = plan
            .weakening()
            .map(|(change, how)| format!("`{}` ({how})", change.sql().join("; ")))
            .collect();

        if changes.is_empty() {
            Ok(())
        } else {
            Err(SchemaError::Weakens { changes })
        }
    }
}
