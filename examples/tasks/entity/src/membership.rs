//! Who is in which team. Whoever could write one could reach any team: administrators do.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "membership")]
#[user_scoped(owner = "user_id", index(team_id), grant(select))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
}

impl ActiveModelBehavior for ActiveModel {}
