//! A task belongs to a user; `owner_id` and `owner` are added by the attribute. A shared one is
//! read by everyone.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm_rls::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "task")]
#[user_scoped(user = super::user::Entity, index(created_at), read = "is_shared")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: String,
    pub priority: String,
    pub is_done: bool,
    pub is_shared: bool,
    pub created_at: DateTimeUtc,
    pub due_at: Option<DateTimeUtc>,
    pub reminded_at: Option<DateTimeUtc>,
    #[sea_orm(has_many)]
    pub comments: HasMany<super::comment::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
