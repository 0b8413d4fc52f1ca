//! [`RlsConnection`], which an application keeps. It owns the pools of both logins, and runs
//! nothing without a context: [`scope`](RlsConnection::scope) and the like return connections that
//! do.

// May import every room that stands before it in lib.rs. Asks `gate` about the database before it
// opens.

mod engine;
mod open;
mod pooler;
mod standby;

pub use standby::{Otherwise, ReadFrom};

use std::fmt;
use std::sync::Arc;

use sea_orm::metric::Info;
use sea_orm::{ConnectOptions, ConnectionTrait, DbBackend, DbErr, Statement};
#[cfg(any(feature = "doctor", feature = "testing"))]
use sqlx::PgPool;

use crate::config::{ConfigError, RlsConfig, SignedContexts};
use crate::entity::registry::Registry;
use crate::error::{GateError, GateFinding, RlsError};
use crate::gate;
use crate::gate::FoundDomains;
use crate::gate::audit::Audit;
use crate::model::context::{AdminContext, RlsContext, Settings};
use crate::model::context_domain;
use crate::name::{Identifier, SettingName, TableName};
use crate::request::carrier::KnownSetting;
use crate::request::engine::Engine;
use crate::request::granted::GrantedColumns;
use crate::request::observe::Observer;
use crate::request::pool::{Pool, Recorder};
use crate::request::scoped::{
    AdminConnection, ContextConnection, ReadOnlyAdminConnection, ScopedConnection,
};
use crate::request::sessions::Sessions;
use crate::request::signer::Signer;
use crate::sql;

/// A database with row-level security. Cheap to clone.
///
/// It implements none of SeaORM's connection traits, so nothing runs without a context.
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
    /// The application's sessions on a standby.
    standby: Option<Sessions>,
    registry: Arc<Registry>,
    config: Arc<RlsConfig>,
}

impl RlsConnection {
    /// Connects as the application's role, for the entities linked into this program.
    ///
    /// The URL in `options` names the server and the database. The configuration's application role
    /// and password replace its user and password, unless it names that role already. `sslmode`,
    /// `sslrootcert` and the like hold for both logins.
    ///
    /// The URL may name several hosts and `target_session_attrs`, with libpq's words: before each login
    /// the servers are asked in turn, beginning with the one that was found last, and the first that
    /// fits is taken. One that was found within the last second is not asked again. SeaORM reads one
    /// port in a URL, after all hosts; write the colon before other ports as `%3A`.
    ///
    /// All other options hold, except that a pooled connection is asked whether it is alive only if
    /// it was idle for a second, or for the time of `test_before_acquire_if_idle_for`. A
    /// transaction that begins on a dead one begins on another. `after_connect` runs once, on the
    /// application's pool.
    ///
    /// Statements sent: those that log in; two that ask which engine answers and whether a pooler is
    /// between, and if one is, three more, with another login; four that check isolation, the domains
    /// that carry contexts, and the audit; one more if a policy's row in the catalog has changed since the last sync; two more if
    /// contexts are signed; one more, which only Pgpool-II understands, if the login may not execute
    /// `set_config`. Privilege needed: to connect.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`] if isolation or the audit would not hold, with every reason;
    /// [`RlsError::Declaration`] if the registry is empty or contradicts itself;
    /// [`RlsError::Config`] if the URL's `options` set a setting that carries a context, or its hosts
    /// cannot be read; [`RlsError::NoHost`] if none of several hosts fits;
    /// [`RlsError::SharedStatements`], [`RlsError::TransactionsRefused`] and
    /// [`RlsError::BalancedReads`] if a pooler between cannot serve this library;
    /// [`RlsError::Backend`] if the URL is not PostgreSQL's, [`RlsError::OtherEngine`] if the server is not, [`RlsError::NotOnCitus`] if it is
    /// Citus and contexts are signed; [`RlsError::Unreachable`] if no server
    /// listens there, after three seconds; [`RlsError::Tls`] if the connection cannot be encrypted as
    /// `sslmode` asks; [`RlsError::PasswordProvider`] if the configuration's provider fails;
    /// [`RlsError::LoginRefused`] and [`RlsError::Database`] if the server refuses.
    pub async fn connect(
        options: impl Into<ConnectOptions>,
        config: RlsConfig,
    ) -> Result<Self, RlsError> {
        Self::connect_with(options, config, Registry::linked()?).await
    }

