//! Two users, every way to reach a row, on a pool of one connection and on one of five.

use futures_util::TryStreamExt;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set, Statement, StreamTrait, TransactionSession, TransactionTrait,
};
use sea_orm_rls::{RlsError, UserScoped};
use uuid::Uuid;

use crate::fixture::{Fixture, note, task};

fn new_task(title: &str) -> task::ActiveModel {
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set(title.to_owned()),
        rank: Set(1),
        ..Default::default()
    }
}

/// Runs a test on a pool of one connection and on one of five.
macro_rules! on_both_pools {
    ($($(#[$doc:meta])* async fn $name:ident($fixture:ident: Fixture) $body:block)*) => {$(
        $(#[$doc])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            for connections in [1, 5] {
                let $fixture = Fixture::new(connections).await;
                $body
            }
        }
    )*};
}

/// The administrator sees this many tasks: what a user does not see is there.
async fn assert_stored(fixture: &Fixture, tasks: u64) {
    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        tasks
    );
}

fn assert_refused(error: &DbErr) {
    match RlsError::from(error) {
        RlsError::PolicyRefused { table, .. } => assert_eq!(table.as_deref(), Some("task")),
        other => panic!("not refused by a policy: {other:?}"),
    }
}

on_both_pools! {
    /// limits.md: "a forgotten `WHERE`".
    async fn user_sees_own_rows_only(fixture: Fixture) {
        let (ann, bob) = (fixture.ann(), fixture.bob());
        let hers = new_task("ann's").insert(&ann).await.unwrap();
        let his = new_task("bob's").insert(&bob).await.unwrap();
        assert_eq!((hers.owner_id, his.owner_id), (fixture.ann, fixture.bob), "insert fills the \
                                                            owner");
        assert_eq!(task::Entity::find().all(&ann).await.unwrap(), std::slice::from_ref(&hers));
        assert_eq!(task::Entity::find().all(&bob).await.unwrap(), std::slice::from_ref(&his));
        assert_eq!(task::Entity::find_by_id(his.id).one(&ann).await.unwrap(), None);
        assert_eq!(task::Entity::find_by_id(his.id).one(&bob).await.unwrap(), Some(his));
        assert_stored(&fixture, 2).await;
    }

    /// limits.md: "a forged `owner_id`".
    async fn user_cannot_insert_in_name_of_other_user(fixture: Fixture) {
        let own = task::ActiveModel { owner_id: Set(fixture.ann), ..new_task("own, named") };
        assert_eq!(own.insert(&fixture.ann()).await.unwrap().owner_id, fixture.ann);
        let forged = task::ActiveModel { owner_id: Set(fixture.bob), ..new_task("forged") };
        assert_refused(&forged.insert(&fixture.ann()).await.unwrap_err());
        assert_stored(&fixture, 1).await;
    }

    async fn user_cannot_update_row_of_other_user(fixture: Fixture) {
        let his = new_task("bob's").insert(&fixture.bob()).await.unwrap();
        let change = task::ActiveModel { title: Set("taken".to_owned()), ..his.clone().into_active_model() };
        assert!(matches!(change.update(&fixture.ann()).await.unwrap_err(), DbErr::RecordNotUpdated));
        let many = task::Entity::update_many().col_expr(task::Column::Title, "taken".into());
        assert_eq!(many.clone().exec(&fixture.ann()).await.unwrap().rows_affected, 0);
        assert_eq!(task::Entity::find().one(&fixture.bob()).await.unwrap(), Some(his), "nothing changed");
        assert_eq!(many.exec(&fixture.bob()).await.unwrap().rows_affected, 1, "it is updated for \
                                                            its owner");
    }

    /// limits.md: "a forged `owner_id`".
    async fn user_cannot_move_row_to_other_user(fixture: Fixture) {
        let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
        let moved = task::ActiveModel { owner_id: Set(fixture.bob), ..hers.clone().into_active_model() };
        assert_refused(&moved.update(&fixture.ann()).await.unwrap_err());
        assert_eq!(task::Entity::find().one(&fixture.ann()).await.unwrap(), Some(hers));
    }

    /// limits.md: "a forged `owner_id`".
    async fn user_cannot_upsert_in_name_of_other_user(fixture: Fixture) {
        let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
        let forged = |id| task::ActiveModel { id: Set(id), owner_id: Set(fixture.bob), ..new_task("forged") };
        let over = OnConflict::column(task::Column::Id).update_column(task::Column::OwnerId).to_owned();
        for id in [hers.id, Uuid::new_v4()] {
            let upsert = task::Entity::insert(forged(id)).on_conflict(over.clone());
            assert_refused(&upsert.exec_without_returning(&fixture.ann()).await.unwrap_err());
        }

        // The inserted row is Ann's, and the update would give it away.
        let own = task::ActiveModel { id: Set(hers.id), ..new_task("own") };
        let away = OnConflict::column(task::Column::Id).value(task::Column::OwnerId, fixture.bob).to_owned();
        let upsert = task::Entity::insert(own).on_conflict(away);
        assert_refused(&upsert.exec_without_returning(&fixture.ann()).await.unwrap_err());
        assert_eq!(task::Entity::find().all(&fixture.ann()).await.unwrap(), [hers]);
    }

    async fn user_cannot_delete_row_of_other_user(fixture: Fixture) {
        let his = new_task("bob's").insert(&fixture.bob()).await.unwrap();
        assert_eq!(task::Entity::delete_by_id(his.id).exec(&fixture.ann()).await.unwrap().rows_affected, 0);
        assert_eq!(task::Entity::delete_many().exec(&fixture.ann()).await.unwrap().rows_affected, 0);
        assert_stored(&fixture, 1).await;
        assert_eq!(task::Entity::delete_by_id(his.id).exec(&fixture.bob()).await.unwrap().rows_affected, 1);
        assert_stored(&fixture, 0).await;
    }

    async fn returning_gives_own_rows_only(fixture: Fixture) {
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        new_task("bob's").insert(&fixture.bob()).await.unwrap();
        let updated = task::Entity::update_many()
            .col_expr(task::Column::Rank, 7.into())
            .exec_with_returning(&fixture.ann())
            .await
            .unwrap();
        assert_eq!(updated.iter().map(|task| task.owner_id).collect::<Vec<_>>(), [fixture.ann]);
        let deleted = task::Entity::delete_many().exec_with_returning(&fixture.bob()).await.unwrap();
        assert_eq!(deleted.iter().map(|task| task.owner_id).collect::<Vec<_>>(), [fixture.bob]);
        assert_stored(&fixture, 1).await;
    }

    async fn stream_gives_own_rows_only(fixture: Fixture) {
        for title in ["one", "two"] {
            new_task(title).insert(&fixture.ann()).await.unwrap();
            new_task(title).insert(&fixture.bob()).await.unwrap();
        }
        let ann = fixture.ann();
        let rows: Vec<task::Model> = task::Entity::find().stream(&ann).await.unwrap().try_collect().await.unwrap();
        assert_eq!(rows.iter().map(|task| task.owner_id).collect::<Vec<_>>(), [fixture.ann; 2]);
        let transaction = fixture.bob().begin().await.unwrap();
        let rows: Vec<task::Model> =
            task::Entity::find().stream(&transaction).await.unwrap().try_collect().await.unwrap();
        assert_eq!(rows.iter().map(|task| task.owner_id).collect::<Vec<_>>(), [fixture.bob; 2]);
        transaction.commit().await.unwrap();
    }

    async fn stream_that_writes_is_committed(fixture: Fixture) {
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        let delete = Statement::from_string(DbBackend::Postgres, r#"DELETE FROM "task" RETURNING "id""#);
        let ann = fixture.ann();
        let rows: Vec<_> = ann.stream_raw(delete).await.unwrap().try_collect().await.unwrap();
        assert_eq!(rows.len(), 1);
        drop(rows);
        assert_stored(&fixture, 0).await;
    }

    async fn nested_transactions_keep_the_context(fixture: Fixture) {
        new_task("bob's").insert(&fixture.bob()).await.unwrap();
        let outer = fixture.ann().begin().await.unwrap();
        new_task("outer").insert(&outer).await.unwrap();
        let kept = outer.begin().await.unwrap();
        new_task("kept").insert(&kept).await.unwrap();
        let undone = kept.begin().await.unwrap();
        let undone_task = new_task("undone").insert(&undone).await.unwrap();
        assert_eq!(undone_task.owner_id, fixture.ann);
        assert_eq!(task::Entity::find().count(&undone).await.unwrap(), 3);
        undone.rollback().await.unwrap();
        assert_eq!(task::Entity::find().count(&kept).await.unwrap(), 2);
        kept.commit().await.unwrap();
        let forged = task::ActiveModel { owner_id: Set(fixture.bob), ..new_task("forged") };
        let refused = outer.begin().await.unwrap();
        assert_refused(&forged.insert(&refused).await.unwrap_err());
        drop(refused);
        assert_eq!(task::Entity::find().count(&outer).await.unwrap(), 2, "a savepoint undoes the \
                                                            failure");
        outer.commit().await.unwrap();
        assert_stored(&fixture, 3).await;
    }

    /// limits.md: "a forgotten `WHERE`".
    async fn raw_sql_is_kept_apart(fixture: Fixture) {
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        new_task("bob's").insert(&fixture.bob()).await.unwrap();
        let ann = fixture.ann();
        let count = Statement::from_string(DbBackend::Postgres, r#"SELECT count(*) AS n FROM "task""#);
        let row = ann.query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 1);
        let updated = ann.execute_unprepared(r#"UPDATE "task" SET "title" = 'mine'; SELECT 1"#).await.unwrap();
        assert_eq!(updated.rows_affected(), 2, "one row updated, one selected");
        let changed = task::Entity::find().filter(task::Column::Title.eq("mine")).all(&fixture.admin()).await.unwrap();
        assert_eq!(changed.iter().map(|task| task.owner_id).collect::<Vec<_>>(), [fixture.ann]);
        let refused = format!(r#"UPDATE "task" SET "owner_id" = '{}'"#, fixture.bob);
        assert_refused(&ann.execute_unprepared(&refused).await.unwrap_err());
    }

    async fn without_a_user_nothing_is_seen_or_written(fixture: Fixture) {
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        let nobody = fixture.db.anonymous();
        assert!(task::Entity::find().all(&nobody).await.unwrap().is_empty());
        assert_eq!(task::Entity::delete_many().exec(&nobody).await.unwrap().rows_affected, 0);
        for attempt in [new_task("x"), task::ActiveModel { owner_id: Set(fixture.ann), ..new_task("y") }] {
            let error = attempt.insert(&nobody).await.unwrap_err();
            assert!(matches!(RlsError::from(&error), RlsError::MissingContext { table: Some(table), .. } if table == "task"));
        }
        assert_stored(&fixture, 1).await;
    }

    async fn closure_commits_on_ok_and_rolls_back_on_err(fixture: Fixture) {
        let ann = fixture.ann();
        ann.transaction::<_, _, DbErr>(|transaction| {
            Box::pin(async move { new_task("kept").insert(transaction).await })
        })
        .await
        .unwrap();
        let failed = ann
            .transaction_with_config::<_, (), DbErr>(
                |transaction| {
                    Box::pin(async move {
                        new_task("undone").insert(transaction).await?;
                        Err(DbErr::Custom("no".to_owned()))
                    })
                },
                Some(sea_orm::IsolationLevel::Serializable),
                None,
            )
            .await;
        assert!(failed.is_err());
        assert_stored(&fixture, 1).await;
    }

    async fn options_reach_the_transaction(fixture: Fixture) {
        let transaction = fixture
            .ann()
            .begin_with_config(Some(sea_orm::IsolationLevel::RepeatableRead), Some(sea_orm::AccessMode::ReadOnly))
            .await
            .unwrap();
        let show = "SELECT current_setting('transaction_isolation') || \
                    current_setting('transaction_read_only') AS s";
        let row = transaction
            .query_one_raw(Statement::from_string(DbBackend::Postgres, show))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.try_get::<String>("", "s").unwrap(), "repeatable readon");
        TransactionSession::rollback(transaction).await.unwrap();
    }

    async fn serial_keys_work_and_owner_without_field_is_filled(fixture: Fixture) {
        let hers = new_task("ann's").insert(&fixture.ann()).await.unwrap();
        let note = note::ActiveModel { task_id: Set(hers.id), body: Set("b".to_owned()), ..Default::default() };
        note.insert(&fixture.ann()).await.unwrap();
        assert_eq!(note::Entity::find().count(&fixture.bob()).await.unwrap(), 0);
        assert_eq!(note::Entity::find().count(&fixture.ann()).await.unwrap(), 1);
        let owner = Expr::col(note::Entity::owner_column());
        let by_owner = note::Entity::find().filter(ExprTrait::eq(owner, fixture.ann));
        assert_eq!(by_owner.count(&fixture.admin()).await.unwrap(), 1);
    }

    /// limits.md: "a pooled connection that still carries".
    async fn connection_goes_from_user_to_user_to_nobody(fixture: Fixture) {
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 1);
            assert_eq!(task::Entity::find().count(&fixture.bob()).await.unwrap(), 0);
            assert_eq!(task::Entity::find().count(&fixture.db.anonymous()).await.unwrap(), 0);
        }
    }
}
