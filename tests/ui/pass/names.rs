//! Renamed columns, tables in a schema, raw identifiers.

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

mod renamed {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(schema_name = "work", table_name = "renamed", rename_all = "camelCase")]
    #[user_scoped(index(created_at))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(column_name = "belongsTo")]
        pub owner_id: Uuid,
        pub created_at: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod raw {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "type")]
    #[user_scoped(owner = r#type, index("match"))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub r#type: Uuid,
        pub r#match: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, renamed::Entity, raw::Entity].unwrap();
    let columns = |table: &str| {
        let scope = registry
            .scopes()
            .iter()
            .find(|scope| scope.table.table.as_str() == table)
            .unwrap();
        let owned = scope.keys[0].owned().unwrap();
        owned
            .index
            .iter()
            .map(sea_orm_rls::model::Identifier::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(columns("renamed"), ["belongsTo", "createdAt"]);
    assert_eq!(columns("type"), ["type", "match"]);
}
