//! The connections that handlers take as arguments.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{AdminProvider, ContextProvider, Problem, RequestDatabase};
use crate::context::Settings;
use crate::{
    AdminConnection, AdminContext, ReadOnlyAdminConnection, RlsContext, RlsError, ScopedConnection,
};

/// A connection on behalf of the request's user.
///
/// Statements sent: none by taking it; each statement on it is a transaction of its own.
///
/// # Errors
///
/// As an extractor: 401 where the request names nobody, and what [`ContextProvider::context`]
/// answers.
#[derive(Clone, Debug)]
pub struct Scoped(
    /// The connection.
    pub ScopedConnection,
);

/// A connection on behalf of nobody, for what everyone may see: unscoped tables, and rows that
/// `read` opens.
///
/// It is the same whether or not the request has an identity. Statements sent: none by taking it.
#[derive(Clone, Debug)]
pub struct Anonymous(
    /// The connection.
    pub ScopedConnection,
);

/// A connection as maintenance administrator, who sees all rows; taking it leaves a `tracing` event
/// with actor and reason, and each transaction on it a row in the audit's table. Statements sent:
/// none by taking it.
///
/// # Errors
///
/// As an extractor: 403 where [`AdminProvider::admin`] says that the user is no administrator, and
/// what it answers.
#[derive(Clone, Debug)]
pub struct Admin(
    /// The connection.
    pub AdminConnection,
);

/// As [`Admin`], in transactions in which the server refuses every write: for what is only looked
/// at.
///
/// # Errors
///
/// As an extractor: as [`Admin`].
#[derive(Clone, Debug)]
pub struct AdminReadOnly(
    /// The connection.
    pub ReadOnlyAdminConnection,
);

/// An administrator who acts for one user, of whom the request tells: that user's policies hold,
/// and no other's rows are reached.
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
    /// A connection on behalf of the user in `context`, each of whose transactions is recorded
    /// under the administrator's name: see
    /// [`RlsConnection::admin_as_user`](crate::RlsConnection::admin_as_user). Sends nothing.
    #[must_use]
    pub fn scope(&self, context: impl RlsContext) -> ScopedConnection {
        self.database.admin_as_user(self.admin.clone(), context)
    }
}

/// The settings of the request's context; `None` where it names nobody, in whatever way it says so.
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

/// `None` where the request names nobody; an identity that cannot be proved is refused all the
/// same.
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