    /// Connects as [`RlsConnection::connect`] does, for the entities of `registry`.
    ///
    /// # Errors
    ///
    /// As [`RlsConnection::connect`].
    pub async fn connect_with(
        options: impl Into<ConnectOptions>,
        config: RlsConfig,
        registry: Registry,
    ) -> Result<Self, RlsError> {
        Self::opened(options.into(), config, registry, Gate::Shut).await
    }

    /// Connects although isolation may not hold, to find out why. What administrators do must be
    /// recorded all the same.
    #[cfg(feature = "doctor")]
    pub(crate) async fn past_the_gate(
        options: ConnectOptions,
        config: RlsConfig,
        registry: Registry,
    ) -> Result<Self, RlsError> {
        Self::opened(options, config, registry, Gate::Open).await
    }

    async fn opened(
        options: ConnectOptions,
        config: RlsConfig,
        registry: Registry,
        gate: Gate,
    ) -> Result<Self, RlsError> {
        let known = |settings: Vec<SettingName>| {
            let settings = settings.into_iter();
            settings.map(|name| KnownSetting::new(name, registry.scopes()))
        };
        let signed = config.signs_contexts() > SignedContexts::Off;
        let settings: Arc<[_]> =
            known(context_domain::carried(registry.settings(), signed).collect()).collect();
        let admin_settings: Arc<[_]> = known(
            context_domain::settings(registry.settings(), signed)
                .into_iter()
                .collect(),
        )
        .collect();
        let app_signer = signer(&config, config.app_role())?;
        let admin_signer = signer(&config, config.admin_role())?;

        let observer = Observer::new(options.get_record_stmt_in_spans());
        let contexts = registry.settings();
        let app = open::app(&options, &config, &contexts).await?;
        let admin = open::admin(&options, &config, &contexts).await?;

        warn_of(&config);
        let found = checked(&app, &config, &registry, gate).await?;
        let connection = Self {
            app: Pool::new(app, settings, found.domains.app, observer.clone())
                .of_engine(found.engine)
                .allowing_do(config.allows_do())
                .allowing_early(config.signs_contexts() < SignedContexts::Required)
                .allowing_several(found.engine.sets_in_any_message())
                .signed_by(app_signer)
                .granted(GrantedColumns::new(registry.scopes(), |it| &it.columns)),
            admin: Pool::new(admin, admin_settings, found.domains.admin, observer)
                .of_engine(found.engine)
                .signed_by(admin_signer)
                .granted(GrantedColumns::new(registry.scopes(), |it| {
                    &it.admin_columns
                }))
                .recorded_by(found.audit.map(|audit| audit.record)),
            standby: None,
            registry: Arc::new(registry),
            config: Arc::new(config),
        };

        let app = connection.app.clone();
        connection
            .check_signature(app, found.domains.verified)
            .await?;
        Ok(connection)
    }

