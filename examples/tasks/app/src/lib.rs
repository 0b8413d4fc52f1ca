//! What a service does with its tasks: functions over a connection that carries the user.
//!
//! No function takes a user's id for a filter, and none has a `WHERE` on the owner.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, QueryOrder, Set, TransactionTrait};
use tasks_entity::{comment, task, user};
use uuid::Uuid;

/// Registers the user that `db` is scoped to.
pub async fn sign_up(db: &impl ConnectionTrait, id: Uuid, email: &str) -> Result<user::Model, DbErr> {
    user::ActiveModel { id: Set(id), email: Set(email.to_owned()) }.insert(db).await
}

/// Adds a task with a first comment, both or neither.
pub async fn add(db: &impl TransactionTrait, title: &str, text: &str) -> Result<task::Model, DbErr> {
    let transaction = db.begin().await?;
    let task = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        done: Set(false),
        ..Default::default()
    };
    let task = task.insert(&transaction).await?;
    comment::ActiveModel { task_id: Set(task.id), text: Set(text.to_owned()), ..Default::default() }
        .insert(&transaction)
        .await?;
    sea_orm::TransactionSession::commit(transaction).await?;
    Ok(task)
}

/// The tasks that `db` sees, with their owners' addresses.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<(task::Model, Option<user::Model>)>, DbErr> {
    task::Entity::find().find_also_related(user::Entity).order_by_asc(task::Column::Title).all(db).await
}

/// Marks a task as done; `RecordNotUpdated` for another user's.
pub async fn finish(db: &impl ConnectionTrait, id: Uuid) -> Result<task::Model, DbErr> {
    task::ActiveModel { id: Set(id), done: Set(true), ..Default::default() }.update(db).await
}
