//! Tables whose policies are alike: a plan makes one copy for all of them, and yet sees what is
//! altered on one.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::{RlsSchema, registry};

use super::{database, items, text};
use crate::fixture::config;

const TABLES: usize = 40;

/// An owner column of any type of text.
mod owned {
    pub mod user {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "user")]
        #[user_scoped(identity)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod letter {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "letter")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod parcel {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "parcel")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

/// How many policies were ever created, rolled back ones too.
async fn created(owner: &DatabaseConnection) -> usize {
    text(owner, "SELECT pg_stat_force_next_flush()::text").await;
    let created = "SELECT n_tup_ins::text FROM pg_stat_sys_tables WHERE relname = 'pg_policy'";
    text(owner, created).await.parse().unwrap()
}

#[tokio::test]
async fn plan_makes_one_copy_for_all_and_sees_each() {
    let (database, setup) = database().await;
    // The server counts what a session did when the session asks.
    let mut options = ConnectOptions::new(database.url());
    options.max_connections(1);
    let owner = Database::connect(options).await.unwrap();

    let entities = items(&owner, TABLES).await;
    let schema = RlsSchema::new(entities, config(&database));
    schema.sync(&owner).await.unwrap();

    let before = created(&owner).await;
    assert!(schema.plan(&owner).await.unwrap().is_empty());
    let copied = created(&owner).await - before;
    assert!(
        (1..TABLES).contains(&copied),
        "{copied} policies were created"
    );

    setup
        .execute_unprepared(
            "ALTER POLICY item_0007_owner_select ON item_0007 USING (true);
             ALTER TABLE item_0011 ALTER owner_id SET DEFAULT gen_random_uuid()",
        )
        .await
        .unwrap();
    let plan = schema.plan(&owner).await.unwrap();
    let mut changed: Vec<String> = plan
        .changes()
        .iter()
        .filter_map(|change| Some(change.table()?.to_string()))
        .collect();
    changed.sort_unstable();
    assert_eq!(changed, ["public.item_0007", "public.item_0011"], "{plan}");
}

#[tokio::test]
async fn columns_of_other_types_are_not_alike() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            "CREATE TABLE \"user\" (id text PRIMARY KEY);
             CREATE TABLE letter (id serial PRIMARY KEY, owner_id text NOT NULL);
             CREATE TABLE parcel (id serial PRIMARY KEY, owner_id varchar NOT NULL);",
        )
        .await
        .unwrap();
    let entities = registry![
        owned::user::Entity,
        owned::letter::Entity,
        owned::parcel::Entity
    ];
    let schema = RlsSchema::new(entities.unwrap(), config(&database));
    schema.sync(&owner).await.unwrap();

    assert_eq!(schema.plan(&owner).await.unwrap().to_string(), "");
}
