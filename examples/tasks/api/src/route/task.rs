//! One's own tasks, and those that others share.

use axum::Json;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, ModelTrait, NotSet,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set, Unchanged,
};
use sea_orm_rls::axum::{Problem, RequestTransaction, Scoped};
use serde::{Deserialize, Deserializer, Serialize};
use tasks_entity::{comment, task, user};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::comment::Comment;
use super::search::contains;
use crate::app::Caller;
use crate::argument::{Body, Path, Query};
use crate::page::{Page, Part};

#[derive(Serialize, ToSchema)]
pub struct Task {
    id: Uuid,
    owner_id: Uuid,
    title: String,
    priority: String,
    is_done: bool,
    /// Whether everyone may read it.
    is_shared: bool,
    created_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
}

impl From<task::Model> for Task {
    fn from(task: task::Model) -> Self {
        Self {
            id: task.id,
            owner_id: task.owner_id,
            title: task.title,
            priority: task.priority,
            is_done: task.is_done,
            is_shared: task.is_shared,
            created_at: task.created_at,
            due_at: task.due_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct TaskWithRelated {
    #[serde(flatten)]
    task: Task,
    /// The owner's address.
    owner: Option<String>,
    comments: Vec<Comment>,
}

/// Has no owner: that is whoever asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    title: String,
    priority: Option<String>,
    due_at: Option<DateTime<Utc>>,
    /// A first comment.
    comment: Option<String>,
}

/// What is not said stays. `due_at` may be taken away with `null`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    title: Option<String>,
    priority: Option<String>,
    is_done: Option<bool>,
    is_shared: Option<bool>,
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<DateTime<Utc>>)]
    due_at: Option<Option<DateTime<Utc>>>,
}

/// A value that is there, and may be `null`.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// A text in the title.
    q: Option<String>,
    /// One's own and no other's.
    #[serde(default)]
    mine: bool,
}

/// What the connection sees of tasks, newest first.
pub async fn page(
    db: &impl ConnectionTrait,
    tasks: Select<task::Entity>,
    search: &Search,
    part: &Part,
) -> Result<Page<Task>, Problem> {
    let tasks = match &search.q {
        Some(text) => tasks.filter(contains(task::Column::Title, text)),
        None => tasks,
    };

    let total = tasks.clone().count(db).await?;
    let newest = tasks
        .order_by_desc(task::Column::CreatedAt)
        .order_by_desc(task::Column::Id);
    let items = newest
        .limit(part.limit())
        .offset(part.offset())
        .all(db)
        .await?;

    Ok(Page {
        items: items.into_iter().map(Task::from).collect(),
        total,
    })
}

/// The tasks one may see: one's own, and what others share.
#[utoipa::path(get, path = "/tasks", security(("token" = [])), params(Search, Part), responses((status = 200, body = Page<Task>), (status = 401)))]
pub async fn list(
    RequestTransaction(db): RequestTransaction,
    Caller(caller): Caller,
    Query(search): Query<Search>,
    Query(part): Query<Part>,
) -> Result<Json<Page<Task>>, Problem> {
    still_there(&*db, caller).await?;

    let mut tasks = task::Entity::find();
    if search.mine {
        tasks = tasks.filter(task::Column::OwnerId.eq(caller));
    }

    Ok(Json(page(&*db, tasks, &search, &part).await?))
}

/// A token outlives its user, who would be shown what others share.
pub async fn still_there(db: &impl ConnectionTrait, caller: Uuid) -> Result<(), Problem> {
    let user = user::Entity::find_by_id(caller).one(db).await?;
    user.map(drop).ok_or_else(Problem::unauthenticated)
}

/// Adds a task with its first comment, both or neither.
#[utoipa::path(post, path = "/tasks", security(("token" = [])), request_body = NewTask, responses((status = 201, body = Task), (status = 401), (status = 422)))]
pub async fn create(
    RequestTransaction(db): RequestTransaction,
    Body(new): Body<NewTask>,
) -> Result<(StatusCode, Json<Task>), Problem> {
    Ok((StatusCode::CREATED, Json(add(&*db, new, NotSet).await?)))
}

