//! Comments belong to whom the task belongs.

use crate::argument::{Body, Path};
use axum::Json;
use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use sea_orm_rls::axum::{Problem, Scoped};
use serde::{Deserialize, Serialize};
use tasks_entity::comment;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub struct Comment {
    id: i32,
    text: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    text: String,
}

impl From<comment::Model> for Comment {
    fn from(comment: comment::Model) -> Self {
        Self {
            id: comment.id,
            text: comment.text,
        }
    }
}

/// The comments on a task of one's own; on another's, shared or not, there are none to see.
#[utoipa::path(get, path = "/tasks/{id}/comments", security(("token" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<Comment>)))]
pub async fn list(
    Scoped(db): Scoped,
    Path(task): Path<Uuid>,
) -> Result<Json<Vec<Comment>>, Problem> {
    let comments = comment::Entity::find()
        .filter(comment::Column::TaskId.eq(task))
        .order_by_asc(comment::Column::Id);
    Ok(Json(
        comments
            .all(&db)
            .await?
            .into_iter()
            .map(Comment::from)
            .collect(),
    ))
}

/// Adds a comment; refused if the task is another's, or is not there.
#[utoipa::path(post, path = "/tasks/{id}/comments", security(("token" = [])), request_body = NewComment, params(("id" = Uuid, Path)), responses((status = 201, body = Comment), (status = 403)))]
pub async fn create(
    Scoped(db): Scoped,
    Path(task): Path<Uuid>,
    Body(new): Body<NewComment>,
) -> Result<(StatusCode, Json<Comment>), Problem> {
    let comment = comment::ActiveModel {
        task_id: Set(task),
        text: Set(new.text),
        ..Default::default()
    };
    Ok((StatusCode::CREATED, Json(comment.insert(&db).await?.into())))
}
