use axum::Json;
use axum::extract::State;
use sea_orm_rls::axum::{ContextProvider, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

#[derive(Serialize, ToSchema)]
pub struct Health {
    database: &'static str,
    /// Whether PostgreSQL still keeps users' rows apart, and records what administrators do.
    gate: &'static str,
}

/// Whether the database answers and still keeps users apart: login, row security, policies and
/// audit are looked at again.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health), (status = 503)))]
pub async fn health(State(app): State<App>) -> Result<Json<Health>, Problem> {
    app.database().check_gate().await?;
    Ok(Json(Health {
        database: "answers",
        gate: "holds",
    }))
}
