//! Keys of an owner's column say nothing of rows that are owned through others.

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(via = project, owner = "author_id", user = super::user::Entity, setting = "app.actor")]
    #[user_scoped(index(id), no_default, backfill = "1")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub project_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {}
