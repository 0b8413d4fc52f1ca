//! Bodies of requests and pages of answers.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use sea_orm_rls::axum::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST: u64 = 100;

/// How long a client may take to send a body.
const DEADLINE: Duration = Duration::from_secs(10);

/// A JSON body; what is none is answered with a [`Problem`].
pub struct Body<T>(pub T);

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

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// How many at most; 20 unless told, never more than 100.
    limit: Option<u64>,
    /// How many to pass over.
    offset: Option<u64>,
}

impl Part {
    pub fn limit(&self) -> u64 {
        self.limit.unwrap_or(20).min(MOST)
    }

    /// PostgreSQL's is a `bigint`.
    pub fn offset(&self) -> u64 {
        self.offset.unwrap_or(0).min(u64::from(u32::MAX))
    }
}

/// A part of a list, and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: u64,
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
