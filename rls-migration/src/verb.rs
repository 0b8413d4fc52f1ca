//! Verbs for hand-written migrations, beside SeaORM's own.

mod change;
mod policies;
mod table;

use std::future::Future;

use rls_core::model::policy::Grantee;
use rls_core::{Change, Identifier, Privilege, RlsConfig, RlsError};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_orm::{DatabaseExecutor, DbErr};
use sea_orm_migration::sea_query::TableRef;

use crate::error::migration_error;

pub use policies::IntoPolicies;
pub(crate) use table::named;

/// Changes row security in a migration, as SeaORM's [`SchemaManager`] changes tables and indexes.
///
/// A table is named as anywhere in SeaORM: `"task"`, `("shop", "task")`, an `Iden`, an entity;
/// without a schema it is in the current one. Each verb reads the table first. It is an error if the
/// table does not exist, and it changes nothing that is as desired already. All run in the
/// migration's transaction, and wait for a lock at most 5 s. The roles of policies and grants come
/// from the environment ([`RlsConfig::from_env`]), or from
/// [`with_rls_config`](RlsSchemaManagerExt::with_rls_config).
///
/// ```no_run
/// use rls_core::model::policy::{Command, Grantee, Policy};
/// use rls_core::{Expression, Privilege};
/// use rls_migration::RlsSchemaManagerExt;
/// use sea_orm_migration::prelude::*;
///
/// # #[derive(DeriveMigrationName)]
/// # struct Migration;
/// #[async_trait::async_trait]
/// impl MigrationTrait for Migration {
///     async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
///         manager.ensure_roles().await?;
///         manager.enable_rls("ticket").await?;
///         manager.force_rls("ticket").await?;
///         let open = Policy::permissive("ticket_open").on([Command::Select]).using(Expr::col("status").eq("open"));
///         manager.create_policy("ticket", open).await?;
///         manager.grant("ticket", Grantee::App, [Privilege::Select]).await
///     }
///
///     async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
///         manager.revoke("ticket", Grantee::App, [Privilege::Select]).await?;
///         manager.drop_policy("ticket", "ticket_open").await?;
///         manager.disable_rls("ticket").await
///     }
/// }
/// ```
pub trait RlsSchemaManagerExt: Sync {
    /// The connection that the verbs use.
    fn rls_connection(&self) -> &DatabaseExecutor<'_>;

    /// The configuration that names the two roles.
    ///
    /// # Errors
    ///
    /// [`DbErr::Migration`] if the environment holds a wrong value.
    fn rls_config(&self) -> Result<RlsConfig, DbErr>;

