//! What the application says once: whose a request is, and who may administrate.

use http::request::Parts;

use super::Problem;
use crate::context::Settings;
use crate::{
    AdminConnection, AdminContext, ReadOnlyAdminConnection, RlsConnection, RlsContext, RlsError,
    ScopedConnection,
};

/// A database that only extractors reach; cheap to clone.
///
/// A router's state is seen by all handlers, and this has no way back to the connection it was made
/// of: what a handler may do follows from its arguments.
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
    /// Keeps `connection` for requests alone.
    #[must_use]
    pub fn new(connection: RlsConnection) -> Self {
        Self(connection)
    }

    /// Asks again what [`RlsConnection::connect`] asked, for a health check. Statements sent: three
    /// that only read.
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

/// Whose a request is; implemented by the router's state.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not say whose a request is",
    note = "implement `ContextProvider` for it, and give it to the router by `with_state`"
)]
pub trait ContextProvider: Send + Sync {
    /// The context of a request's user.
    type Context: RlsContext;

    /// The database of the requests.
    fn database(&self) -> &RequestDatabase;

    /// The context of this request; `None` where it names nobody. It is asked once for each
    /// extractor of the request.
    ///
    /// # Errors
    ///
    /// The answer where a request claims an identity and cannot prove it, such as
    /// [`Problem::unauthenticated`].
    fn context(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<Self::Context>, Problem>> + Send;
}

/// Who may act as administrator, and why; implemented by the router's state beside
/// [`ContextProvider`].
///
/// PostgreSQL does not know the application's administrators: this is the check, and all of it.
#[diagnostic::on_unimplemented(
    message = "the state `{Self}` does not say who may act as administrator",
    note = "implement `AdminProvider` for it"
)]
pub trait AdminProvider: ContextProvider {
    /// The administrator's context, with the name and the reason that the audit shows; `None` where
    /// the request's user is none.
    ///
    /// # Errors
    ///
    /// The answer, such as that of [`AdminContext::new`] for a reason that is missing.
    fn admin(
        &self,
        parts: &mut Parts,
    ) -> impl Future<Output = Result<Option<AdminContext>, Problem>> + Send;
}
