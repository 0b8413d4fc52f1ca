//! The identity: each row owns itself.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "user")]
#[user_scoped(identity)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub email: String,
    #[sea_orm(has_many)]
    pub tasks: HasMany<super::task::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
