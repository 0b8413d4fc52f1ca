//! The identity: each row owns itself.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::UserScoped;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "user")]
#[user_scoped(identity, policies = no_superusers)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub email: String,
    /// Whether the application lets the user administrate; only administrators make one so.
    pub is_superuser: bool,
    #[sea_orm(has_many)]
    pub tasks: HasMany<super::task::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A user owns the row that says what they may do. Whatever handler is careless or is fooled, the
/// application's role writes no superuser.
fn no_superusers() -> [PolicyDraft; 1] {
    [Policy::restrictive("no_superusers")
        .on([Command::Insert, Command::Update])
        .with_check(Expr::col("is_superuser").not())]
}
