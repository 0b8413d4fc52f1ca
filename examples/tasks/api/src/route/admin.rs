//! What administrators do, each with a reason in `x-admin-reason`. Handlers are those of users, on
//! another connection: one that only reads if that is enough, and one that is a single user's
//! for what concerns that user alone.

use axum::Json;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set, TransactionTrait,
};
use sea_orm_rls::UserContext;
use sea_orm_rls::axum::{Admin, AdminAsUser, AdminReadOnly, Problem};
use serde::{Deserialize, Serialize};
use tasks_entity::{audit, membership, task, team, user};
use utoipa::ToSchema;
use uuid::Uuid;

use super::account::User;
use super::document::Team;
use super::task::{Search, Task, TaskChange, page, remove};
use crate::argument::{Body, Path, Query};
use crate::page::{Page, Part};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    name: String,
}

#[derive(Serialize, ToSchema)]
pub struct Deleted {
    deleted: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Record {
    at: DateTime<Utc>,
    actor: String,
    reason: String,
    /// The user whom the administrator acted for, as the settings of that user's context.
    on_behalf_of: Option<String>,
    application: String,
}

impl From<audit::Model> for Record {
    fn from(record: audit::Model) -> Self {
        Self {
            at: record.at,
            actor: record.actor,
            reason: record.reason,
            on_behalf_of: record.on_behalf_of,
            application: record.application,
        }
    }
}

#[utoipa::path(get, path = "/admin/users", security(("token" = [])), params(Part, ("x-admin-reason" = String, Header)), responses((status = 200, body = Page<User>), (status = 400), (status = 403)))]
pub async fn users(
    AdminReadOnly(db): AdminReadOnly,
    Query(part): Query<Part>,
) -> Result<Json<Page<User>>, Problem> {
    let users = user::Entity::find().order_by_asc(user::Column::Email);

    // One transaction, so that a look at a list leaves one record.
    let db = db.begin().await?;
    let total = users.clone().count(&db).await?;
    let items = users
        .limit(part.limit())
        .offset(part.offset())
        .all(&db)
        .await?;

    db.commit().await?;

    Ok(Json(Page {
        items: items.into_iter().map(User::from).collect(),
        total,
    }))
}

/// Deletes a user with everything of theirs.
#[utoipa::path(delete, path = "/admin/users/{id}", security(("token" = [])), params(("id" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 204), (status = 403), (status = 404)))]
pub async fn remove_user(Admin(db): Admin, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    let deleted = user::Entity::delete_by_id(id).exec(&db).await?;
    if deleted.rows_affected == 0 {
        Err(Problem::not_found())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}

#[utoipa::path(get, path = "/admin/tasks", security(("token" = [])), params(Search, Part, ("x-admin-reason" = String, Header)), responses((status = 200, body = Page<Task>), (status = 403)))]
pub async fn tasks(
    AdminReadOnly(db): AdminReadOnly,
    Query(search): Query<Search>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Task>>, Problem> {
    let db = db.begin().await?;
    let tasks = page(&db, task::Entity::find(), &search, &part).await?;
    db.commit().await?;

    Ok(Json(tasks))
}

#[utoipa::path(get, path = "/admin/tasks/{id}", security(("token" = [])), params(("id" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 200, body = Task), (status = 403), (status = 404)))]
pub async fn task(
    AdminReadOnly(db): AdminReadOnly,
    Path(id): Path<Uuid>,
) -> Result<Json<Task>, Problem> {
    let task = task::Entity::find_by_id(id)
        .one(&db)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(task.into()))
}

#[utoipa::path(patch, path = "/admin/tasks/{id}", security(("token" = [])), params(("id" = Uuid, Path), ("x-admin-reason" = String, Header)), request_body = TaskChange, responses((status = 200, body = Task), (status = 403), (status = 404)))]
pub async fn change_task(
    Admin(db): Admin,
    Path(id): Path<Uuid>,
    Body(change): Body<TaskChange>,
) -> Result<Json<Task>, Problem> {
    Ok(Json(change.of(id)?.update(&db).await?.into()))
}

#[utoipa::path(delete, path = "/admin/tasks/{id}", security(("token" = [])), params(("id" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 204), (status = 403), (status = 404)))]
pub async fn remove_task(Admin(db): Admin, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    remove(&db, id).await
}

/// The tasks that a user sees, as that user sees them.
#[utoipa::path(get, path = "/admin/users/{id}/tasks", security(("token" = [])), params(("id" = Uuid, Path), Search, Part, ("x-admin-reason" = String, Header)), responses((status = 200, body = Page<Task>), (status = 403)))]
pub async fn tasks_of_user(
    admin: AdminAsUser,
    Path(id): Path<Uuid>,
    Query(search): Query<Search>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Task>>, Problem> {
    let db = admin.scope(UserContext::new(id)).begin().await?;
    let tasks = page(&db, task::Entity::find(), &search, &part).await?;
    db.commit().await?;

    Ok(Json(tasks))
}

/// Deletes a user's done tasks. Nothing says whose they are but the connection.
#[utoipa::path(delete, path = "/admin/users/{id}/tasks/done", security(("token" = [])), params(("id" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 200, body = Deleted), (status = 403)))]
pub async fn remove_done_tasks_of_user(
    admin: AdminAsUser,
    Path(id): Path<Uuid>,
) -> Result<Json<Deleted>, Problem> {
    let done = task::Entity::delete_many().filter(task::Column::IsDone.eq(true));
    let deleted = done.exec(&admin.scope(UserContext::new(id))).await?;
    Ok(Json(Deleted {
        deleted: deleted.rows_affected,
    }))
}

/// What administrators did, newest first; this look is recorded too.
#[utoipa::path(get, path = "/admin/audit", security(("token" = [])), params(Part, ("x-admin-reason" = String, Header)), responses((status = 200, body = Page<Record>), (status = 403)))]
pub async fn audit(
    AdminReadOnly(db): AdminReadOnly,
    Query(part): Query<Part>,
) -> Result<Json<Page<Record>>, Problem> {
    let records = audit::Entity::find().order_by_desc(audit::Column::Id);
    let db = db.begin().await?;
    let total = records.clone().count(&db).await?;
    let items = records
        .limit(part.limit())
        .offset(part.offset())
        .all(&db)
        .await?;

    db.commit().await?;

    Ok(Json(Page {
        items: items.into_iter().map(Record::from).collect(),
        total,
    }))
}

#[utoipa::path(post, path = "/admin/teams", security(("token" = [])), params(("x-admin-reason" = String, Header)), request_body = NewTeam, responses((status = 201, body = Team), (status = 403)))]
pub async fn make_team(
    Admin(db): Admin,
    Body(new): Body<NewTeam>,
) -> Result<(StatusCode, Json<Team>), Problem> {
    let team = team::ActiveModel {
        id: Set(Uuid::new_v4()),
        name: Set(new.name),
    };
    Ok((StatusCode::CREATED, Json(team.insert(&db).await?.into())))
}

#[utoipa::path(put, path = "/admin/teams/{team}/members/{user}", security(("token" = [])), params(("team" = Uuid, Path), ("user" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 204), (status = 403), (status = 409)))]
pub async fn add_member(
    Admin(db): Admin,
    Path((team, user)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let member = membership::ActiveModel {
        team_id: Set(team),
        user_id: Set(user),
    };
    member.insert(&db).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(delete, path = "/admin/teams/{team}/members/{user}", security(("token" = [])), params(("team" = Uuid, Path), ("user" = Uuid, Path), ("x-admin-reason" = String, Header)), responses((status = 204), (status = 403), (status = 404)))]
pub async fn remove_member(
    Admin(db): Admin,
    Path(member): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    let deleted = membership::Entity::delete_by_id(member).exec(&db).await?;
    if deleted.rows_affected == 0 {
        Err(Problem::not_found())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}
