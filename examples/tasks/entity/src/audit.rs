//! What administrators did: the record that `sea-orm-rls` keeps, under the name it has unless
//! `RLS_AUDIT_TABLE` says another. The library makes and guards the table, so the entity derives
//! nothing of it; administrators may read it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rls_audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: DateTimeUtc,
    pub actor: String,
    pub reason: String,
    /// The context of the user whom an administrator acted for, as JSON.
    #[sea_orm(select_as = "text")]
    pub on_behalf_of: Option<String>,
    pub application: String,
}

impl ActiveModelBehavior for ActiveModel {}
