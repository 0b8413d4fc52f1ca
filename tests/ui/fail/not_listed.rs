//! A list names a derive that an entity does not have.

mod country {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(reason = "the same for everyone")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {
    let _ = sea_orm_rls::registry![country::Entity];
    let _ = sea_orm_rls::registry![country::Entity as TenantScoped];
    let _ = sea_orm_rls::registry![country::Entity as RlsPolicies];
}
