//! Parts of a list, and the pages that answers have.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST: u64 = 100;

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
