//! What happens without a request: work for many users, each on behalf of that user, and one job of
//! the administrator's.

use std::time::Duration;

use chrono::Utc;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, Set,
    TransactionTrait,
};
use sea_orm_rls::{AdminContext, RlsConnection, RlsError, ScopedConnection, UserContext};
use tasks_entity::{comment, task};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

/// How long a task is kept after it was made, once it is done.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

const NAME: &str = "tasks worker";

/// Does both jobs now and then, until told to stop; what was begun is ended.
pub async fn run(db: RlsConnection, every: Duration, mut stop: watch::Receiver<bool>) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);

    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = ticks.tick() => {}
        }
        match remind(&db).await {
            Ok(0) => {}
            Ok(reminded) => tracing::info!(reminded, "reminded of tasks"),
            Err(error) => tracing::error!(%error, "no users were found to remind"),
        }

        match purge(&db, KEPT).await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "purged tasks"),
            Err(error) => tracing::error!(%error, "no tasks were purged"),
        }
    }
}

fn due() -> sea_orm::Condition {
    sea_orm::Condition::all()
        .add(task::Column::DueAt.lte(Utc::now()))
        .add(task::Column::RemindedAt.is_null())
        .add(task::Column::IsDone.eq(false))
}

/// Comments on each task that has become due. Only the list of users is the administrator's to see:
/// the work for each is on behalf of that user, so that whatever goes wrong in it goes wrong among
/// their rows alone.
pub async fn remind(db: &RlsConnection) -> Result<u64, RlsError> {
    let admin = db.admin_read_only(AdminContext::new(
        NAME,
        "find the users whose tasks are due",
    )?);

    let users: Vec<Uuid> = task::Entity::find()
        .select_only()
        .column(task::Column::OwnerId)
        .distinct()
        .filter(due())
        .into_tuple()
        .all(&admin)
        .await?;

    let mut reminded = 0;
    for user in users {
        match remind_user(&db.scope(UserContext::new(user))).await {
            Ok(tasks) => reminded += tasks,
            // The next user's do not wait for it.
            Err(error) => tracing::error!(%error, "a user was not reminded"),
        }
    }

    Ok(reminded)
}

/// Marks and comments, or neither. No `WHERE` says whose, and a second worker that comes at once
/// finds them marked.
async fn remind_user(mine: &ScopedConnection) -> Result<u64, DbErr> {
    let transaction = mine.begin().await?;
    let tasks = task::Entity::update_many()
        .col_expr(task::Column::RemindedAt, Expr::current_timestamp())
        .filter(due())
        .exec_with_returning(&transaction)
        .await?;

    for task in &tasks {
        comment::ActiveModel {
            task_id: Set(task.id),
            text: Set("This is due.".to_owned()),
            ..Default::default()
        }
        .insert(&transaction)
        .await?;
    }

    transaction.commit().await?;
    Ok(tasks.len() as u64)
}

/// Deletes everybody's done tasks that are older than this, as administrator.
pub async fn purge(db: &RlsConnection, older: Duration) -> Result<u64, RlsError> {
    let admin = db.admin(AdminContext::new(NAME, "purge old tasks that are done")?);
    let purged = task::Entity::delete_many()
        .filter(task::Column::IsDone.eq(true))
        .filter(task::Column::CreatedAt.lt(Utc::now() - older))
        .exec(&admin)
        .await?;
    Ok(purged.rows_affected)
}
