//! Each user owns their own row.

use sea_orm_migration::sea_orm;
use sea_orm_migration::sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "user")]
#[user_scoped(identity)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
}

impl ActiveModelBehavior for ActiveModel {}
