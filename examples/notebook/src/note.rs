//! A note belongs to whom its notebook belongs.

use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "note")]
#[user_scoped(via = "notebook")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub notebook_id: Uuid,
    pub text: String,
    #[sea_orm(belongs_to, from = "notebook_id", to = "id", on_delete = "Cascade")]
    pub notebook: BelongsTo<super::notebook::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
