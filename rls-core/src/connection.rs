//! The connection an application holds: it owns the pools and runs nothing without a context.

mod open;

use std::fmt;
use std::sync::Arc;

use sea_orm::ConnectOptions;
use sea_orm::metric::Info;
use sqlx::PgPool;

use crate::config::RlsConfig;
use crate::entity::registry::Registry;
use crate::error::RlsError;
use crate::gate;
use crate::gate::audit::Audit;
use crate::model::context::{AdminContext, RlsContext, Settings};
use crate::request::begin::KnownSetting;
use crate::request::observe::Observer;
use crate::request::pool::Pool;
use crate::request::pool::{Recorder, known_setting};
use crate::request::scoped::{
    AdminConnection, ContextConnection, ReadOnlyAdminConnection, ScopedConnection,
};

/// How many connections administrators share where the options do not say.
const ADMIN_CONNECTIONS: u32 = 2;

/// A database whose rows are kept apart; cheap to clone.
///
/// It implements none of SeaORM's connection traits: without a context nothing can be run.
///
/// ```compile_fail
/// # async fn nothing_runs_without_a_context(db: rls_core::RlsConnection) {
/// use sea_orm::ConnectionTrait;
/// db.execute_unprepared("SELECT 1").await;
/// # }
/// ```
#[derive(Clone)]
pub struct RlsConnection {
    app: Pool,
    admin: Pool,
    registry: Arc<Registry>,
    config: Arc<RlsConfig>,
}

impl RlsConnection {
    /// Connects as the application's role, for the entities linked into this program.
    ///
    /// The URL in `options` names server and database; its user and password are replaced by the
    /// configuration's application role and password, unless it names that role already. All other
    /// options hold, except that the ping before each use of a pooled connection is off: a
    /// connection found dead when a transaction begins is replaced.
    /// `test_before_acquire_if_idle_for` is kept where it is set. A connection whose transaction
    /// ended in order serves the next one without going back to the pool, while nobody waits for
    /// the pool, for as long as [`RlsConfig::keep_connections`] says; hooks of sqlx's pool run when
    /// it gives and gets connections.
    ///
    /// Statements sent: those that log in, and three that ask whether isolation and the audit hold.
    /// Privilege needed: to connect.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`] where isolation or the audit would not hold, with every reason;
    /// [`RlsError::Declaration`] for an empty or contradictory registry; [`RlsError::Backend`];
    /// [`RlsError::Database`] where the server refuses.
    pub async fn connect(
        options: impl Into<ConnectOptions>,
        config: RlsConfig,
    ) -> Result<Self, RlsError> {
        Self::connect_with(options, config, Registry::linked()?).await
    }

    /// As [`RlsConnection::connect`], for the entities of `registry`.
    ///
    /// # Errors
    ///
    /// As [`RlsConnection::connect`].
    pub async fn connect_with(
        options: impl Into<ConnectOptions>,
        config: RlsConfig,
        registry: Registry,
    ) -> Result<Self, RlsError> {
        let options = options.into();
        let settings: Arc<[KnownSetting]> = registry
            .settings()
            .into_iter()
            .map(KnownSetting::new)
            .collect();

        let observer = Observer::new(options.get_record_stmt_in_spans());
        let app = open::pool(&options, config.app(), options.get_max_connections()).await?;
        let admin = open::pool(&options, config.admin(), Some(ADMIN_CONNECTIONS)).await?;

        if !config.enabled() {
            tracing::warn!(
                "RLS_ENABLED is false: row security is not checked, and every user may see every \
                 row"
            );
        }

        if config.audit().is_none() {
            tracing::warn!(
                "RLS_AUDIT is false: what administrators do leaves no record in the database"
            );
        }

        let record = ask(&app, &config, &registry)
            .await?
            .map(|audit| audit.record);
        let admin_settings: Arc<[KnownSetting]> = match record {
            Some(_) => registry
                .settings()
                .into_iter()
                .map(KnownSetting::new)
                .chain([known_setting()])
                .collect(),
            None => Arc::clone(&settings),
        };

        Ok(Self {
            app: Pool::new(app, settings, observer.clone(), config.keep()),
            admin: Pool::new(admin, admin_settings, observer, config.keep()).recorded_by(record),
            registry: Arc::new(registry),
            config: Arc::new(config),
        })
    }

