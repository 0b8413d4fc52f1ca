//! The expanded format: entity, columns and primary key by hand.

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
    use sea_orm_rls::UserScoped;

    #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
    pub struct Entity;

    impl EntityName for Entity {
        fn schema_name(&self) -> Option<&str> {
            Some("work")
        }

        fn table_name(&self) -> &'static str {
            "task"
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel, UserScoped)]
    #[user_scoped(owner = author, index(title))]
    pub struct Model {
        pub id: Uuid,
        pub author: Uuid,
        pub title: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
    pub enum Column {
        Id,
        #[sea_orm(column_name = "author_id")]
        Author,
        Title,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
    pub enum PrimaryKey {
        Id,
    }

    impl PrimaryKeyTrait for PrimaryKey {
        type ValueType = Uuid;

        fn auto_increment() -> bool {
            false
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter)]
    pub enum Relation {}

    impl RelationTrait for Relation {
        fn def(&self) -> RelationDef {
            match *self {}
        }
    }

    impl ColumnTrait for Column {
        type EntityName = Entity;

        fn def(&self) -> ColumnDef {
            match self {
                Self::Id | Self::Author => ColumnType::Uuid.def(),
                Self::Title => ColumnType::Text.def(),
            }
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, task::Entity].unwrap();
    let task = registry
        .scopes()
        .iter()
        .find(|scope| scope.table.table.as_str() == "task")
        .unwrap();
    assert_eq!(task.table.schema.as_ref().unwrap().as_str(), "work");
    assert_eq!(task.keys[0].column.as_str(), "author_id");
}
