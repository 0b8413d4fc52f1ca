//! The expansions pass the lints that a careful crate sets.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub)]
#![deny(clippy::pedantic)]

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::policy::{Policy, PolicyDraft};
    use sea_orm_rls::{RlsPolicies, TenantScoped, UserScoped};

    pub(crate) fn policies() -> [PolicyDraft; 1] {
        [Policy::restrictive("task_all").using(true)]
    }

    #[derive(
        Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped, RlsPolicies,
    )]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity, grant(select, insert), read = is_public)]
    #[tenant_scoped(no_foreign_key)]
    #[rls_policies(policies = policies)]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: Uuid,
        pub(crate) owner_id: Uuid,
        pub(crate) is_public: bool,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod context {
    use sea_orm_rls::RlsContext;

    #[derive(RlsContext)]
    pub(crate) struct Member<'a, T> {
        #[setting("app.user_id")]
        pub(crate) user: &'a T,
        #[setting("app.names")]
        pub(crate) names: Vec<String>,
    }
}

pub(crate) fn main() {
    let member = context::Member {
        user: &7_i64,
        names: Vec::new(),
    };
    assert!(sea_orm_rls::RlsContext::settings(&member).is_ok());
    sea_orm_rls::registry![
        user::Entity,
        task::Entity,
        task::Entity as TenantScoped,
        task::Entity as RlsPolicies
    ]
    .unwrap();
}
