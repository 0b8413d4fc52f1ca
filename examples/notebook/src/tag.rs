//! A tag is read by everyone if it is shared.

use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm_rls::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "tag")]
#[user_scoped(user = super::user::Entity, read = "is_shared")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub is_shared: bool,
}

impl ActiveModelBehavior for ActiveModel {}
