//! What handlers take from a request. What cannot be read is answered with a [`Problem`].

use std::time::Duration;

use axum::Json;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use sea_orm_rls::axum::Problem;
use serde::de::DeserializeOwned;

/// How long a client may take to send a body.
const DEADLINE: Duration = Duration::from_secs(10);

/// A JSON body.
pub struct Body<T>(pub T);

/// The path's parameters.
pub struct Path<T>(pub T);

/// The query's parameters.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Self::within(DEADLINE, request, state).await
    }
}

impl<T: DeserializeOwned> Body<T> {
    async fn within<S: Send + Sync>(
        deadline: Duration,
        request: Request,
        state: &S,
    ) -> Result<Self, Problem> {
        let read = tokio::time::timeout(deadline, Json::from_request(request, state));
        let Ok(read) = read.await else {
            let detail = "the body took too long to arrive";
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "slow_body",
                detail,
            ));
        };

        match read {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "invalid_body",
                rejection.body_text(),
            )),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(path)) => Ok(Self(path)),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "invalid_path",
                rejection.body_text(),
            )),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Query::from_request_parts(parts, state).await {
            Ok(extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(Problem::new(
                rejection.status(),
                "invalid_query",
                rejection.body_text(),
            )),
        }
    }
}

/// The answer to a path that no route has.
pub async fn no_route() -> Problem {
    Problem::not_found()
}

/// The answer to a method that a path does not have.
pub async fn no_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path does not have that method",
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::response::IntoResponse;
    use futures_util::stream;

    use super::*;

    #[tokio::test]
    async fn client_that_never_sends_its_body_is_answered() {
        let never = stream::pending::<Result<String, Infallible>>();
        let request = Request::builder()
            .header("content-type", "application/json")
            .body(axum::body::Body::from_stream(never))
            .unwrap();

        let read = Body::<String>::within(Duration::from_millis(20), request, &()).await;
        let answer = read.err().unwrap().into_response();
        assert_eq!(answer.status(), StatusCode::REQUEST_TIMEOUT);
    }
}
