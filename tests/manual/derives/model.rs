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

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    // snippet
    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }
    // end

    impl ActiveModelBehavior for ActiveModel {}
}

mod written_out {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    // snippet
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
        pub owner_id: Uuid, // the type of the key of `super::user::Entity`
        #[sea_orm(belongs_to, from = "owner_id", to = "id", on_delete = "Cascade")]
        pub owner: BelongsTo<super::user::Entity>,
    }
    // end

    impl ActiveModelBehavior for ActiveModel {}
}

#[test]
fn model_adds_what_could_be_written_out() {
    let added = sea_orm_rls::registry![user::Entity, task::Entity].unwrap();
    let written_out = sea_orm_rls::registry![user::Entity, written_out::Entity].unwrap();
    assert_eq!(added, written_out);
}
