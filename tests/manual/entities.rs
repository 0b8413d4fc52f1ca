// snippet
mod task {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    /// The attribute adds the field `owner_id` and the relation `owner`.
    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod post {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    /// The model has the field itself, and may give it another name.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "post")]
    #[user_scoped(owner = "author_id")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod draft {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    /// The table has the column, and the model has no field: no code can forge it.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "draft")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

// snippet
mod comment {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "comment")]
    #[user_scoped(via = "task")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub task_id: Uuid,
        #[sea_orm(belongs_to, from = "task_id", to = "id")]
        pub task: BelongsTo<super::task::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

// snippet
mod project {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "project")]
    #[user_scoped()]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod issue {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "issue")]
    #[user_scoped(bind = "project")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub project_id: Option<i32>, // None refers to nothing
        #[sea_orm(belongs_to, from = "project_id", to = "id")]
        pub project: HasOne<super::project::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

// snippet
mod product {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "product")]
    #[user_scoped(
        grant(select, insert(title), update(title), delete),
        admin(select, insert, update(price), delete)
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub title: String,
        /// Administrators set it.
        #[sea_orm(default_value = 0)]
        pub price: i32,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

// snippet
mod country {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::Unscoped; // hidden

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(reason = "the same for everyone", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

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

#[test]
fn an_owner_has_three_forms() {
    use sea_orm_rls::UserScoped;

    sea_orm_rls::registry![user::Entity, task::Entity, post::Entity, draft::Entity].unwrap();
    assert_eq!(post::Entity::owner_column().to_string(), "author_id");
}

#[test]
fn a_privilege_is_limited_to_columns() {
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::model::{Identifier, Privilege};

    let registry = sea_orm_rls::registry![user::Entity, product::Entity].unwrap();
    let scopes = registry.scopes();
    let product = scopes
        .iter()
        .find(|scope| scope.table.table.as_str() == "product");
    let columns = &product.unwrap().columns[&Privilege::Update];
    assert!(columns.iter().map(Identifier::as_str).eq(["title"]));
}

#[test]
fn a_reference_stays_with_its_owner() {
    let entities = sea_orm_rls::registry![user::Entity, project::Entity, issue::Entity];
    let registry = entities.unwrap();
    let bound = registry
        .scopes()
        .iter()
        .find_map(|scope| scope.bound.first())
        .unwrap();
    let key: Vec<String> = bound
        .key()
        .iter()
        .map(|(own, of)| format!("{own} to {of}"))
        .collect();
    assert_eq!(key, ["owner_id to owner_id", "project_id to id"]);
}

#[test]
fn a_row_is_owned_through_another_or_by_nobody() {
    use sea_orm_rls::registry;

    registry![user::Entity, task::Entity, comment::Entity].unwrap();
    let registry = registry![country::Entity as Unscoped].unwrap();
    let reason = registry.scopes()[0].unscoped.as_deref();
    assert_eq!(reason, Some("the same for everyone"));
}
