use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, TransactionTrait};

use super::case::Case;
use super::check;
use super::finding::Finding;
use super::level::Level;
use super::read;
use super::remedy::Remedy;
use super::report::Report;
use super::rules;
use super::trial;
use crate::config::{RlsConfig, SignedContexts};
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::schema::desired::MissingTables;
use crate::schema::plan::Plan;
use crate::schema::sync::RlsSchema;
use crate::sqlstate;

/// SeaORM's table of the migrations that have run.
const MIGRATIONS: &str = "seaql_migrations";

/// Looks for what weakens or slows row-level security.
///
/// ```no_run
/// # async fn run(db: sea_orm::DatabaseConnection) -> Result<(), rls_core::RlsError> {
/// use rls_core::doctor::{Doctor, Severity};
/// let doctor = Doctor::new(rls_core::Registry::linked()?, rls_core::RlsConfig::from_env()?);
/// let report = doctor.examine(&db).await?;
/// print!("{}", report.text(true));
/// assert_eq!(report.exit_code(Severity::Warning), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Doctor {
    registry: Registry,
    config: RlsConfig,
    migrations: String,
}

impl Doctor {
    /// Creates a doctor for these entities and this configuration.
    #[must_use]
    pub fn new(registry: Registry, config: RlsConfig) -> Self {
        Self {
            registry,
            config,
            migrations: MIGRATIONS.to_owned(),
        }
    }

    /// Sets the table in which the migrator records the migrations that have run, if it is not
    /// SeaORM's `seaql_migrations`. The doctor reports nothing about this table.
    #[must_use]
    pub fn migration_table(mut self, name: impl Into<String>) -> Self {
        self.migrations = name.into();
        self
    }

    /// Examines the database in transactions that are rolled back.
    ///
    /// Statements sent: a fixed number of catalog queries, those of [`RlsSchema::plan`], and
    /// `EXPLAIN` of the application's statements, as its role. Locks taken: `ACCESS SHARE` and `ROW
    /// EXCLUSIVE` on the registered tables, for a moment. Privilege needed: none; without
    /// `TEMPORARY` on the database and `SELECT` on the tables, which the migrations' login has, the
    /// doctor cannot find out what the migrations would change, and without a right to act as the
    /// application's role not whether its statements can be planned. It reports `RLS113` then.
    ///
    /// # Errors
    ///
    /// [`RlsError::Backend`]; [`RlsError::Schema`] for a `search_path` without a schema;
    /// [`RlsError::Database`]. If the migrations would fail, that is a finding.
    pub async fn examine<C>(&self, db: &C) -> Result<Report, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let backend = db.get_database_backend();
        if backend != DbBackend::Postgres {
            return Err(RlsError::Backend {
                backend: backend.as_str().to_owned(),
            });
        }

        let transaction = db.begin().await?;
        let facts = read::facts(&transaction, &self.registry, &self.config).await;
        transaction.rollback().await?;

        let facts = facts?;
        let mut unexamined = Vec::new();
        let plan = self.plan(db, &mut unexamined).await?;
        let case = Case::new(
            &facts,
            &self.config,
            &self.registry,
            plan.as_ref(),
            &self.migrations,
        );

        let mut findings = check::findings(&case);
        findings.extend(trial::findings(db, &case).await?);
        findings.append(&mut unexamined);

        let signed = self.is_signed(plan.as_ref());
        let changes = !signed && !facts.server.set_config.is_empty();
        let level = Level::of(&findings, signed, changes);
        Ok(Report::new(findings, level))
    }

    /// Whether the database's policies read signed contexts alone, and nothing differs from what the
    /// entities and the configuration say.
    fn is_signed(&self, plan: Option<&Plan>) -> bool {
        self.config.signs_contexts() == SignedContexts::Required
            && plan.is_some_and(|plan| plan.changes().is_empty())
    }

    /// Plans what the migrations would change; if that fails, adds a finding that says why.
    async fn plan<C>(&self, db: &C, findings: &mut Vec<Finding>) -> Result<Option<Plan>, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let rls = RlsSchema::new(self.registry.clone(), self.config.clone())
            .missing_tables(MissingTables::Skip);
        let error = match rls.plan(db).await {
            Ok(plan) => return Ok(Some(plan)),
            Err(error) => error,
        };

        let denied = error.sqlstate().as_deref() == Some(sqlstate::INSUFFICIENT_PRIVILEGE);
        match error {
            // The facts report these already.
            RlsError::Schema(SchemaError::NotATable { .. } | SchemaError::MissingKey { .. }) => {}
            // The login is one of the two roles, which migrate nothing, or one that may not look.
            RlsError::Schema(SchemaError::RoleInUse { .. } | SchemaError::CannotVerify { .. }) => {
                findings.push(unexamined(&error));
            }
            _ if denied => findings.push(unexamined(&error)),
            RlsError::Schema(refused) => {
                let remedy = Remedy::words("do what the error says, then run the migrations");
                findings.push(Finding::new(
                    &rules::RLS107,
                    "plan",
                    format!("the migrations would fail: {refused}"),
                    remedy,
                ));
            }
            other => return Err(other),
        }

        Ok(None)
    }
}

fn unexamined(error: &RlsError) -> Finding {
    let why = format!("the doctor cannot find out what the migrations would change: {error}");
    Finding::new(
        &rules::RLS113,
        "plan",
        why,
        Remedy::words("run the doctor as the migrations' login"),
    )
}
