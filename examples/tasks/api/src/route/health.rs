use axum::Json;
use axum::extract::State;
use sea_orm_rls::axum::{ContextProvider, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Whether PostgreSQL answers, and still keeps users' rows apart.
    gate: &'static str,
}

/// Whether the database answers and still keeps users apart: roles, row security and policies are looked at again.
#[utoipa::path(get, path = "/health", responses((status = 200, body = Health), (status = 503)))]
pub async fn health(State(app): State<App>) -> Result<Json<Health>, Problem> {
    app.database().check_gate().await?;
    Ok(Json(Health { gate: "closed" }))
}
