//! One transaction for a request: committed with its success, undone with its failure.

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
use crate::{RlsError, ScopedTransaction};
use slot::Slot;

/// The request's transaction, on behalf of its user: all that a request takes of it is one.
///
/// It is committed once the handler has answered with a status below 400, before the client hears
/// of it, and rolled back with any other status, a panic, or a client that has gone. What cannot be
/// committed is answered as the [`Problem`] it is, whatever the handler said. It cannot be ended by
/// hand: a part that may fail alone is a nested `begin()`.
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
/// Statements sent: `BEGIN …; SET LOCAL …` when the first is taken, `COMMIT` or `ROLLBACK` after
/// the handler has answered, and before anything of its response is sent; a connection of the pool
/// is held in between.
///
/// # Errors
///
/// As an extractor: as [`Scoped`](super::Scoped); 500 without [`RequestTransactionLayer`] around
/// the handler, or when the request has been answered; 503 where the pool has no connection. A
/// handler that leaves the transaction to a task, or to its response's body, is answered with 500,
/// and it is rolled back once they end.
#[derive(Clone, Debug)]
pub struct RequestTransaction(
    /// The transaction.
    pub Arc<ScopedTransaction>,
);

impl<S: ContextProvider> FromRequestParts<S> for RequestTransaction {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(slot) = parts.extensions.get::<Slot>().cloned() else {
            tracing::error!(
                "`RequestTransaction` was asked for without a layer: add `RequestTransactionLayer` \
                 to the route"
            );
            return Err(Problem::internal());
        };

        let settings = extract::settings(parts, state)
            .await?
            .ok_or_else(Problem::unauthenticated)?;

        slot.begin(&state.database().scope(settings.clone()), settings)
            .await
            .map(Self)
    }
}

/// Gives the routes below it their [`RequestTransaction`], begun where a handler asks for it.
///
/// Of two around one handler, the outer one's transaction is the request's. Whatever must end with
/// the transaction, such as a timeout, is a layer outside of this one; what answers for a panic may
/// be on either side.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTransactionLayer {
    safe_methods: Option<AccessMode>,
}

impl RequestTransactionLayer {
    /// The layer; the transactions may write, whatever the method.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the transactions of `GET` and `HEAD` requests `READ ONLY`: the server refuses what
    /// their handlers would write ([`RlsError::ReadOnly`], 500), and what only read waits for no
    /// answer to its commit.
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

/// The service that [`RequestTransactionLayer`] makes.
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
        // The one around this one ends the request's transaction.
        if request.extensions().get::<Slot>().is_some() {
            let inner = self.inner.call(request);
            return Box::pin(async move { Ok(inner.await?.into_response()) });
        }

        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let slot = Slot::new(self.safe_methods.filter(|_| is_safe));
        request.extensions_mut().insert(slot.clone());

        // The one that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);

        Box::pin(async move {
            let response = inner.call(request).await?.into_response();
            Ok(end(&slot, response).await)
        })
    }
}

async fn end(slot: &Slot, response: Response) -> Response {
    let Some(transaction) = slot.close().await else {
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

    if failed {
        if let Err(error) = transaction.rollback().await {
            // Its connection ended, and the transaction with it.
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
