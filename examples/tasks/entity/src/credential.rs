//! How a user logs in, apart from the user, so that no list of users carries a hash.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};
use sea_orm_rls::{RlsContext, UserScoped, policy};

#[sea_orm_rls::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
#[sea_orm(table_name = "credential")]
#[user_scoped(owner = "user_id", user = super::user::Entity, policies = of_who_logs_in)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(unique)]
    pub email: String,
    pub password_hash: String,
}

impl ActiveModelBehavior for ActiveModel {}

/// Before a login nobody is known, so that no row is anyone's own. This opens one row, for reading,
/// to a context that names its address. Nothing else has that context: no other handler reads a
/// hash, and none lists them.
///
/// A function with its owner's rights (`SECURITY DEFINER`) could be called by SQL text anywhere;
/// the administrator's connection would let the one handler that strangers reach see every row.
fn of_who_logs_in() -> [PolicyDraft; 1] {
    let named = Expr::col("email").eq(policy::setting::<String>("app.login_email"));
    [Policy::permissive("of_who_logs_in")
        .on([Command::Select])
        .using(named)]
}

/// The context of a login: somebody says they have this address.
#[derive(RlsContext)]
pub struct LoginContext<'a> {
    #[setting("app.login_email")]
    pub email: &'a str,
}
