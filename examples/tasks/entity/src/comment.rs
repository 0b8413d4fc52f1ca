//! A comment on a task belongs to whom the task belongs; sharing the task does not share it.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "comment")]
#[user_scoped(via = "task")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub task_id: Uuid,
    pub text: String,
    #[sea_orm(belongs_to, from = "task_id", to = "id", on_delete = "Cascade")]
    pub task: BelongsTo<super::task::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
