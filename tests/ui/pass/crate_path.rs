//! `crate = …` says where the crate is found, as a string or a path.

mod rls {
    pub use sea_orm_rls::*;
}

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
        pub email: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, sea_orm_rls::UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(crate = "super::rls", on_delete = Restrict, user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, sea_orm_rls::UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(crate = super::rls)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let listed = rls::registry![user::Entity, task::Entity, note::Entity].unwrap();
    assert_eq!(listed.scopes().len(), 3);
}
