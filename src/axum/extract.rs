//! The connections that handlers take as arguments: the extractors.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{AdminProvider, ContextProvider, Problem, RequestDatabase};
use crate::context::{ReadOnlyAdminConnection, Settings};
use crate::{AdminConnection, AdminContext, RlsContext, RlsError, ScopedConnection};

/// A connection on behalf of the request's user.
///
/// Statements sent: none for the extractor. Each statement on the connection is its own
/// transaction.
///
/// # Errors
///
/// As an extractor: 401 if the request names nobody; the answer of [`ContextProvider::context`].
#[derive(Clone, Debug)]
pub struct Scoped(
    /// The connection.
    pub ScopedConnection,
);

/// A connection on behalf of nobody, for what everyone may read: unscoped tables, and rows that are
/// shared by `read`.
///
/// It is the same if the request names a user. Statements sent: none for the extractor.
#[derive(Clone, Debug)]
pub struct Anonymous(
    /// The connection.
    pub ScopedConnection,
);

/// A connection as maintenance administrator, who sees all rows. The extractor emits a `tracing`
/// event with the actor and the reason, and each transaction adds a row to the audit's table.
/// Statements sent: none for the extractor.
///
/// # Errors
///
/// As an extractor: 403 if the user is no administrator; the answer of [`AdminProvider::admin`].
#[derive(Clone, Debug)]
pub struct Admin(
    /// The connection.
    pub AdminConnection,
);

/// As [`Admin`], but the server refuses every write.
///
/// # Errors
///
/// As an extractor: as [`Admin`].
#[derive(Clone, Debug)]
pub struct AdminReadOnly(
    /// The connection.
    pub ReadOnlyAdminConnection,
);

/// An administrator who acts for one user at a time. The policies hold, so that no other user's
/// rows are reached.
///
/// ```
/// use axum::extract::Path;
/// use sea_orm::ConnectionTrait;
/// use sea_orm_rls::UserContext;
/// use sea_orm_rls::axum::{AdminAsUser, Problem};
///
/// async fn forget_drafts(admin: AdminAsUser, Path(user): Path<i64>) -> Result<(), Problem> {
///     let theirs = admin.scope(UserContext::new(user));
///     theirs.execute_unprepared("DELETE FROM draft").await?;
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// As an extractor: as [`Admin`].
#[derive(Clone, Debug)]
pub struct AdminAsUser {
    database: RequestDatabase,
    admin: AdminContext,
}

impl AdminAsUser {
    /// Returns a connection on behalf of the user in `context`. Each transaction is recorded with
    /// the administrator's name: see
    /// [`RlsConnection::admin_as_user`](crate::RlsConnection::admin_as_user). Sends nothing.
    #[must_use]
    pub fn scope(&self, context: impl RlsContext) -> ScopedConnection {
        self.database.admin_as_user(self.admin.clone(), context)
    }
}

/// The settings of the request's context; `None` if it names nobody, also by empty settings.
pub(super) async fn settings<S: ContextProvider>(
    parts: &mut Parts,
    state: &S,
) -> Result<Option<Settings>, Problem> {
    let Some(context) = state.context(parts).await? else {
        return Ok(None);
    };
    let settings = context.settings().map_err(RlsError::from)?;
    Ok((!settings.is_anonymous()).then_some(settings))
}

impl<S: ContextProvider> FromRequestParts<S> for Scoped {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let settings = settings(parts, state)
            .await?
            .ok_or_else(Problem::unauthenticated)?;
        Ok(Self(state.database().scope(settings)))
    }
}

/// `None` if the request names nobody. An identity that cannot be proved is still refused.
impl<S: ContextProvider> OptionalFromRequestParts<S> for Scoped {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        let settings = settings(parts, state).await?;
        Ok(settings.map(|settings| Self(state.database().scope(settings))))
    }
}

impl<S: ContextProvider> FromRequestParts<S> for Anonymous {
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(state.database().anonymous()))
    }
}

impl<S: AdminProvider> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(
            state.database().admin(administrator(parts, state).await?),
        ))
    }
}

impl<S: AdminProvider> FromRequestParts<S> for AdminReadOnly {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(
            state
                .database()
                .admin_read_only(administrator(parts, state).await?),
        ))
    }
}

impl<S: AdminProvider> FromRequestParts<S> for AdminAsUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self {
            admin: administrator(parts, state).await?,
            database: state.database().clone(),
        })
    }
}

async fn administrator<S: AdminProvider>(
    parts: &mut Parts,
    state: &S,
) -> Result<AdminContext, Problem> {
    state
        .admin(parts)
        .await?
        .ok_or_else(Problem::not_administrator)
}
