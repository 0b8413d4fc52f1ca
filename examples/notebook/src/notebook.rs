//! A notebook belongs to a user.

use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm_rls::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "notebook")]
#[user_scoped(user = super::user::Entity)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: String,
    #[sea_orm(has_many)]
    pub notes: HasMany<super::note::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