    /// Returns the same verbs, with this configuration instead of the environment's.
    fn with_rls_config(&self, config: RlsConfig) -> RlsSchemaManager<'_> {
        RlsSchemaManager {
            db: self.rls_connection(),
            config,
        }
    }

    /// `ALTER TABLE … ENABLE ROW LEVEL SECURITY`: statements reach only what a policy lets through.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn enable_rls(
        &self,
        table: impl Into<TableRef>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::row_security(self.rls_connection(), table::named(table), true)
    }

    /// `ALTER TABLE … DISABLE ROW LEVEL SECURITY`: every role with a grant sees every row.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn disable_rls(
        &self,
        table: impl Into<TableRef>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::row_security(self.rls_connection(), table::named(table), false)
    }

    /// `ALTER TABLE … FORCE ROW LEVEL SECURITY`: policies hold for the table's owner too.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn force_rls(
        &self,
        table: impl Into<TableRef>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::force(self.rls_connection(), table::named(table), true)
    }

    /// `ALTER TABLE … NO FORCE ROW LEVEL SECURITY`: the table's owner sees every row.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn no_force_rls(
        &self,
        table: impl Into<TableRef>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::force(self.rls_connection(), table::named(table), false)
    }

    /// `CREATE POLICY`, once for each command that a draft names. Its comment holds the fingerprint
    /// that the gate asks for.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn create_policy(
        &self,
        table: impl Into<TableRef>,
        policy: impl IntoPolicies,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        let table = table::named(table);
        let policies = policies::built(self.rls_config(), table.as_ref().ok(), policy);
        change::create_policies(self.rls_connection(), table, policies)
    }

    /// `ALTER POLICY`: makes the policies with these names what is given here. PostgreSQL alters
    /// roles and conditions. To change the kind or the command, or to remove a condition, the policy
    /// is dropped and created in the same transaction. Its comment stays unless another is given.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn alter_policy(
        &self,
        table: impl Into<TableRef>,
        policy: impl IntoPolicies,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        let table = table::named(table);
        let policies = policies::built(self.rls_config(), table.as_ref().ok(), policy);
        change::alter_policies(self.rls_connection(), table, policies)
    }

    /// `DROP POLICY`.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn drop_policy(
        &self,
        table: impl Into<TableRef>,
        policy: &str,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::drop_policy(
            self.rls_connection(),
            table::named(table),
            policy.to_owned(),
        )
    }

    /// `ALTER POLICY … RENAME TO …`; the fingerprint stays valid.
    ///
    /// Lock taken: `ACCESS EXCLUSIVE`. Privilege needed: to own the table.
    fn rename_policy(
        &self,
        table: impl Into<TableRef>,
        was: &str,
        name: &str,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        change::rename_policy(
            self.rls_connection(),
            table::named(table),
            was.to_owned(),
            name.to_owned(),
        )
    }

    /// `GRANT` on the table; with `INSERT` also `USAGE` on the sequences behind its serial and
    /// identity columns. The schema's `USAGE` is not granted.
    ///
    /// Privilege needed: to own the table.
    fn grant(
        &self,
        table: impl Into<TableRef>,
        role: impl Into<Grantee>,
        privileges: impl IntoIterator<Item = Privilege>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        let role = role_of(self.rls_config(), &role.into());
        change::grant(
            self.rls_connection(),
            table::named(table),
            role,
            privileges.into_iter().collect(),
        )
    }

    /// `REVOKE` on the table; with `INSERT` also `USAGE` on the sequences behind its serial and
    /// identity columns.
    ///
    /// Privilege needed: to own the table.
    fn revoke(
        &self,
        table: impl Into<TableRef>,
        role: impl Into<Grantee>,
        privileges: impl IntoIterator<Item = Privilege>,
    ) -> impl Future<Output = Result<(), DbErr>> + Send {
        let role = role_of(self.rls_config(), &role.into());
        change::revoke(
            self.rls_connection(),
            table::named(table),
            role,
            privileges.into_iter().collect(),
        )
    }

    /// Creates the two roles if they are missing, and gives them the attributes and passwords that
    /// they lack; see [`ensure_roles`](rls_core::ensure_roles). Undoing a migration leaves them:
    /// they belong to the cluster.
    ///
    /// Privilege needed: `CREATEROLE` if a role is missing or differs.
    fn ensure_roles(&self) -> impl Future<Output = Result<(), DbErr>> + Send {
        let config = self.rls_config();
        async move {
            let plan = rls_core::ensure_roles(self.rls_connection(), &config?).await;
            plan.map(drop).map_err(|error| migration_error(&error))
        }
    }

    /// Runs what `rls generate` wrote, all or none; see
    /// [`apply_statements`](rls_core::apply_statements).
    ///
    /// Locks taken: those of the statements. Privilege needed: to own the tables.
    fn apply_rls(&self, statements: &[&str]) -> impl Future<Output = Result<(), DbErr>> + Send {
        async move {
            let applied = rls_core::apply_statements(self.rls_connection(), statements).await;
            applied.map_err(|error| migration_error(&error))
        }
    }

    /// Applies changes as data, all or none; see [`apply_changes`](rls_core::apply_changes).
    ///
    /// Locks taken: those of the changes. Privilege needed: to own the tables.
    fn apply_changes(&self, changes: &[Change]) -> impl Future<Output = Result<(), DbErr>> + Send {
        async move {
            let applied = rls_core::apply_changes(self.rls_connection(), changes).await;
            applied.map_err(|error| migration_error(&error))
        }
    }
}

impl RlsSchemaManagerExt for SchemaManager<'_> {
    fn rls_connection(&self) -> &DatabaseExecutor<'_> {
        self.get_connection()
    }

    fn rls_config(&self) -> Result<RlsConfig, DbErr> {
        RlsConfig::from_env().map_err(|error| migration_error(&error.into()))
    }
}

/// The verbs of [`RlsSchemaManagerExt`] with a given configuration.
#[derive(Debug)]
pub struct RlsSchemaManager<'c> {
    db: &'c DatabaseExecutor<'c>,
    config: RlsConfig,
}

impl RlsSchemaManagerExt for RlsSchemaManager<'_> {
    fn rls_connection(&self) -> &DatabaseExecutor<'_> {
        self.db
    }

    fn rls_config(&self) -> Result<RlsConfig, DbErr> {
        Ok(self.config.clone())
    }
}

fn role_of(config: Result<RlsConfig, DbErr>, role: &Grantee) -> Result<Identifier, DbErr> {
    role.role(&config?)
        .map_err(|error| DbErr::Migration(format!("a role: {error}")))
}

/// A name in a migration.
fn identifier(what: &str, name: &str) -> Result<Identifier, RlsError> {
    Identifier::new(name).map_err(|error| {
        RlsError::Database(std::sync::Arc::new(DbErr::Migration(format!(
            "{what}: {error}"
        ))))
    })
}
