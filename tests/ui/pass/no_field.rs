//! No owner field: the table has the column, and takes the identity's type.

use sea_orm_rls::UserScoped as _;
use sea_orm_rls::model::KeyType;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(owner = "author id", user = "super::user::Entity")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, task::Entity, note::Entity].unwrap();
    let [note, task, _] = registry.scopes() else {
        panic!("three tables")
    };
    let [note, task] = [note, task].map(|scope| &scope.keys[0]);
    assert_eq!(
        (note.column.as_str(), note.key),
        ("author id", KeyType::BigInteger)
    );
    assert_eq!(
        (task.column.as_str(), task.key),
        ("owner_id", KeyType::BigInteger)
    );
    assert_eq!(task::Entity::owner_column().to_string(), "owner_id");
}
