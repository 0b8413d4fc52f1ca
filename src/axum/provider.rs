//! What the application implements: who the user of a request is, and who is an administrator.

use http::request::Parts;

use super::Problem;
use crate::context::{ReadOnlyAdminConnection, Settings};
use crate::{AdminConnection, AdminContext, RlsConnection, RlsContext, RlsError, ScopedConnection};

/// A database that only extractors reach. Cheap to clone.
///
/// All handlers see the router's state. This type has no way back to its connection, so the
/// arguments of a handler decide what it may do.
///
/// ```compile_fail
/// # use sea_orm_rls::axum::RequestDatabase;
/// # async fn nothing_runs_without_an_extractor(database: RequestDatabase) {
/// use sea_orm::ConnectionTrait;
/// database.execute_unprepared("SELECT 1").await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RequestDatabase(RlsConnection);

impl RequestDatabase {
    /// Wraps `connection`, which then serves only requests.
    #[must_use]
    pub fn new(connection: RlsConnection) -> Self {
        Self(connection)
    }

    /// Repeats the checks of [`RlsConnection::connect`], for a health check. Statements sent: three
    /// that only read; one more if a policy's row in the catalog has changed since the last sync.
    ///
    /// # Errors
    ///
    /// As [`RlsConnection::check_gate`].
    pub async fn check_gate(&self) -> Result<(), RlsError> {
        self.0.check_gate().await
    }

    pub(super) fn scope(&self, settings: Settings) -> ScopedConnection {
        self.0.scope(settings)
    }

    pub(super) fn anonymous(&self) -> ScopedConnection {
        self.0.anonymous()
    }

    pub(super) fn admin(&self, context: AdminContext) -> AdminConnection {
        self.0.admin(context)
    }

    pub(super) fn admin_read_only(&self, context: AdminContext) -> ReadOnlyAdminConnection {
        self.0.admin_read_only(context)
    }

    pub(super) fn admin_as_user(
        &self,
        admin: AdminContext,
        context: impl RlsContext,
    ) -> ScopedConnection {
        self.0.admin_as_user(admin, context)
    }
}

/// Finds the user of a request. The router's state implements it.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not say whose a request is",
    note = "implement `ContextProvider` for it, and give it to the router by `with_state`"
)]
pub trait ContextProvider: Send + Sync {
    /// The context of a request's user.
    type Context: RlsContext;

    /// The database of the requests.
    fn database(&self) -> &RequestDatabase;

    /// Returns the context of this request; `None` if the request names nobody. Called once for
    /// each extractor of the request.
    ///
    /// # Errors
    ///
    /// The answer to a request that claims an identity and cannot prove it, such as
    /// [`Problem::unauthenticated`].
    fn context(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<Self::Context>, Problem>> + Send;
}

/// Finds out whether the user of a request may act as administrator. The router's state implements
/// it beside [`ContextProvider`].
///
/// PostgreSQL does not know the application's administrators: this is the only check.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not say who may act as administrator",
    note = "implement `AdminProvider` for it"
)]
pub trait AdminProvider: ContextProvider {
    /// Returns the administrator's context, with the name and the reason for the audit; `None` if
    /// the request's user is no administrator.
    ///
    /// # Errors
    ///
    /// The answer, such as that to the error of [`AdminContext::new`] if the reason is missing.
    fn admin(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<AdminContext>, Problem>> + Send;
}