    /// Returns a connection on behalf of the user in `context`. Sends nothing; each statement sets
    /// the context.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a context belongs to one scope"
    )]
    pub fn scope(&self, context: impl RlsContext) -> ScopedConnection {
        ContextConnection::new(self.app.clone(), &context)
    }

    /// Returns a connection on behalf of nobody, which sees and writes no row of a user. Sends
    /// nothing.
    #[must_use]
    pub fn anonymous(&self) -> ScopedConnection {
        ContextConnection::new(self.app.clone(), &Settings::new())
    }

    /// Returns a connection as maintenance administrator, who sees all rows. Each call emits a
    /// `tracing` event at INFO with the actor and the reason. Sends nothing; the administrator logs
    /// in with the first statement.
    ///
    /// Each statement and each transaction on it adds a row to the audit's table:
    /// the actor, the reason, the server's time, the application, the login and the transaction.
    /// The row commits with it, so a failure or a rollback leaves none. The caller decides who may
    /// act:
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

    /// Repeats the checks of [`RlsConnection::connect`], for a health check, on the primary: a standby
    /// gets everything from there. Skips those that the configuration switches off.
    ///
    /// Statements sent: four that only read; one more if a policy's row in the catalog has changed
    /// since the last sync; two more if contexts are signed. Privilege needed: to connect.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`] if isolation or the audit no longer hold, with every reason;
    /// [`RlsError::Database`] or [`RlsError::ConnectionLost`] if the server does not answer.
    pub async fn check_gate(&self) -> Result<(), RlsError> {
        let gate = Gate::Shut;
        let (domains, _) = ask(self.app.sessions(), &self.config, &self.registry, gate).await?;
        let is_as_found =
            self.app.uses(domains.app.as_ref()) && self.admin.uses(domains.admin.as_ref());

        if !is_as_found {
            let findings = vec![GateFinding::DomainsChanged];
            return Err(GateError { findings }.into());
        }

        self.check_signature(self.app.clone(), domains.verified)
            .await
    }

    /// Asks the server to verify a context that this program signs, if policies read signed ones.
    async fn check_signature(
        &self,
        pool: Pool,
        verified: Option<TableName>,
    ) -> Result<(), RlsError> {
        let Some(verified) = verified else {
            return Ok(());
        };

        let sql = format!("SELECT FROM {}", sql::table(&verified));
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let nobody: ScopedConnection = ContextConnection::new(pool, &Settings::new());
        let row = nobody.query_one_raw(statement).await?;

        // The administrators' record is made of a signed context too.
        let cannot_record = self.config.audit().is_some() && !self.admin.has_domains();
        let (app, admin) = (self.config.app_role(), self.config.admin_role());
        let cannot = row.is_none().then_some(app);
        let cannot = cannot.into_iter().chain(cannot_record.then_some(admin));
        let findings: Vec<GateFinding> = cannot
            .map(|role| GateFinding::ContextNotVerified { role: role.clone() })
            .collect();

        if findings.is_empty() {
            Ok(())
        } else {
            Err(GateError { findings }.into())
        }
    }

    /// Asks the server whether it answers, as the application's login. Unlike
    /// [`RlsConnection::check_gate`] it checks nothing. Sends one empty message, and waits for
    /// `acquire_timeout` at most.
    ///
    /// # Errors
    ///
    /// `DbErr::ConnectionAcquire` if there is no answer in time; otherwise the connection's error.
    pub async fn ping(&self) -> Result<(), DbErr> {
        self.app.ping().await
    }

    /// Returns a connection as [`RlsConnection::admin`] does, with transactions in which the server
    /// refuses every write ([`RlsError::ReadOnly`]). Sends nothing.
    ///
    /// The audit's row is written first; then the transaction becomes `READ ONLY`, which nothing in
    /// it can undo.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a reason is given once")]
    pub fn admin_read_only(&self, context: AdminContext) -> ReadOnlyAdminConnection {
        self.announce(&context, "administrator's read-only scope opened");
        ContextConnection::new(self.admin.clone(), &context)
    }

    /// Returns a connection on behalf of the user in `context`, for maintenance by `admin`. It uses
    /// the application's login, so the policies hold and no other user's rows are reached. Emits a
    /// `tracing` event as [`RlsConnection::admin`] does. Sends nothing.
    ///
    /// Before each statement and each transaction the administrator's login adds a row to the audit's
    /// table and commits it: one more message. The row contains the context too. Since it is
    /// committed first, it tells that something began, not that it was committed.
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

    /// Calls `callback` after each statement, as SeaORM's `set_metric_callback` does, for scopes
    /// made after this call.
    ///
    /// The statement that `callback` gets contains its values. A stream is reported when it ends,
    /// fails or is dropped, with the time since its first row was requested. Begin and commit
    /// messages and unprepared text are not reported.
    pub fn set_metric_callback(&mut self, callback: impl Fn(&Info<'_>) + Send + Sync + 'static) {
        let observer = self.app.observer().with_callback(callback);
        self.app.set_observer(observer.clone());
        self.admin.set_observer(observer);
    }

    /// The scopes of the registered entities.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &RlsConfig {
        &self.config
    }

    /// The sqlx pool of the application's login, for statements without a context.
    #[cfg(any(feature = "doctor", feature = "testing"))]
    pub(crate) fn pool(&self) -> &PgPool {
        self.app.sessions().pg()
    }

    /// Whether the server is Citus.
    #[cfg(feature = "testing")]
    pub(crate) fn is_on_citus(&self) -> bool {
        self.app.engine() == Engine::Citus
    }

    /// Closes all pools, after the connections in use have returned, and with them all clones.
    /// Statements afterwards fail with SeaORM's
    /// `DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)`. Statements sent: none; each
    /// session ends with PostgreSQL's terminate message.
    pub async fn close(self) {
        self.app.close().await;
        self.admin.close().await;
        if let Some(standby) = &self.standby {
            standby.pg().close().await;
        }
    }
}

