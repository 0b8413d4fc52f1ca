//! A tenant has words of its own.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "task")]
    #[tenant_scoped(owner = "tenant_id", user = super::tenant::Entity, to = "id", colum = "tenant_id")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub tenant_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
