//! SeaORM's schema sync, before row security and after it.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Schema};
use sea_orm_rls::{RlsError, RlsSchema, registry};

use crate::fixture::{Fixture, config, entities, note, task, user};
use crate::schema::{database, texts};

/// As one writes them first.
mod plain {
    pub mod project {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "project")]
        #[user_scoped(no_foreign_key)]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub owner_id: i64,
            #[sea_orm(has_many)]
            pub steps: HasMany<super::step::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod step {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "step")]
        #[user_scoped(no_foreign_key, bind = project)]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub owner_id: i64,
            pub project_id: i32,
            #[sea_orm(belongs_to, from = "project_id", to = "id")]
            pub project: HasOne<super::project::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// SeaORM knows the unique key that `bind` needs, and leaves the foreign key to it.
mod told {
    pub mod project {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "project")]
        #[user_scoped(no_foreign_key)]
        pub struct Model {
            #[sea_orm(unique_key = "owned")]
            pub owner_id: i64,
            #[sea_orm(primary_key, unique_key = "owned")]
            pub id: i32,
            #[sea_orm(has_many)]
            pub steps: HasMany<super::step::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod step {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "step")]
        #[user_scoped(no_foreign_key, bind = project)]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub owner_id: i64,
            pub project_id: i32,
            #[sea_orm(belongs_to, from = "project_id", to = "id", skip_fk)]
            pub project: HasOne<super::project::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// Keys, indexes, columns and policies of all tables.
const ALL: &str = "
SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, column_default, is_nullable)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT concat_ws(' ', tablename, policyname, qual, with_check) FROM pg_policies
ORDER BY 1";

async fn sync_again(fixture: &Fixture) {
    let builder = Schema::new(DbBackend::Postgres).builder();
    let builder = builder.register(user::Entity);
    let builder = builder.register(task::Entity).register(note::Entity);
    builder.sync(&fixture.owner).await.unwrap();
}

/// It says that it never drops anything, and drops unique constraints.
#[tokio::test]
async fn second_sync_drops_a_unique_constraint_that_no_entity_declares() {
    let fixture = Fixture::new(1).await;
    let before = texts(&fixture.owner, ALL).await;
    let once = "ALTER TABLE note ADD CONSTRAINT once UNIQUE (body)";
    fixture.owner.execute_unprepared(once).await.unwrap();
    assert_ne!(texts(&fixture.owner, ALL).await, before);
    sync_again(&fixture).await;
    assert_eq!(texts(&fixture.owner, ALL).await, before);
}

#[tokio::test]
async fn second_sync_changes_nothing_of_a_protected_table() {
    let fixture = Fixture::new(1).await;
    let before = texts(&fixture.owner, ALL).await;
    sync_again(&fixture).await;

    assert_eq!(texts(&fixture.owner, ALL).await, before);
    let schema = RlsSchema::new(entities(), fixture.config.clone());
    assert!(schema.plan(&fixture.owner).await.unwrap().is_empty());
}

/// It would drop the unique key that `bind` made, as a constraint, which it is not.
#[tokio::test]
async fn second_sync_fails_at_a_key_that_seaorm_does_not_know() {
    async fn sync(owner: &DatabaseConnection) -> Result<(), DbErr> {
        let builder = Schema::new(DbBackend::Postgres).builder();
        let builder = builder.register(plain::project::Entity);
        builder.register(plain::step::Entity).sync(owner).await
    }

    let (database, owner) = database().await;
    sync(&owner).await.unwrap();
    let entities = registry![plain::project::Entity, plain::step::Entity].unwrap();
    let schema = RlsSchema::new(entities, config(&database));
    schema.sync(&owner).await.unwrap();

    let error = RlsError::from(sync(&owner).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("42704"), "{error}");
    assert!(schema.plan(&owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn second_sync_changes_nothing_of_bound_tables_that_seaorm_is_told_of() {
    let (database, owner) = database().await;
    let entities = registry![told::project::Entity, told::step::Entity].unwrap();
    let schema = RlsSchema::new(entities, config(&database));
    let mut seen = Vec::new();
    for _ in 0..2 {
        let builder = Schema::new(DbBackend::Postgres).builder();
        let builder = builder.register(told::project::Entity);
        let builder = builder.register(told::step::Entity);
        builder.sync(&owner).await.unwrap();
        schema.sync(&owner).await.unwrap();
        seen.push(texts(&owner, ALL).await.join("\n"));
    }

    assert_eq!(seen[0], seen[1]);
    let bound = "FOREIGN KEY (owner_id, project_id) REFERENCES project(owner_id, id)";
    assert!(seen[0].contains(bound), "{}", seen[0]);
}
