//! Preparing big tables while they are in use.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::schema::{Change, ColumnChange, ForeignKeyChange, IndexChange, TableChange};
use sea_orm_rls::{RlsError, RlsSchema, registry};

use super::{database, text};
use crate::fixture::{config, user};

mod big {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "big")]
    #[user_scoped(
        backfill = "SELECT id FROM public.\"user\" u WHERE u.email = big.email",
        index(id)
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub email: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL);
    INSERT INTO "user" (email) VALUES ('a'), ('b');
    CREATE TABLE big (id serial PRIMARY KEY, email text NOT NULL, padding text);
    INSERT INTO big (email, padding) SELECT CASE WHEN i % 3 = 0 THEN 'a' ELSE 'b' END, repeat('x', 500)
    FROM generate_series(1, 40000) i"#;

#[tokio::test]
async fn big_table_is_prepared_while_it_is_written() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();

    let pages = text(&owner, "SELECT (pg_relation_size('big') / 8192)::text").await;
    assert!(
        pages.parse::<i64>().unwrap() > 2000,
        "more than one round of the backfill"
    );

    let rls = RlsSchema::new(
        registry![user::Entity, big::Entity].unwrap(),
        config(&database),
    );

    // Someone writes all the while, waiting at most 2 s for any lock, and locks rows in another
    // order than the backfill meets them.
    let writer = Database::connect(database.url()).await.unwrap();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let writing = tokio::spawn(async move {
        let mut rows = 0_u32;
        while stopped.try_recv().is_err() {
            let transaction = writer.begin().await.unwrap();
            for write in [
                "SET LOCAL lock_timeout = '2s'; UPDATE big SET padding = 'y' WHERE id = 20007",
                "UPDATE big SET padding = 'y' WHERE id % 1000 = 7 AND id < 20000",
                "SELECT count(*) FROM big",
            ] {
                transaction.execute_unprepared(write).await.unwrap();
            }

            transaction.commit().await.unwrap();
            rows += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        rows
    });

    let prepared = rls.prepare_online(&owner).await.unwrap();
    stop.send(()).unwrap();
    assert!(writing.await.unwrap() > 0);
    assert!(
        prepared.changes().iter().any(|change| matches!(
            change,
            Change::Table(_, TableChange::Column(_, ColumnChange::Add { .. }))
        )),
        "{prepared}"
    );

    let wrong = r#"SELECT count(*)::text FROM big JOIN "user" u ON u.id = owner_id WHERE u.email <> big.email"#;
    assert_eq!(text(&owner, wrong).await, "0");

    let state =
        "SELECT concat_ws(' ', (SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = \
         'big'::regclass),
        (SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'big'::regclass),
        (SELECT attnotnull FROM pg_attribute WHERE attrelid = 'big'::regclass AND attname = \
        'owner_id'),
        (SELECT count(*) FROM pg_constraint WHERE conrelid = 'big'::regclass AND contype = 'c'))";

    assert_eq!(text(&owner, state).await, "t t t 0");

    let rest = rls.sync(&owner).await.unwrap();
    let structural = |change: &&Change| {
        matches!(
            change,
            Change::Table(
                _,
                TableChange::Column(
                    _,
                    ColumnChange::Add { .. }
                        | ColumnChange::SetNotNull { .. }
                        | ColumnChange::SetDefault { .. }
                ) | TableChange::ForeignKey(ForeignKeyChange::Add { .. })
                    | TableChange::Index(IndexChange::Create { .. })
            )
        )
    };

    assert_eq!(
        rest.changes().iter().filter(structural).count(),
        0,
        "{rest}"
    );
    assert!(rls.plan(&owner).await.unwrap().is_empty());
    assert!(rls.prepare_online(&owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn preparation_that_broke_off_goes_on() {
    let (database, owner) = database().await;
    owner.execute_unprepared(TABLES).await.unwrap();
    owner
        .execute_unprepared("INSERT INTO big (email) VALUES ('nobody')")
        .await
        .unwrap();

    let rls = RlsSchema::new(
        registry![user::Entity, big::Entity].unwrap(),
        config(&database),
    );

    let error = rls.prepare_online(&owner).await.unwrap_err();
    assert!(
        matches!(
            error,
            RlsError::Schema(SchemaError::RowsWithoutOwner { .. })
        ),
        "{error}"
    );
    owner
        .execute_unprepared("UPDATE big SET padding = 'z'")
        .await
        .expect("no check is left behind");
    owner
        .execute_unprepared("DELETE FROM big WHERE email = 'nobody'")
        .await
        .unwrap();

    owner
        .execute_unprepared(
            "ALTER TABLE big DROP CONSTRAINT IF EXISTS big_owner_id_fkey, ADD CONSTRAINT \
             big_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES \"user\" ON DELETE CASCADE NOT \
             VALID",
        )
        .await
        .unwrap();
    rls.prepare_online(&owner).await.unwrap();

    let valid = "SELECT convalidated::text FROM pg_constraint WHERE conname = 'big_owner_id_fkey'";
    assert_eq!(text(&owner, valid).await, "true");
    rls.sync(&owner).await.unwrap();
    assert!(rls.plan(&owner).await.unwrap().is_empty());
}
