//! Rows of a team, for its members: `via` a table that only administrators write, by a column that is not its key.

use sea_orm_rls::model::Privilege;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod member {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "member")]
    #[user_scoped(owner = user_id, index(team_id), grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod document {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "document")]
    #[user_scoped(via = member)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub team_id: Uuid,
        #[sea_orm(belongs_to, from = "team_id", to = "team_id", skip_fk)]
        pub member: BelongsTo<super::member::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, member::Entity, document::Entity].unwrap();
    let [document, member, _] = registry.scopes() else {
        panic!("three tables")
    };
    assert_eq!(member.privileges, [Privilege::Select].into());
    assert_eq!(
        document.ownership().unwrap().to_string(),
        r#""team_id" OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT p1."team_id" FROM "member" AS p1 WHERE p1."user_id" = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)))"#
    );
}
