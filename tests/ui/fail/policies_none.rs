//! `RlsPolicies` without policies would close the table.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "task")]
    #[rls_policies(crate = sea_orm_rls)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
