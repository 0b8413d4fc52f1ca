//! A team is seen by its members; administrators make it.

use sea_orm::entity::prelude::*;
use sea_orm_rls::UserScoped;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "team")]
#[user_scoped(via = "membership", grant(select))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    #[sea_orm(belongs_to, from = "id", to = "team_id", skip_fk)]
    pub membership: HasOne<super::membership::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
