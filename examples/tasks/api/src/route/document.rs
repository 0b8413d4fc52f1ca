//! Teams, and the documents that their members share.

use crate::argument::{Body, Path};
use axum::Json;
use axum::http::StatusCode;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set, Unchanged,
};
use sea_orm_rls::axum::{Problem, Scoped};
use serde::{Deserialize, Serialize};
use tasks_entity::{document, team};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
pub struct Team {
    pub id: Uuid,
    pub name: String,
}

#[derive(Serialize, ToSchema)]
pub struct Document {
    id: Uuid,
    title: String,
    text: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDocument {
    title: String,
    text: String,
}

impl From<team::Model> for Team {
    fn from(team: team::Model) -> Self {
        Self {
            id: team.id,
            name: team.name,
        }
    }
}

impl From<document::Model> for Document {
    fn from(document: document::Model) -> Self {
        Self {
            id: document.id,
            title: document.title,
            text: document.text,
        }
    }
}

/// The teams one is in.
#[utoipa::path(get, path = "/teams", security(("token" = [])), responses((status = 200, body = Vec<Team>)))]
pub async fn teams(Scoped(db): Scoped) -> Result<Json<Vec<Team>>, Problem> {
    let teams = team::Entity::find()
        .order_by_asc(team::Column::Name)
        .all(&db)
        .await?;
    Ok(Json(teams.into_iter().map(Team::from).collect()))
}

/// A team's documents; none if one is not in it.
#[utoipa::path(get, path = "/teams/{id}/documents", security(("token" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = Vec<Document>)))]
pub async fn list(
    Scoped(db): Scoped,
    Path(team): Path<Uuid>,
) -> Result<Json<Vec<Document>>, Problem> {
    let documents = document::Entity::find().filter(document::Column::TeamId.eq(team));
    let documents = documents
        .order_by_asc(document::Column::Title)
        .all(&db)
        .await?;
    Ok(Json(documents.into_iter().map(Document::from).collect()))
}

#[utoipa::path(post, path = "/teams/{id}/documents", security(("token" = [])), request_body = NewDocument, params(("id" = Uuid, Path)), responses((status = 201, body = Document), (status = 403)))]
pub async fn create(
    Scoped(db): Scoped,
    Path(team): Path<Uuid>,
    Body(new): Body<NewDocument>,
) -> Result<(StatusCode, Json<Document>), Problem> {
    let document = document::ActiveModel {
        id: Set(Uuid::new_v4()),
        team_id: Set(team),
        title: Set(new.title),
        text: Set(new.text),
    };

    Ok((
        StatusCode::CREATED,
        Json(document.insert(&db).await?.into()),
    ))
}

#[utoipa::path(put, path = "/documents/{id}", security(("token" = [])), request_body = NewDocument, params(("id" = Uuid, Path)), responses((status = 200, body = Document), (status = 404)))]
pub async fn change(
    Scoped(db): Scoped,
    Path(id): Path<Uuid>,
    Body(new): Body<NewDocument>,
) -> Result<Json<Document>, Problem> {
    let document = document::ActiveModel {
        id: Unchanged(id),
        title: Set(new.title),
        text: Set(new.text),
        ..Default::default()
    };
    Ok(Json(document.update(&db).await?.into()))
}

#[utoipa::path(delete, path = "/documents/{id}", security(("token" = [])), params(("id" = Uuid, Path)), responses((status = 204), (status = 404)))]
pub async fn delete(Scoped(db): Scoped, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    let deleted = document::Entity::delete_by_id(id).exec(&db).await?;
    if deleted.rows_affected == 0 {
        Err(Problem::not_found())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}
