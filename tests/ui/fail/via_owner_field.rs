//! Rows owned through others have no owner field of their own.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, UserScoped, TenantScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(via = project)]
    #[tenant_scoped(via = project)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub tenant_id: Uuid,
        pub project_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
