//! The schema lane's driver: reads, compares, and applies what lacks, in one transaction.

mod apply;
mod fingerprint;
mod lock;
mod online;
mod role;
mod run;
mod script;

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::config::RlsConfig;
use crate::entity::DeclarationError;
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::name::TableName;
use crate::schema::catalog::{self, Place, Relation, SearchPath};
use crate::schema::diff;
use crate::schema::plan::{Change, Plan, TableChange, Unmanaged};
use crate::schema::table::{Actual, Desired};

pub use apply::{apply_changes, apply_statements, ensure_roles};
pub use script::MigrationScript;

use fingerprint::fingerprint;
use lock::begin_alone;
use role::sync_roles;
use run::run;

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
}

impl RlsSchema {
    /// These entities and this configuration.
    #[must_use]
    pub fn new(registry: Registry, config: RlsConfig) -> Self {
        Self {
            registry,
            config,
            missing: MissingTables::Refuse,
            accept_weakening: false,
        }
    }

    /// The linked entities, and the configuration in the environment.
    ///
    /// # Errors
    ///
    /// [`RlsError::Declaration`], [`RlsError::Config`].
    pub fn from_env() -> Result<Self, RlsError> {
        Ok(Self::new(Registry::linked()?, RlsConfig::from_env()?))
    }

    /// What becomes of registered tables that are not in the database; an error where this is not
    /// said.
    #[must_use]
    pub fn missing_tables(mut self, missing: MissingTables) -> Self {
        self.missing = missing;
        self
    }

