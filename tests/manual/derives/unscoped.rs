// snippet
mod country {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::Unscoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(reason = "the same for everyone", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

#[test]
fn a_scope_keeps_the_reason() -> Result<(), sea_orm_rls::error::DeclarationError> {
    // snippet
    let registry = sea_orm_rls::registry![country::Entity as Unscoped]?;
    let reason = registry.scopes()[0].unscoped.as_deref();
    assert_eq!(reason, Some("the same for everyone"));
    // end
    Ok(())
}
