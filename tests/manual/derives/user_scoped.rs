// snippet
mod user {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod task {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(owner = "author_id", index(created_at), read = "is_public")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        pub created_at: DateTimeUtc,
        pub is_public: bool,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod comment {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "comment")]
    #[user_scoped(via = "task")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub task_id: Uuid,
        #[sea_orm(belongs_to, from = "task_id", to = "id")]
        pub task: HasOne<super::task::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

#[test]
fn rows_belong_to_users_or_through_others() {
    sea_orm_rls::registry![user::Entity, task::Entity, comment::Entity].unwrap();
}

// snippet
mod member {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "member")]
    #[user_scoped(owner = "user_id", index(team_id), grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod document {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "document")]
    #[user_scoped(via = "member")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub team_id: Uuid,
        #[sea_orm(belongs_to, from = "team_id", to = "team_id", skip_fk)]
        pub member: HasOne<super::member::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

#[test]
fn rows_belong_to_a_team() {
    sea_orm_rls::registry![user::Entity, member::Entity, document::Entity].unwrap();
}
