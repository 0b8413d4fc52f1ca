//! A function of policies gives drafts: a wrong type is told at its path.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(no_foreign_key, policies = super::one)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "note")]
    #[rls_policies(policies(super::several, super::names, super::missing))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn one() -> sea_orm_rls::policy::PolicyDraft {
    sea_orm_rls::policy::Policy::permissive("one").using(true)
}

fn several() -> [sea_orm_rls::policy::PolicyDraft; 1] {
    [one()]
}

fn names() -> Vec<&'static str> {
    vec!["one"]
}

fn main() {}
