//! What `#[sea_orm_rls::model]` adds under each key, and what it leaves alone.

use sea_orm::Iterable;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::ForeignKeyAction;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Another name, another key, another action.
mod renamed {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "renamed")]
    #[user_scoped(owner = "author_id", user = super::user::Entity, to = "user_id", on_delete = "restrict")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A relation by the owner's column is there under another name.
mod related {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "related")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(belongs_to, from = "owner_id", to = "user_id")]
        pub author: BelongsTo<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Another relation goes to the users.
mod assigned {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "assigned")]
    #[user_scoped(user = super::user::Entity, to = user_id, no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub assignee_id: Option<i64>,
        #[sea_orm(belongs_to, from = "assignee_id", to = "user_id")]
        pub assignee: BelongsTo<Option<super::user::Entity>>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The column has the relation's name.
mod named_owner {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "named_owner")]
    #[user_scoped(owner = "owner", user = super::user::Entity, to = "user_id")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The raw name of a keyword.
mod raw {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "raw")]
    #[user_scoped(owner = "type", no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let _ = renamed::Model {
        id: 1,
        author_id: 1,
    };
    let _ = related::Model { id: 1, owner_id: 1 };
    let _ = named_owner::Model { id: 1, owner: 1 };
    let _ = raw::Model {
        id: 1,
        r#type: Uuid::nil(),
    };
    let _ = related::ModelEx {
        id: 1,
        owner_id: 1,
        author: sea_orm::entity::prelude::BelongsTo::default(),
    };

    let renamed = renamed::Relation::User.def();
    assert!(matches!(
        renamed.on_delete,
        Some(ForeignKeyAction::Restrict)
    ));
    assert!(!renamed.skip_fk);
    let owner = assigned::Relation::Owner.def();
    assert!(owner.skip_fk);
    assert_eq!(assigned::Relation::iter().count(), 2);
    assert_eq!(related::Relation::iter().count(), 1);
    assert_eq!(named_owner::Relation::iter().count(), 0);
}
