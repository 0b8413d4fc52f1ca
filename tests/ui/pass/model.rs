//! `#[sea_orm_rls::model]` adds the owner, and with `user` the relation to it.

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        #[sea_orm(has_many)]
        pub notes: HasMany<super::note::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod note {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use sea_orm::entity::prelude::*;
use sea_orm::{DbBackend, QueryTrait};

pub(crate) fn main() {
    let id = Uuid::nil();
    let task = task::Model {
        id,
        title: "x".to_owned(),
        owner_id: id,
    };
    assert_eq!(task.owner_id, id);

    let mine = task::Entity::find()
        .filter(task::COLUMN.owner_id.eq(id))
        .build(DbBackend::Postgres);
    assert!(
        mine.sql
            .ends_with(r#"FROM "task" WHERE "task"."owner_id" = $1"#),
        "{}",
        mine.sql
    );
    assert_eq!(
        *task::Column::OwnerId.def().get_column_type(),
        ColumnType::Uuid
    );

    let ex: note::ModelEx = note::Model {
        id: 1,
        text: "x".to_owned(),
        owner_id: id,
    }
    .into();
    assert!(ex.owner.is_unloaded());
    let mine = note::Entity::find()
        .filter(note::COLUMN.owner_id.eq(id))
        .build(DbBackend::Postgres);
    assert!(
        mine.sql
            .ends_with(r#"FROM "note" WHERE "note"."owner_id" = $1"#),
        "{}",
        mine.sql
    );
    assert_eq!(
        *note::Column::OwnerId.def().get_column_type(),
        ColumnType::Uuid
    );
    let joined = note::Entity::find()
        .inner_join(user::Entity)
        .build(DbBackend::Postgres);
    assert!(
        joined
            .sql
            .ends_with(r#"INNER JOIN "user" ON "note"."owner_id" = "user"."id""#),
        "{}",
        joined.sql
    );

    let loader = note::Entity::load().with(user::Entity);
    let _ = loader;
    let nested = note::ActiveModel::builder()
        .set_text("x")
        .set_owner(user::ActiveModel::builder().set_email("a@b"));
    let _ = nested;
    sea_orm_rls::registry![user::Entity, task::Entity, note::Entity].unwrap();
}