/// Where no owner is said, the database fills in whoever asks.
pub async fn add(
    db: &impl ConnectionTrait,
    new: NewTask,
    owner: ActiveValue<Uuid>,
) -> Result<Task, Problem> {
    let task = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        owner_id: owner,
        title: Set(title(new.title)?),
        priority: or_unset(new.priority),
        due_at: Set(new.due_at),
        ..Default::default()
    };

    let task = task.insert(db).await?;
    if let Some(text) = new.comment {
        comment::ActiveModel {
            task_id: Set(task.id),
            text: Set(text),
            ..Default::default()
        }
        .insert(db)
        .await?;
    }

    Ok(task.into())
}

/// A task with what is related to it, each part as far as one may see it: of a shared task neither
/// owner nor comments.
#[utoipa::path(get, path = "/tasks/{id}", security(("token" = [])), params(("id" = Uuid, Path)), responses((status = 200, body = TaskWithRelated), (status = 404)))]
pub async fn read(
    RequestTransaction(db): RequestTransaction,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<TaskWithRelated>, Problem> {
    still_there(&*db, caller).await?;
    Ok(Json(
        with_related(&*db, task::Entity::find_by_id(id)).await?,
    ))
}

pub async fn with_related(
    db: &impl ConnectionTrait,
    tasks: Select<task::Entity>,
) -> Result<TaskWithRelated, Problem> {
    let found = tasks.find_also_related(user::Entity).one(db).await?;
    let (task, owner) = found.ok_or_else(Problem::not_found)?;
    let comments = task
        .find_related(comment::Entity)
        .order_by_asc(comment::Column::Id)
        .all(db)
        .await?;

    Ok(TaskWithRelated {
        task: task.into(),
        owner: owner.map(|owner| owner.email),
        comments: comments.into_iter().map(Comment::from).collect(),
    })
}

/// Changes one's own; another's is not found, though it may be read.
#[utoipa::path(patch, path = "/tasks/{id}", security(("token" = [])), request_body = TaskChange, params(("id" = Uuid, Path)), responses((status = 200, body = Task), (status = 404), (status = 422)))]
pub async fn change(
    Scoped(db): Scoped,
    Path(id): Path<Uuid>,
    Body(change): Body<TaskChange>,
) -> Result<Json<Task>, Problem> {
    Ok(Json(change.of(id)?.update(&db).await?.into()))
}

impl TaskChange {
    /// The row, as far as it changes.
    pub fn of(self, id: Uuid) -> Result<task::ActiveModel, Problem> {
        let change = task::ActiveModel {
            id: Unchanged(id),
            title: or_unset(self.title.map(title).transpose()?),
            priority: or_unset(self.priority),
            is_done: or_unset(self.is_done),
            is_shared: or_unset(self.is_shared),
            // One that was moved is to be reminded of again.
            reminded_at: self.due_at.map_or(NotSet, |_| Set(None)),
            due_at: or_unset(self.due_at),
            ..Default::default()
        };

        // SeaORM would read the row, and another's that is shared would look changed.
        if change.is_changed() {
            Ok(change)
        } else {
            Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "nothing_to_change",
                "say what is to change",
            ))
        }
    }
}

#[utoipa::path(delete, path = "/tasks/{id}", security(("token" = [])), params(("id" = Uuid, Path)), responses((status = 204), (status = 404)))]
pub async fn delete(Scoped(db): Scoped, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    remove(&db, id).await
}

pub async fn remove(db: &impl ConnectionTrait, id: Uuid) -> Result<StatusCode, Problem> {
    let deleted = task::Entity::delete_by_id(id).exec(db).await?;
    if deleted.rows_affected == 0 {
        Err(Problem::not_found())
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}

fn title(title: String) -> Result<String, Problem> {
    if title.trim().is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_title",
            "a task needs a title",
        ));
    }

    Ok(title)
}

fn or_unset<T: Into<sea_orm::Value>>(value: Option<T>) -> ActiveValue<T> {
    value.map_or(NotSet, Set)
}
