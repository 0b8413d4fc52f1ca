//! The plain format with all keys.

use sea_orm_rls::context::SettingName;
use sea_orm_rls::model::{OnDelete, ScopeKind};
use sea_orm_rls::registry;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity, setting = "app.actor")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod staff {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "staff")]
    #[user_scoped(identity, setting = "app.staff")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
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
    #[user_scoped(owner = "author_id", user = super::user::Entity, on_delete = "no_action", index("title", due))]
    #[user_scoped(
        setting = "app.actor",
        backfill = "(SELECT id FROM \"user\" LIMIT 1)",
        no_default
    )]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        pub title: String,
        pub due: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = registry![user::Entity, task::Entity].unwrap();
    for (word, setting) in [
        ("user", Some("app.actor")),
        ("app.actor", Some("app.actor")),
        ("tenant", None),
        ("app.user_id", None),
    ] {
        let named = registry.setting_named(word);
        assert_eq!(named.as_ref().map(SettingName::as_str), setting, "{word}");
    }

    // Of two kinds of users a word means neither.
    let several = registry![user::Entity, task::Entity, staff::Entity].unwrap();
    assert_eq!(several.setting_named("user"), None);
    assert!(several.setting_named("app.staff").is_some());

    let [task, user] = registry.scopes() else {
        panic!("two tables")
    };
    let (task, user) = (&task.keys[0], user.owner().unwrap());
    assert_eq!(user.kind, ScopeKind::Identity);
    assert_eq!(
        (user.column.as_str(), user.setting.as_str()),
        ("id", "app.actor")
    );

    assert_eq!(
        (task.column.as_str(), task.setting.as_str()),
        ("author_id", "app.actor")
    );
    let owned = task.owned().unwrap();
    let index: Vec<&str> = owned
        .index
        .iter()
        .map(sea_orm_rls::model::Identifier::as_str)
        .collect();
    assert_eq!(index, ["author_id", "title", "due"]);
    assert!(!owned.default);
    assert_eq!(
        owned.backfill.as_deref(),
        Some("(SELECT id FROM \"user\" LIMIT 1)")
    );
    let foreign_key = owned.foreign_key.as_ref().unwrap();
    assert_eq!(
        (
            foreign_key.table.table.as_str(),
            foreign_key.column.as_str()
        ),
        ("user", "id")
    );
    assert_eq!(foreign_key.on_delete, Some(OnDelete::NoAction));
}
