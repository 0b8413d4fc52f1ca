//! [`RlsConfig`]: the switches and the two logins, from the environment or from code.

mod error;
mod login;
mod password;
mod signing;
mod variable;

pub use error::ConfigError;
pub(crate) use login::{Login, Secret};
pub(crate) use password::PasswordProvider;
pub use password::PasswordRequest;
use password::Provided;
pub(crate) use signing::{ID as KEY_ID, KeySource};
pub use signing::{SignedContexts, SigningKey, SigningKeyError, SigningKeys};
use variable::{
    given, given_switch, login, login_suffix, signed_contexts, signing_key, switch, table_name,
};

use std::sync::Arc;
use std::time::Duration;

use crate::name::{Identifier, TableName};

/// The switches, and the two logins: the application's and the maintenance administrator's.
///
/// ```
/// use rls_core::RlsConfig;
/// let config = RlsConfig::new().app_login("shop_app", "s3cret")?;
/// assert!(config.enabled() && config.force());
/// assert!(!format!("{config:?}").contains("s3cret"));
/// # Ok::<(), rls_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, with a variable and a method"
)]
pub struct RlsConfig {
    enabled: bool,
    force: bool,
    app: Login,
    admin: Login,
    passwords: Option<PasswordProvider>,
    login_suffix: String,
    accept_weakening: bool,
    refuse_breaking: bool,
    allow_do: bool,
    audit: bool,
    audit_table: TableName,
    signed_contexts: SignedContexts,
    keys: Option<KeySource>,
    context_lifetime: Duration,
}

/// How long a signed context holds.
const CONTEXT_LIFETIME: Duration = Duration::from_mins(1);

impl Default for RlsConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl RlsConfig {
    /// Creates the defaults: row-level security enabled and forced, the roles `rls_app_user` and
    /// `rls_maintenance_admin` without passwords, the audit in `rls_audit`.
    #[must_use]
    pub fn new() -> Self {
        let name =
            |name: &str| Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name"));
        let login = |role: &str| Login {
            role: name(role),
            password: None,
        };

        Self {
            enabled: true,
            force: true,
            app: login("rls_app_user"),
            admin: login("rls_maintenance_admin"),
            passwords: None,
            login_suffix: String::new(),
            accept_weakening: false,
            refuse_breaking: false,
            allow_do: false,
            audit: true,
            audit_table: TableName {
                schema: None,
                table: name("rls_audit"),
            },
            signed_contexts: SignedContexts::Off,
            keys: None,
            context_lifetime: CONTEXT_LIFETIME,
        }
    }

