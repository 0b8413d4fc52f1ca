use axum::Json;
use sea_orm::{EntityTrait, QueryOrder};
use sea_orm_rls::axum::{Anonymous, Problem};
use tasks_entity::priority;

/// The priorities a task can have; everyone may ask.
#[utoipa::path(get, path = "/priorities", responses((status = 200, body = Vec<String>)))]
pub async fn list(Anonymous(db): Anonymous) -> Result<Json<Vec<String>>, Problem> {
    let priorities = priority::Entity::find()
        .order_by_asc(priority::Column::Rank)
        .all(&db)
        .await?;

    Ok(Json(
        priorities
            .into_iter()
            .map(|priority| priority.code)
            .collect(),
    ))
}