/// Signs the contexts of a login, if contexts are signed.
fn signer(config: &RlsConfig, login: &Identifier) -> Result<Option<Signer>, ConfigError> {
    if config.signs_contexts() == SignedContexts::Off {
        return Ok(None);
    }

    let keys = config.keys().ok_or(ConfigError::NoSigningKey)?.clone();
    Ok(Some(Signer::new(
        keys,
        login.to_string(),
        config.lifetime(),
    )))
}

/// What the database has for the requests of both logins.
struct Found {
    engine: Engine,
    domains: FoundDomains,
    audit: Option<Audit>,
}

fn warn_of(config: &RlsConfig) {
    if !config.enabled() {
        tracing::warn!(
            "RLS_ENABLED is false: row security is not checked, and every user may see every row"
        );
    }

    if config.audit().is_none() {
        tracing::warn!(
            "RLS_AUDIT is false: what administrators do leaves no record in the database"
        );
    }
}

/// All that is asked of a server, and of a pooler before it, when a pool is new.
async fn checked(
    app: &Sessions,
    config: &RlsConfig,
    registry: &Registry,
    gate: Gate,
) -> Result<Found, RlsError> {
    let engine = engine::check(app).await?;
    engine::check_signed(engine, config)?;
    pooler::check(app).await?;
    let (domains, audit) = ask(app, config, registry, gate)
        .await
        .map_err(pooler::explained)?;
    let found = Found {
        engine,
        domains,
        audit,
    };

    if found.domains.app.is_none() || engine == Engine::Citus {
        pooler::check_balance(app).await?;
    }
    Ok(found)
}

/// Whether a database is refused that would not keep users apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Shut,
    #[cfg(feature = "doctor")]
    Open,
}

/// Checks the gate, unless it is open or switched off, and finds the domains and the audit.
async fn ask(
    app: &Sessions,
    config: &RlsConfig,
    registry: &Registry,
    gate: Gate,
) -> Result<(FoundDomains, Option<Audit>), RlsError> {
    let mut borrowed = open::first(app).await?;
    let connection = borrowed.connection();

    // Boxed: their futures are large, and would be a part of each that connects.
    let domains = if config.enabled() && gate == Gate::Shut {
        Box::pin(gate::check(connection, config, registry)).await?
    } else {
        Box::pin(gate::domains(connection, config, registry)).await?
    };

    let audit = match config.audit() {
        Some(table) => Some(Audit::find(connection, table, config).await?),
        None => None,
    };

    Ok((domains, audit))
}

impl fmt::Debug for RlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RlsConnection")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
