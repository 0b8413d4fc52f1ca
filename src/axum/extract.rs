//! The connections that handlers take as arguments.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{AdminProvider, ContextProvider, Problem};
use crate::{AdminConnection, RlsContext as _, RlsError, ScopedConnection, Settings};

/// A connection on behalf of the request's user.
///
/// Statements sent: none by taking it; each statement on it is a transaction of its own.
///
/// # Errors
///
/// As an extractor: 401 where the request names nobody, and what [`ContextProvider::context`] answers.
#[derive(Clone, Debug)]
pub struct Scoped(
    /// The connection.
    pub ScopedConnection,
);

/// A connection on behalf of nobody, for what everyone may see: unscoped tables, and rows that `read` opens.
///
/// It is the same whether or not the request has an identity. Statements sent: none by taking it.
#[derive(Clone, Debug)]
pub struct Anonymous(
    /// The connection.
    pub ScopedConnection,
);

/// A connection as maintenance administrator, who sees all rows; taking it leaves a `tracing` event with actor and
/// reason. Statements sent: none by taking it.
///
/// # Errors
///
/// As an extractor: 403 where [`AdminProvider::admin`] says that the user is no administrator, and what it answers.
#[derive(Clone, Debug)]
pub struct Admin(
    /// The connection.
    pub AdminConnection,
);

/// The settings of the request's context; `None` where it names nobody, in whatever way it says so.
pub(super) async fn settings<S: ContextProvider>(parts: &mut Parts, state: &S) -> Result<Option<Settings>, Problem> {
    let Some(context) = state.context(parts).await? else {
        return Ok(None);
    };
    let settings = context.settings().map_err(RlsError::from)?;
    Ok((!settings.is_anonymous()).then_some(settings))
}

impl<S: ContextProvider> FromRequestParts<S> for Scoped {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let settings = settings(parts, state).await?.ok_or_else(Problem::unauthenticated)?;
        Ok(Self(state.database().scope(settings)))
    }
}

/// `None` where the request names nobody; an identity that cannot be proved is refused all the same.
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
        let context = state.admin(parts).await?.ok_or_else(Problem::not_administrator)?;
        Ok(Self(state.database().admin(context)))
    }
}
