//! One transaction for a request: it commits if the request succeeds, and rolls back if it fails.

mod lazy;
mod slot;

use std::convert::Infallible;
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, StatusCode};
use sea_orm::AccessMode;
use tower_layer::Layer;
use tower_service::Service;

use super::{ContextProvider, Problem, extract};
use crate::RlsError;
pub use lazy::LazyTransaction;
use slot::Slot;

/// The request's transaction, on behalf of its user. All extractors of a request share it.
///
/// It commits when the handler has answered with a status below 400, before the answer is sent. It
/// rolls back after any other status, after a panic, and if the client has gone. If the commit
/// fails, the answer is its [`Problem`] instead of the handler's. A handler cannot end it: use a
/// nested `begin()` for a part that may fail alone.
///
/// ```
/// use sea_orm::{ActiveModelTrait, ConnectionTrait};
/// use sea_orm_rls::axum::{Problem, RequestTransaction, RequestTransactionLayer};
///
/// async fn tidy_up(RequestTransaction(db): RequestTransaction) -> Result<(), Problem> {
///     db.execute_unprepared("DELETE FROM draft").await?;
///     db.execute_unprepared("UPDATE task SET drafts = 0").await?;
///     Ok(()) // both, or neither
/// }
/// # use sea_orm_rls::axum::ContextProvider;
/// # fn routes<S: ContextProvider + Clone + 'static>() -> axum::Router<S> {
/// axum::Router::new().route("/tidy-up", axum::routing::post(tidy_up)).layer(RequestTransactionLayer::new())
/// # }
/// ```
///
/// Statements sent: `BEGIN …` with the first statement of the handler, `COMMIT` or `ROLLBACK` after
/// the handler has answered and before the response is sent. It holds a connection of the pool in
/// between, so a client that sends its body slowly holds none: axum reads the body before it calls
/// the handler. A handler that reads the body itself should have read it before its first statement.
///
/// # Errors
///
/// As an extractor: as [`Scoped`](super::Scoped); 500 without [`RequestTransactionLayer`] around
/// the handler, or after the request was answered. If the pool has no connection, the first
/// statement fails, and the answer of `?` is 503. If a handler
/// leaves the transaction to a task or to the body of its response, the answer is 500, and the
/// transaction rolls back when they end.
#[derive(Clone, Debug)]
pub struct RequestTransaction(
    /// The transaction.
    pub Arc<LazyTransaction>,
);

impl<S: ContextProvider> FromRequestParts<S> for RequestTransaction {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(slot) = parts.extensions.get::<Slot>().cloned() else {
            tracing::error!(
                "`RequestTransaction` was taken without a layer: add `RequestTransactionLayer` \
                 to the route"
            );
            return Err(Problem::internal());
        };

        let settings = extract::settings(parts, state)
            .await?
            .ok_or_else(Problem::unauthenticated)?;

        slot.take(state.database().scope(settings.clone()), settings)
            .map(Self)
    }
}

/// Layer for routes with a [`RequestTransaction`], which begins with a handler's first statement.
///
/// If two are around one handler, the outer one counts. Put a layer that must end the transaction,
/// such as a timeout, outside of this one. A layer that answers after a panic may be on either
/// side.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTransactionLayer {
    safe_methods: Option<AccessMode>,
}

impl RequestTransactionLayer {
    /// Creates the layer. The transactions of all methods may write.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the transactions of `GET` and `HEAD` requests with `READ ONLY`. The server refuses
    /// their writes ([`RlsError::ReadOnly`], 500), and a transaction that only read does not wait
    /// for the answer to its commit.
    #[must_use]
    pub fn read_only_for_safe_methods(self) -> Self {
        Self {
            safe_methods: Some(AccessMode::ReadOnly),
        }
    }
}

impl<S> Layer<S> for RequestTransactionLayer {
    type Service = RequestTransactionService<S>;

    fn layer(&self, inner: S) -> RequestTransactionService<S> {
        RequestTransactionService {
            inner,
            safe_methods: self.safe_methods,
        }
    }
}

/// The service of [`RequestTransactionLayer`].
#[derive(Clone)]
pub struct RequestTransactionService<S> {
    inner: S,
    safe_methods: Option<AccessMode>,
}

impl<S> fmt::Debug for RequestTransactionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTransactionService")
            .finish_non_exhaustive()
    }
}

impl<S> Service<Request> for RequestTransactionService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // The outer layer ends the request's transaction.
        if request.extensions().get::<Slot>().is_some() {
            let inner = self.inner.call(request);
            return Box::pin(async move { Ok(inner.await?.into_response()) });
        }

        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let slot = Slot::new(self.safe_methods.filter(|_| is_safe));
        request.extensions_mut().insert(slot.clone());

        // Only the service that was polled ready may be called.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);

        Box::pin(async move {
            let response = inner.call(request).await?.into_response();
            Ok(end(&slot, response).await)
        })
    }
}

async fn end(slot: &Slot, response: Response) -> Response {
    let Some(transaction) = slot.close() else {
        return response;
    };
    let failed = is_failure(response.status());
    let Some(transaction) = Arc::into_inner(transaction) else {
        tracing::error!(
            "a request's transaction outlives its handler, and is rolled back: take `Scoped` for \
             tasks and bodies"
        );
        return if failed {
            response
        } else {
            Problem::internal().into_response()
        };
    };

    let Some(transaction) = transaction.into_begun() else {
        return response;
    };

    if failed {
        if let Err(error) = transaction.rollback().await {
            // The connection has ended, and the transaction with it.
            tracing::debug!(%error, "a request's transaction was not rolled back by word");
        }

        return response;
    }

    match transaction.commit().await {
        Ok(()) => response,
        Err(error) => Problem::from(RlsError::from(error)).into_response(),
    }
}

fn is_failure(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}
