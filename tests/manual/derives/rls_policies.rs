// snippet
mod ticket {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::RlsPolicies;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "ticket")]
    #[rls_policies(policies(open, of_team))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub team_id: i32,
        pub is_open: bool,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn open() -> [PolicyDraft; 1] {
        [Policy::permissive("open")
            .on([Command::Select])
            .using(Expr::col("is_open"))]
    }

    fn of_team() -> [PolicyDraft; 1] {
        let team = policy::setting::<i32>("app.team_id");
        [Policy::permissive("of_team").using(Expr::col("team_id").eq(team))]
    }
}
// end

#[test]
fn an_entity_gives_its_policies() -> Result<(), sea_orm_rls::error::DeclarationError> {
    // snippet
    let registry = sea_orm_rls::registry![ticket::Entity as RlsPolicies]?;
    assert_eq!(registry.scopes()[0].policies.len(), 2);
    // end
    Ok(())
}
