//! `RlsPolicies`, alone and beside a scope, in every format.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::policy;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

mod ticket {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "ticket")]
    #[rls_policies(policies(super::read, super::write))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub team_id: i32,
        pub is_open: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{RlsPolicies, UserScoped};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies, UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(no_foreign_key, policies = super::write)]
    #[rls_policies(policies = "super::read")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub is_open: bool,
        pub team_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn read() -> Vec<PolicyDraft> {
    vec![
        Policy::permissive("open")
            .on([Command::Select])
            .using(Expr::col("is_open")),
    ]
}

fn write() -> Vec<PolicyDraft> {
    let team = Expr::col("team_id").eq(policy::setting::<i32>("app.team_id"));
    vec![
        Policy::permissive("team")
            .on([Command::Insert, Command::Update])
            .using(team.clone())
            .with_check(team),
    ]
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![
        ticket::Entity as RlsPolicies,
        note::Entity as RlsPolicies,
        note::Entity
    ]
    .unwrap();
    let [note, ticket] = registry.scopes() else {
        panic!("two tables")
    };
    assert!(ticket.ownership().is_none());
    assert_eq!(ticket.policies, [read(), write()].concat());
    assert!(note.ownership().is_some());
    assert_eq!(note.policies, [read(), write()].concat());
    let settings: Vec<_> = registry
        .settings()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(settings, ["app.team_id", "app.user_id"]);
}
