//! Rows owned through those they refer to: through two levels in each format, and by a join table.

use sea_orm_rls::Registry;
use sea_orm_rls::model::{Expression, Scope};

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

mod project {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "project", schema_name = "work")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(has_many)]
        pub tasks: HasMany<super::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `HasOne`, and no owner is added.
mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(via = "project")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub project_id: Uuid,
        #[sea_orm(belongs_to, from = "project_id", to = "id")]
        pub project: HasOne<super::project::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A relation of a name of its own, and a renamed column.
mod comment {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "comment")]
    #[user_scoped(via = about_task)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(column_name = "task")]
        pub task_id: Uuid,
        #[sea_orm(belongs_to, relation_enum = "AboutTask", from = "task_id", to = "id")]
        pub task: HasOne<super::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod compact {
    pub mod task {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::compact_model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "task")]
        #[user_scoped(via = "Project")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub project_id: Uuid,
            pub project: HasOne<super::super::project::Entity>,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {
            #[sea_orm(
                belongs_to = "super::super::project::Entity",
                from = "Column::ProjectId",
                to = "super::super::project::Column::Id"
            )]
            Project,
        }

        impl Related<super::super::project::Entity> for Entity {
            fn to() -> RelationDef {
                Relation::Project.def()
            }
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod comment {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "comment")]
        #[user_scoped(via = "AboutTask")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            #[sea_orm(column_name = "task")]
            pub task_id: Uuid,
        }

        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {
            #[sea_orm(
                belongs_to = "super::task::Entity",
                from = "Column::TaskId",
                to = "super::task::Column::Id"
            )]
            AboutTask,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

mod tag {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod task_tag {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task_tag")]
    #[user_scoped(via(task, tag))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub task_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
        #[sea_orm(belongs_to, from = "task_id", to = "id")]
        pub task: BelongsTo<super::task::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const OWN: &str = "(SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)";

fn condition(registry: &Registry, table: &str) -> String {
    let scope = registry
        .scopes()
        .iter()
        .find(|scope| scope.table.table.as_str() == table);
    scope
        .and_then(Scope::ownership)
        .as_ref()
        .map(Expression::to_string)
        .unwrap()
}

pub(crate) fn main() {
    let dense =
        sea_orm_rls::registry![user::Entity, project::Entity, task::Entity, comment::Entity]
            .unwrap();
    let compact = sea_orm_rls::registry![
        user::Entity,
        project::Entity,
        compact::task::Entity,
        compact::comment::Entity
    ]
    .unwrap();
    assert_eq!(dense, compact);

    let task = dense
        .scopes()
        .iter()
        .find(|scope| scope.table.table.as_str() == "task")
        .unwrap();
    assert!(task.keys.is_empty() && task.owner().is_none());
    assert_eq!(task.through[0].column.as_str(), "project_id");
    assert_eq!(task.through[0].parent.to_string(), "work.project");
    let project = format!(
        r#"OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT p1."id" FROM "work"."project" AS p1 WHERE p1."owner_id" = {OWN}))"#
    );
    assert_eq!(
        condition(&dense, "task"),
        format!(r#""project_id" {project}"#)
    );
    let project = project.replace("p1", "p2");
    assert_eq!(
        condition(&dense, "comment"),
        format!(
            r#""task" OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT p1."id" FROM "task" AS p1 WHERE p1."project_id" {project}))"#
        )
    );

    let joined = sea_orm_rls::registry![
        user::Entity,
        project::Entity,
        task::Entity,
        tag::Entity,
        task_tag::Entity
    ]
    .unwrap();
    let scope = joined
        .scopes()
        .iter()
        .find(|scope| scope.table.table.as_str() == "task_tag")
        .unwrap();
    let columns: Vec<&str> = scope
        .through
        .iter()
        .map(|through| through.column.as_str())
        .collect();
    assert_eq!(columns, ["task_id", "tag_id"]);
    assert!(condition(&joined, "task_tag").starts_with(r#"("task_id" OPERATOR(pg_catalog.=) ANY"#));
    assert!(
        condition(&joined, "task_tag").contains(r#") AND ("tag_id" OPERATOR(pg_catalog.=) ANY"#)
    );
}