    /// Lets [`RlsSchema::sync`] make changes that certainly let more rows be reached
    /// ([`Plan::weakening`]), such as dropping a restrictive policy that the entities no longer ask
    /// for. What the configuration's own switches ask for needs no consent beside them.
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
    /// Statements sent: catalog queries, and an empty temporary copy of each table that is rolled
    /// back. Lock taken: `ACCESS SHARE`. Privilege needed: `TEMPORARY` on the database.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`], [`RlsError::Schema`] for what cannot be brought about.
    pub async fn plan<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, place) = Place::reading(db).await?;

        // The rollback, of all or to a savepoint, puts the settings back too.
        let plan = self.planned(&transaction, &place).await;
        transaction.rollback().await?;

        plan.map(|(plan, _)| plan)
    }

    /// Brings the database to what the entities say, and returns what was changed: roles, owner
    /// columns, keys, row security, policies, grants. All or nothing; nothing where nothing is
    /// missing.
    ///
    /// Statements sent: those of [`RlsSchema::plan`], one message a change, and one for each policy whose
    /// fingerprint is not up to date. Locks taken: an advisory one a database, so that two
    /// deployments cannot race, `ACCESS EXCLUSIVE` on each table that changes, and
    /// `SHARE UPDATE EXCLUSIVE` for a fingerprint, each waited for at most 5 s. Privileges needed:
    /// to own the tables, and `CREATEROLE` where a role is missing.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`], [`RlsError::Schema`], of these [`SchemaError::Weakens`] where consent
    /// is missing; nothing was changed then.
    pub async fn sync<C>(&self, db: &C) -> Result<Plan, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin_alone(db).await?;
        let place = Place::enter(&transaction).await?;
        place.verifiable()?;

        let mut changes = sync_roles(&transaction, &self.config).await?;
        let (plan, desired) = self.table_plan(&transaction, &place).await?;
        self.consent(&plan)?;

        if !plan.changes.is_empty() {
            transaction
                .execute_unprepared(&place.path.creating())
                .await?;
            for change in &plan.changes {
                run(&transaction, change).await?;
            }

            transaction.execute_unprepared(SearchPath::PRINTING).await?;
            catalog::verify_grants(&transaction, &plan.changes).await?;
        }

        fingerprint(&transaction, &desired).await?;
        changes.extend(plan.changes);
        place.leave(&transaction).await?;
        transaction.commit().await?;

        Ok(Plan {
            changes,
            unmanaged: plan.unmanaged,
        })
    }

    async fn planned(
        &self,
        db: &DatabaseTransaction,
        place: &Place,
    ) -> Result<(Plan, Vec<Desired>), RlsError> {
        place.verifiable()?;

        let roles = catalog::roles(db, &self.config).await?;
        diff::check_roles(&roles)?;

        let mut changes = diff::roles(&self.config, &roles);
        let (plan, desired) = self.table_plan(db, place).await?;
        changes.extend(plan.changes);

        Ok((
            Plan {
                changes,
                unmanaged: plan.unmanaged,
            },
            desired,
        ))
    }

    fn consent(&self, plan: &Plan) -> Result<(), SchemaError> {
        let switch =
            |change: &Change| matches!(change, Change::Table(_, TableChange::RowSecurity(_)));

        let changes: Vec<String> = plan
            .weakening()
            .filter(|(change, _)| !self.accept_weakening && !switch(change))
            .map(|(change, how)| format!("`{}` ({how})", change.sql().join("; ")))
            .collect();

        if changes.is_empty() {
            Ok(())
        } else {
            Err(SchemaError::Weakens { changes })
        }
    }

    async fn table_plan(
        &self,
        db: &DatabaseTransaction,
        place: &Place,
    ) -> Result<(Plan, Vec<Desired>), RlsError> {
        let mut desired: Vec<Desired> = self
            .registry
            .scopes()
            .iter()
            .map(|scope| Desired::new(scope, &self.config, &place.schemas))
            .collect();

        let names: Vec<&TableName> = desired.iter().map(|desired| &desired.table).collect();
        let audit = self
            .config
            .audit()
            .map(|audit| audit.found_in(&place.schemas));

        if let Some(audit) = audit.as_ref().filter(|audit| names.contains(audit)) {
            let difference = "an entity is registered for it".to_owned();
            return Err(SchemaError::NotTheAudit {
                table: audit.to_string(),
                difference,
            }
            .into());
        }

        if let Some(twice) = twice(&names) {
            return Err(DeclarationError::Clash { table: twice }.into());
        }

        let relations = catalog::read(db, &names, &self.config).await?;
        let others = catalog::others(db, &names).await?;
        let mut found: Vec<Option<Actual>> = Vec::new();
        let mut present = Vec::new();

        for (relation, desired) in relations.into_iter().zip(&desired) {
            let table = desired.table.to_string();
            match relation {
                Relation::Table(table) => {
                    diff::check(desired, &table)?;
                    found.push(Some(*table));
                    present.push(true);
                }
                Relation::Missing if self.missing == MissingTables::Skip => {
                    found.push(None);
                    present.push(false);
                }
                Relation::Missing => return Err(SchemaError::MissingTable { table }.into()),
                Relation::Other => return Err(SchemaError::NotATable { table }.into()),
            }
        }

        skip_dependents(&desired, &mut present);

        let missing = present.contains(&false);
        let mut unmanaged = present.iter();
        desired.retain(|_| unmanaged.next() == Some(&true));

        let actual: Vec<Actual> = present
            .iter()
            .zip(found)
            .filter(|(present, _)| **present)
            .filter_map(|(_, found)| found)
            .collect();

        diff::check_parents(&desired, &actual)?;

        let pairs: Vec<_> = desired.iter().zip(&actual).collect();
        let incomplete = missing
            || pairs
                .iter()
                .any(|(desired, actual)| lacks_column(desired, actual));

        let canonical = catalog::canonical(db, &pairs, &place.path, incomplete).await?;
        let tables: Vec<_> = pairs
            .iter()
            .zip(&canonical)
            .map(|((desired, actual), canonical)| diff::Table {
                desired,
                canonical: canonical.as_ref(),
                actual,
            })
            .collect();

        let schema_usage =
            catalog::schema_usage(db, [self.config.app_role(), self.config.admin_role()]).await?;
        let (mut changes, mut unmanaged) = diff::tables(&tables, &schema_usage)?;

        // Where no registered table is there, there is nothing to administer.
        if let (Some(audit), false) = (&audit, tables.is_empty()) {
            let actual = catalog::audit(db, audit, &self.config).await?;
            diff::audit(audit, &actual, &self.config, &schema_usage, &mut changes)?;
        }

        let others = others
            .into_iter()
            .filter(|table| Some(table) != audit.as_ref());
        unmanaged.extend(others.map(|table| Unmanaged::Table { table }));

        Ok((Plan { changes, unmanaged }, desired))
    }
}

fn twice(names: &[&TableName]) -> Option<String> {
    let mut seen = BTreeSet::new();
    names
        .iter()
        .find(|name| !seen.insert(**name))
        .map(ToString::to_string)
}

/// Passes over tables whose policies or keys refer to one that is passed over: the same migration
/// creates those later.
fn skip_dependents(desired: &[Desired], present: &mut [bool]) {
    loop {
        let missing: BTreeSet<&TableName> = desired
            .iter()
            .zip(&*present)
            .filter(|(_, present)| !**present)
            .map(|(desired, _)| &desired.table)
            .collect();

        let dependent = (0..desired.len()).find(|at| {
            present[*at]
                && desired[*at]
                    .refers_to()
                    .any(|table| missing.contains(table))
        });

        match dependent {
            Some(at) => present[at] = false,
            None => return,
        }
    }
}

fn lacks_column(desired: &Desired, actual: &Actual) -> bool {
    desired
        .columns
        .iter()
        .any(|column| !actual.columns.contains_key(&column.name))
}