    /// A connection on behalf of the user in `context`. Sends nothing; each statement sets the
    /// context.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a context belongs to one scope"
    )]
    pub fn scope(&self, context: impl RlsContext) -> ScopedConnection {
        ContextConnection::new(self.app.clone(), &context)
    }

    /// A connection on behalf of nobody: no scoped row is seen, and none can be written. Sends
    /// nothing.
    #[must_use]
    pub fn anonymous(&self) -> ScopedConnection {
        ContextConnection::new(self.app.clone(), &Settings::new())
    }

    /// A connection as maintenance administrator, who sees all rows; each call leaves a `tracing`
    /// event at INFO with actor and reason. Sends nothing; the administrator logs in with the first
    /// statement.
    ///
    /// Each transaction on it, a single statement's own too, leaves a row in the audit's table with
    /// its begin message: actor, reason, the server's clock, application, login and transaction. It
    /// commits with the transaction, so what was rolled back leaves none. Who may act is for the
    /// caller to say:
    ///
    /// ```no_run
    /// # use rls_core::{AdminConnection, AdminContext, ContextError, RlsConnection};
    /// # struct User { email: String, is_superuser: bool }
    /// fn all_rows(db: &RlsConnection, user: &User, reason: &str) -> Result<Option<AdminConnection>, ContextError> {
    ///     let context = AdminContext::new(&user.email, reason)?;
    ///     Ok(user.is_superuser.then(|| db.admin(context)))
    /// }
    /// ```
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a reason is given once")]
    pub fn admin(&self, context: AdminContext) -> AdminConnection {
        self.announce(&context, "administrator's scope opened");
        ContextConnection::new(self.admin.clone(), &context)
    }

    /// Asks again what [`RlsConnection::connect`] asked, for a health check; what the configuration
    /// switches off is not asked for.
    ///
    /// Statements sent: three that only read. Privilege needed: to connect.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`] where isolation or the audit would no longer hold, with every reason;
    /// [`RlsError::Database`], [`RlsError::ConnectionLost`] where the server cannot be asked.
    pub async fn check_gate(&self) -> Result<(), RlsError> {
        ask(&self.app.pg(), &self.config, &self.registry)
            .await
            .map(|_| ())
    }

    /// As [`RlsConnection::admin`], in transactions in which the server refuses every write, with
    /// [`RlsError::ReadOnly`]. Sends nothing.
    ///
    /// The begin message writes the audit's row, and ends writing after it
    /// (`SET TRANSACTION READ ONLY`), which nothing in the transaction can take back.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a reason is given once")]
    pub fn admin_read_only(&self, context: AdminContext) -> ReadOnlyAdminConnection {
        self.announce(&context, "administrator's read-only scope opened");
        ContextConnection::new(self.admin.clone(), &context)
    }

    /// A connection on behalf of the user in `context`, for maintenance by `admin`: the
    /// application's login and the policies hold, so that no other user's rows are reached, and
    /// whatever takes a [`ScopedConnection`] can be run on it. Leaves a `tracing` event as
    /// [`RlsConnection::admin`] does. Sends nothing.
    ///
    /// Before each of its transactions, a single statement's own too, the administrator's login
    /// writes and commits a row in the audit's table, which holds the context as well: two messages
    /// more. The application's login may not write there, so such a row says what was begun, and
    /// not whether it was committed.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a reason is given once, and a context belongs to one scope"
    )]
    pub fn admin_as_user(&self, admin: AdminContext, context: impl RlsContext) -> ScopedConnection {
        self.announce(&admin, "administrator's scope for one user opened");

        let pool = match self.config.audit() {
            Some(_) => {
                self.app
                    .clone()
                    .recorded_before_by(Recorder::new(&self.admin, &admin, &context))
            }
            None => self.app.clone(),
        };

        ContextConnection::new(pool, &context)
    }

    fn announce(&self, context: &AdminContext, what: &str) {
        let audited = self.config.audit().is_some();
        tracing::info!(
            actor = context.actor(),
            reason = context.reason(),
            audited,
            "{what}"
        );
    }

    /// Calls `callback` after each statement, as SeaORM's `set_metric_callback` does; it holds for
    /// the scopes made afterwards. The statement it is given holds the values. A stream is told of
    /// when it ends, fails or is dropped, with the time since its first row was asked for. Begin
    /// and commit messages and unprepared text are not told of.
    pub fn set_metric_callback(&mut self, callback: impl Fn(&Info<'_>) + Send + Sync + 'static) {
        let observer = self.app.observer().with_callback(callback);
        self.app.set_observer(observer.clone());
        self.admin.set_observer(observer);
    }

    /// The registered entities' scopes.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &RlsConfig {
        &self.config
    }

    /// The application's own logins.
    #[cfg(feature = "testing")]
    pub(crate) fn pool(&self) -> crate::request::pool::Asked<'_> {
        self.app.pg()
    }

    /// Closes both pools, waiting for what is checked out; statements afterwards fail with SeaORM's
    /// `DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)`. All clones are closed with it.
    /// Statements sent: none, but the word that each session ends.
    pub async fn close(self) {
        self.app.close().await;
        self.admin.close().await;
    }
}

/// What has to hold before anything runs.
async fn ask(
    app: &PgPool,
    config: &RlsConfig,
    registry: &Registry,
) -> Result<Option<Audit>, RlsError> {
    if config.enabled() {
        gate::check(app, config, registry).await?;
    }

    match config.audit() {
        Some(table) => Audit::find(app, table, config).await.map(Some),
        None => Ok(None),
    }
}

impl fmt::Debug for RlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RlsConnection")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
