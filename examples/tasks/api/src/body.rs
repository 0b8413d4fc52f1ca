//! Bodies of requests and pages of answers.

use axum::Json;
use axum::extract::{FromRequest, Request};
use sea_orm_rls::axum::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST: u64 = 100;

/// A JSON body; what is none is answered with a [`Problem`].
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
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
