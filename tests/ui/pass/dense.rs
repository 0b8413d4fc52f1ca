//! `#[sea_orm::model]`: the derive is copied to `ModelEx`, and expands once.

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
        #[sea_orm(has_many)]
        pub tasks: HasMany<super::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, sea_orm_rls::UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(owner = "author_id", user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        #[sea_orm(belongs_to, from = "author_id", to = "id")]
        pub author: BelongsTo<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, task::Entity].unwrap();
    let owners: Vec<_> = registry
        .scopes()
        .iter()
        .map(|scope| scope.keys[0].column.as_str())
        .collect();
    assert_eq!(owners, ["author_id", "id"]);
}
