//! `soft_delete` on columns of every precision.

use sea_orm::{ConnectionTrait, Database, TransactionTrait};
use sea_orm_rls::{RlsSchema, registry};

use crate::fixture::config;
use crate::schema::{database, text};

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod paper {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "paper")]
    #[user_scoped(soft_delete = "gone")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub owner_id: i32,
        pub gone: Option<DateTimeUtc>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// FAULTS M3: the stored time was rounded below `now()`, and half of the rows could not be marked.
#[tokio::test]
async fn rows_are_marked_as_deleted_at_every_precision() {
    const ROWS: u32 = 20;

    let (database, owner) = database().await;
    let config = config(&database);
    owner
        .execute_unprepared(
            "CREATE TABLE \"user\" (id integer PRIMARY KEY); INSERT INTO \"user\" VALUES (1);
             CREATE TABLE paper (id integer PRIMARY KEY, owner_id integer NOT NULL, gone timestamptz);
             INSERT INTO paper SELECT n, 1 FROM generate_series(1, 20) n",
        )
        .await
        .unwrap();

    let rls = RlsSchema::new(
        registry![user::Entity, paper::Entity].unwrap(),
        config.clone(),
    );
    let url = database.url_as(config.app_role().as_str(), "app password'\\");
    let types = (0..=6).flat_map(|digits| {
        ["with", "without"].map(|zone| format!("timestamp({digits}) {zone} time zone"))
    });
    let types = types.chain(["timestamptz", "timestamp"].map(str::to_owned));

    for sql_type in types {
        // Policies of an earlier type stand in the way of a change by hand.
        let change = format!(
            "DROP POLICY IF EXISTS paper_owner_select ON paper; DROP POLICY IF EXISTS \
             paper_guard_select ON paper; ALTER TABLE paper NO FORCE ROW LEVEL SECURITY; UPDATE \
             paper SET gone = NULL; ALTER TABLE paper ALTER gone TYPE {sql_type}"
        );
        owner.execute_unprepared(&change).await.unwrap();
        rls.sync(&owner).await.unwrap();
        assert!(rls.plan(&owner).await.unwrap().is_empty(), "{sql_type}");

        let app = Database::connect(&url).await.unwrap();
        for id in 1..=ROWS {
            let transaction = app.begin().await.unwrap();
            let update = format!("UPDATE paper SET gone = now() WHERE id = {id}");
            transaction
                .execute_unprepared("SELECT set_config('app.user_id', '1', true)")
                .await
                .unwrap();
            let marked = transaction.execute_unprepared(&update).await;
            let marked = marked.unwrap_or_else(|error| panic!("{sql_type}: {error}"));
            assert_eq!(marked.rows_affected(), 1, "{sql_type}");
            transaction.commit().await.unwrap();
        }

        // Rounded up, a time may be half a second ahead.
        owner
            .execute_unprepared("SELECT pg_sleep(1.01)")
            .await
            .unwrap();
        let transaction = app.begin().await.unwrap();
        transaction
            .execute_unprepared("SELECT set_config('app.user_id', '1', true)")
            .await
            .unwrap();
        let left = text(&transaction, "SELECT count(*)::text FROM paper").await;
        assert_eq!(left, "0", "{sql_type}");
    }
}