    /// Reads `RLS_ENABLED`, `RLS_FORCE`, `RLS_AUDIT` (each `true` if unset), `RLS_APP_USER`,
    /// `RLS_APP_PASSWORD`, `RLS_MAINTENANCE_ADMIN`, `RLS_MAINTENANCE_ADMIN_PASSWORD`,
    /// `RLS_LOGIN_SUFFIX`, `RLS_AUDIT_TABLE`, `RLS_ACCEPT_WEAKENING`, `RLS_REFUSE_BREAKING` and `RLS_ALLOW_DO` (each `false` if unset),
    /// `RLS_SIGNED_CONTEXTS` (`off` if unset, or `sent`, or `required`), and `RLS_SIGNING_KEY`.
    ///
    /// Emits a `tracing` event at WARN for a variable whose name is near to one of these.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], which names the variable that is wrong.
    pub fn from_env() -> Result<Self, ConfigError> {
        for misspelt in Self::misspelt_variables() {
            tracing::warn!("{misspelt}");
        }

        Self::from_lookup(|variable| match std::env::var(variable) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => Err(ConfigError::NotUnicode {
                variable: variable.to_owned(),
            }),
        })
    }

    /// A line for each variable of the environment whose name is near to one of those that
    /// [`RlsConfig::from_env`] reads: it has no effect.
    #[must_use]
    pub fn misspelt_variables() -> Vec<String> {
        let given = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        variable::misspelt(given)
    }

    /// Reads the same variables from another source.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as from [`RlsConfig::from_env`], or from `lookup`.
    pub fn from_lookup(
        lookup: impl Fn(&str) -> Result<Option<String>, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::new();
        config.enabled = switch(&lookup, variable::ENABLED)?;
        config.force = switch(&lookup, variable::FORCE)?;
        config.app = login(
            &lookup,
            variable::APP_USER,
            variable::APP_PASSWORD,
            config.app,
        )?;
        config.admin = login(
            &lookup,
            variable::ADMIN,
            variable::ADMIN_PASSWORD,
            config.admin,
        )?;
        if let Some(suffix) = lookup(variable::LOGIN_SUFFIX)? {
            config.login_suffix = login_suffix(variable::LOGIN_SUFFIX, suffix)?;
        }

        config.accept_weakening =
            given_switch(&lookup, variable::ACCEPT_WEAKENING)?.unwrap_or(false);
        config.refuse_breaking = given_switch(&lookup, variable::REFUSE_BREAKING)?.unwrap_or(false);
        config.allow_do = given_switch(&lookup, variable::ALLOW_DO)?.unwrap_or(false);
        config.audit = switch(&lookup, variable::AUDIT)?;
        if let Some(table) = lookup(variable::AUDIT_TABLE)? {
            config.audit_table = table_name(variable::AUDIT_TABLE, &table)?;
        }

        config.signed_contexts = signed_contexts(&lookup)?;
        config.keys = signing_key(&lookup)?.map(|key| KeySource(Arc::new(key)));

        config.check(variable::APP_USER, variable::ADMIN)
    }

    /// Sets the application's role and password.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if PostgreSQL would not keep the role's name, or if it is the
    /// administrator's.
    pub fn app_login(mut self, role: &str, password: &str) -> Result<Self, ConfigError> {
        self.app = given("app_login", role, password)?;
        self.check("app_login", "admin_login")
    }

    /// Sets the maintenance administrator's role and password.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if PostgreSQL would not keep the role's name, or if it is the application's.
    pub fn admin_login(mut self, role: &str, password: &str) -> Result<Self, ConfigError> {
        self.admin = given("admin_login", role, password)?;
        self.check("app_login", "admin_login")
    }

    /// Sets who is asked for the password of each login, of the application's role and of the
    /// administrator's: for tokens that hold some minutes, as clouds issue them. Passwords of
    /// [`RlsConfig::app_login`] and [`RlsConfig::admin_login`] are then set by migrations, and not
    /// sent.
    ///
    /// `provider` is asked before a connection may log in, and once when
    /// [`RlsConnection::connect`](crate::RlsConnection::connect) makes the application's pool. If
    /// sqlx replaces a dead connection of the pool, it logs in with the last password; if the
    /// server refuses that, `provider` is asked again. It is asked within `acquire_timeout`, by
    /// several tasks at once: let it keep a token that still holds.
    ///
    /// ```
    /// # async fn token(user: &str, host: &str, port: u16) -> Result<String, std::io::Error> { Ok(format!("{user}@{host}:{port}")) }
    /// use rls_core::RlsConfig;
    ///
    /// let config = RlsConfig::new().password_provider(|login| async move {
    ///     Ok(token(&login.user, &login.host, login.port).await?)
    /// });
    /// # assert!(!format!("{config:?}").contains("token"));
    /// ```
    ///
    /// # Errors
    ///
    /// If it fails, or returns an empty password or one with a NUL byte, what needed the connection
    /// fails with [`RlsError::PasswordProvider`](crate::RlsError::PasswordProvider), which shows the
    /// provider's own error: keep the password out of that.
    #[must_use]
    pub fn password_provider<F, P>(mut self, provider: F) -> Self
    where
        F: Fn(PasswordRequest) -> P + Send + Sync + 'static,
        P: Future<Output = Provided> + Send + 'static,
    {
        self.passwords = Some(PasswordProvider::new(provider));
        self
    }

    /// Sets what follows the name of a role when it logs in. A pooler may want more than the role to
    /// find the server: `.abcdefgh` logs in as `rls_app_user.abcdefgh`. In the database the role is
    /// `rls_app_user`.
    ///
    /// # Errors
    ///
    /// [`ConfigError::LoginSuffix`] if it contains a NUL byte.
    pub fn login_suffix(mut self, suffix: &str) -> Result<Self, ConfigError> {
        self.login_suffix = login_suffix("login_suffix", suffix.to_owned())?;
        Ok(self)
    }

    /// Sets the audit's table, as `table` or `schema.table`. It has a row for each transaction of
    /// an administrator. The domains that carry contexts are in its schema, even if there is no
    /// audit.
    ///
    /// Without a schema, the table is in the current schema, in which `migrate fresh` drops it with
    /// all others.
    ///
    /// # Errors
    ///
    /// [`ConfigError::AuditTable`] if PostgreSQL would not keep the name.
    pub fn audit_table(mut self, table: &str) -> Result<Self, ConfigError> {
        self.audit_table = table_name("audit_table", table)?;
        Ok(self)
    }

    /// Lets administrators act without a record. An audit table that exists is kept.
    #[must_use]
    pub fn danger_no_audit(mut self) -> Self {
        self.audit = false;
        self
    }

    /// Allows [`RlsSchema::sync`](crate::RlsSchema::sync), and with it `up` of a migrator, to make
    /// changes that certainly make more rows reachable.
    #[must_use]
    pub fn danger_accept_weakening(mut self, accept: bool) -> Self {
        self.accept_weakening = accept;
        self
    }

    /// Has [`RlsSchema::sync`](crate::RlsSchema::sync), and with it `up` of a migrator, refuse changes
    /// by which statements of the version that is running begin to fail, as `RLS_REFUSE_BREAKING=true`
    /// does. By default `up` names them and makes them.
    #[must_use]
    pub fn refuse_breaking(mut self, refuse: bool) -> Self {
        self.refuse_breaking = refuse;
        self
    }

    /// Allows `DO` blocks in the SQL text of a scope, as `RLS_ALLOW_DO=true` does. No look at the text
    /// shows what a block does: hostile text in it can act as another user and set the context back.
    #[must_use]
    pub fn danger_allow_do(mut self, allow: bool) -> Self {
        self.allow_do = allow;
        self
    }

    /// Sets how far contexts are signed, so that SQL which an attacker injects cannot change them. To
    /// send one, a program needs a key ([`RlsConfig::signing_keys`]).
    #[must_use]
    pub fn signed_contexts(mut self, signed: SignedContexts) -> Self {
        self.signed_contexts = signed;
        self
    }

    /// Sets where the keys come from that sign contexts. Migrations need none.
    #[must_use]
    pub fn signing_keys(mut self, keys: impl SigningKeys) -> Self {
        self.keys = Some(KeySource(Arc::new(keys)));
        self
    }

    /// Sets how long a signed context holds: 60 s if this is not called, at least 1 s and at most a day. It is
    /// signed anew for each statement, and the server compares the time when the statement arrives.
    /// So it must last while a statement waits on its way, as in the queue of a pooler, and for the
    /// difference of the clocks.
    #[must_use]
    pub fn context_lifetime(mut self, lifetime: Duration) -> Self {
        const DAY: Duration = Duration::from_hours(24);

        self.context_lifetime = lifetime.clamp(Duration::from_secs(1), DAY);
        self
    }

    /// Switches row-level security of the registered tables on or off. If it is off, every user
    /// sees every row. To disable it on tables that have it needs a consent, as any weakening
    /// ([`RlsConfig::danger_accept_weakening`]).
    #[must_use]
    pub fn danger_enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Sets whether the policies hold for the owner of the tables too. To lift that from tables
    /// needs a consent, as any weakening ([`RlsConfig::danger_accept_weakening`]).
    #[must_use]
    pub fn danger_force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Whether row-level security is enabled on the registered tables.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.enabled
    }

    /// Whether the policies hold for the owner of the tables too.
    #[must_use]
    pub fn force(&self) -> bool {
        self.force
    }

    /// The audit's table; `None` if administrators act without a record.
    #[must_use]
    pub fn audit(&self) -> Option<&TableName> {
        self.audit.then_some(&self.audit_table)
    }

    /// The name of the audit's table, whether or not there is an audit.
    #[must_use]
    pub fn audit_table_name(&self) -> &TableName {
        &self.audit_table
    }

    /// The application's role.
    #[must_use]
    pub fn app_role(&self) -> &Identifier {
        &self.app.role
    }

    /// The maintenance administrator's role.
    #[must_use]
    pub fn admin_role(&self) -> &Identifier {
        &self.admin.role
    }

    pub(crate) fn allows_do(&self) -> bool {
        self.allow_do
    }

    /// How far contexts are signed.
    #[must_use]
    pub fn signs_contexts(&self) -> SignedContexts {
        self.signed_contexts
    }

    pub(crate) fn keys(&self) -> Option<&KeySource> {
        self.keys.as_ref()
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.context_lifetime
    }

    /// The name of an object of signed contexts, beside the audit's table.
    pub(crate) fn signing_object(&self, name: &str) -> TableName {
        TableName {
            schema: self.audit_table.schema.clone(),
            table: Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name")),
        }
    }

    pub(crate) fn refuses_breaking(&self) -> bool {
        self.refuse_breaking
    }

    pub(crate) fn accepts_weakening(&self) -> bool {
        self.accept_weakening
    }

    pub(crate) fn passwords(&self) -> Option<&PasswordProvider> {
        self.passwords.as_ref()
    }

    /// The name by which a role logs in.
    pub(crate) fn login_name(&self, login: &Login) -> String {
        [login.role.as_str(), &self.login_suffix].concat()
    }

    pub(crate) fn app(&self) -> &Login {
        &self.app
    }

    pub(crate) fn admin(&self) -> &Login {
        &self.admin
    }

    fn check(self, app: &str, admin: &str) -> Result<Self, ConfigError> {
        if self.app.role == self.admin.role {
            return Err(ConfigError::SameRole {
                app: app.to_owned(),
                admin: admin.to_owned(),
                role: self.app.role.to_string(),
            });
        }

        Ok(self)
    }
}

#[cfg(test)]
mod tests;
