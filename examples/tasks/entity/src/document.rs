//! A document belongs to a team: every member reads and writes it.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "document")]
#[user_scoped(via = "membership")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub team_id: Uuid,
    pub title: String,
    pub text: String,
    #[sea_orm(belongs_to, from = "team_id", to = "team_id", skip_fk)]
    pub membership: HasOne<super::membership::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
