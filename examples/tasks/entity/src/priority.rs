//! The priorities a task can have, the same for everyone.

use sea_orm::entity::prelude::*;
use sea_orm_rls::Unscoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
#[sea_orm(table_name = "priority")]
#[unscoped(reason = "the same for everyone, and nobody's", grant(select))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    pub rank: i32,
}

impl ActiveModelBehavior for ActiveModel {}
