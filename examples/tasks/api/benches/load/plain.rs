//! The same routes on SeaORM's own connection: no row security, and a `WHERE` wherever somebody
//! thought of it.

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, Select, Set, TransactionTrait,
};
use sea_orm_rls::axum::Problem;
use tasks_api::app::{App, Caller};
use tasks_api::argument::{Body, Path, Query};
use tasks_api::page::{Page, Part};
use tasks_api::route::LARGEST_BODY;
use tasks_api::route::task::{
    NewTask, Search, Task, TaskChange, TaskWithRelated, add, page, still_there, with_related,
};
use tasks_entity::task;
use uuid::Uuid;

fn visible(tasks: Select<task::Entity>, to: Uuid) -> Select<task::Entity> {
    tasks.filter(
        task::Column::OwnerId
            .eq(to)
            .or(task::Column::IsShared.eq(true)),
    )
}

async fn list(
    Extension(db): Extension<DatabaseConnection>,
    Caller(caller): Caller,
    Query(search): Query<Search>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Task>>, Problem> {
    still_there(&db, caller).await?;
    Ok(Json(
        page(&db, visible(task::Entity::find(), caller), &search, &part).await?,
    ))
}

async fn create(
    Extension(db): Extension<DatabaseConnection>,
    Caller(caller): Caller,
    Body(new): Body<NewTask>,
) -> Result<(StatusCode, Json<Task>), Problem> {
    let db = db.begin().await?;
    let task = add(&db, new, Set(caller)).await?;
    db.commit().await?;

    Ok((StatusCode::CREATED, Json(task)))
}

async fn read(
    Extension(db): Extension<DatabaseConnection>,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<TaskWithRelated>, Problem> {
    still_there(&db, caller).await?;
    Ok(Json(
        with_related(&db, visible(task::Entity::find_by_id(id), caller)).await?,
    ))
}

async fn change(
    Extension(db): Extension<DatabaseConnection>,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(change): Body<TaskChange>,
) -> Result<Json<Task>, Problem> {
    let own = task::Entity::update(change.of(id)?)
        .validate()?
        .filter(task::Column::OwnerId.eq(caller));
    Ok(Json(own.exec(&db).await?.into()))
}

/// The routes that the clients use; whose a request is, is read from the same token.
pub fn router(app: App, db: DatabaseConnection) -> Router {
    Router::new()
        .route("/tasks", get(list).post(create))
        .route("/tasks/{id}", get(read).patch(change))
        .layer(Extension(db))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(app)
}
