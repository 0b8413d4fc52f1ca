// snippet
mod tenant {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::TenantScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "tenant")]
    #[tenant_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod post {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::{TenantScoped, UserScoped}; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped, UserScoped)]
    #[sea_orm(table_name = "post")]
    #[tenant_scoped(tenant = super::tenant::Entity, on_delete = "restrict")]
    #[user_scoped(owner = "author_id", no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
        pub author_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

#[test]
fn a_list_names_an_entity_once_for_each_derive() -> Result<(), sea_orm_rls::error::DeclarationError>
{
    // snippet
    // A list names an entity once for each derive; `UserScoped` need not be named.
    let registry = sea_orm_rls::registry![
        tenant::Entity as TenantScoped,
        post::Entity,
        post::Entity as TenantScoped,
    ]?;
    assert_eq!(registry.scopes()[0].keys.len(), 2);
    // end
    Ok(())
}
