//! A row for each committed transaction of an administrator, and for no other.

use futures_util::TryStreamExt;
use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IsolationLevel,
    PaginatorTrait, Statement, StreamTrait, TransactionTrait,
};

use sea_orm_rls::RlsError;

use super::{carol, recorded};
use crate::fixture::{Fixture, task};
use crate::lane::{drop_after, new_task};
use crate::schema::text;

#[tokio::test]
async fn each_statement_of_an_administrator_leaves_a_row() {
    let fixture = Fixture::with_options(1, |options| {
        options.set_application_name("shop");
    })
    .await;

    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    assert!(
        recorded(&fixture).await.is_empty(),
        "what users do is not recorded"
    );

    let admin = carol(&fixture, "ticket 4711: it's \\ \"odd\"");
    assert_eq!(task::Entity::find().count(&admin).await.unwrap(), 1);
    task::Entity::delete_many().exec(&admin).await.unwrap();
    admin
        .execute_unprepared("SELECT 1; SELECT 2")
        .await
        .unwrap();

    let all = Statement::from_string(DbBackend::Postgres, "SELECT 1");
    admin
        .stream_raw(all)
        .await
        .unwrap()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();

    let rows = recorded(&fixture).await;
    assert_eq!(
        rows.len(),
        4,
        "a read, a write, unprepared text, a stream: {rows:?}"
    );

    for row in &rows {
        assert_eq!(
            (row.actor.as_str(), row.reason.as_str()),
            ("carol", "ticket 4711: it's \\ \"odd\"")
        );
        assert_eq!(
            (row.application.as_str(), row.login.as_str()),
            ("shop", fixture.config.admin_role().as_str())
        );
        assert!(row.recent && row.on_behalf_of.is_none(), "{row:?}");
    }

    let transactions: std::collections::BTreeSet<_> =
        rows.iter().map(|row| &row.transaction).collect();
    assert_eq!(transactions.len(), 4);
}

/// As after logical replication, which copies the record and not where its sequence stands.
#[tokio::test]
async fn record_whose_sequence_is_behind_says_what_to_set() {
    let fixture = Fixture::new(1).await;
    let admin = carol(&fixture, "ticket 1");
    assert_eq!(task::Entity::find().count(&admin).await.unwrap(), 0);

    let behind = "SELECT setval(pg_get_serial_sequence('rls_audit', 'id'), 1, false)";
    fixture.owner.execute_unprepared(behind).await.unwrap();
    let error = RlsError::from(task::Entity::find().count(&admin).await.unwrap_err());
    assert!(matches!(error, RlsError::AuditFailed { .. }), "{error:?}");
    assert!(error.to_string().contains("setval("), "{error}");
    assert_eq!(recorded(&fixture).await.len(), 1);

    let set = "SELECT setval(pg_get_serial_sequence('rls_audit', 'id'), max(id)) FROM rls_audit";
    fixture.owner.execute_unprepared(set).await.unwrap();
    assert_eq!(task::Entity::find().count(&admin).await.unwrap(), 0);
}

/// The record travels with the statement, and the error of a value that names it is no failure of
/// the record.
#[tokio::test]
async fn statement_that_fails_leaves_no_row() {
    let fixture = Fixture::new(1).await;
    let defer = r#"ALTER TABLE "task" ADD UNIQUE (title) DEFERRABLE INITIALLY DEFERRED"#;
    fixture.owner.execute_unprepared(defer).await.unwrap();
    new_task("same").insert(&fixture.ann()).await.unwrap();
    new_task("other").insert(&fixture.ann()).await.unwrap();

    let admin = carol(&fixture, "ticket 1");
    let cast = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT CAST($1 AS int)",
        ["rls_context_record".into()],
    );
    let fails_at_the_end = Statement::from_string(
        DbBackend::Postgres,
        "UPDATE task SET title = 'same' RETURNING title",
    );

    for (statement, state) in [(cast, "22P02"), (fails_at_the_end, "23505")] {
        let error = RlsError::from(admin.query_one_raw(statement).await.unwrap_err());
        assert!(matches!(error, RlsError::Database(_)), "{error:?}");
        assert_eq!(error.sqlstate().as_deref(), Some(state));
    }

    assert!(recorded(&fixture).await.is_empty());
}

/// limits.md: "statements of the administrator".
#[tokio::test]
async fn a_transaction_leaves_one_row_with_its_id_and_none_where_it_is_rolled_back() {
    let fixture = Fixture::new(1).await;
    let kept = carol(&fixture, "kept").begin().await.unwrap();
    let id = text(&kept, "SELECT pg_current_xact_id()::text").await;

    task::Entity::find().all(&kept).await.unwrap();

    let nested = kept.begin().await.unwrap();
    task::Entity::delete_many().exec(&nested).await.unwrap();
    nested.rollback().await.unwrap();
    assert!(
        recorded(&fixture).await.is_empty(),
        "it is of the transaction"
    );
    kept.commit().await.unwrap();

    let rows = recorded(&fixture).await;
    assert_eq!(
        rows.iter()
            .map(|row| row.transaction.as_str())
            .collect::<Vec<_>>(),
        [id]
    );

    let undone = carol(&fixture, "undone");
    undone.begin().await.unwrap().rollback().await.unwrap();
    drop(undone.begin().await.unwrap());
    undone.execute_unprepared("SELECT 1/0").await.unwrap_err();
    undone
        .transaction::<_, (), DbErr>(|_| Box::pin(async { Err(DbErr::Custom("no".to_owned())) }))
        .await
        .unwrap_err();

    let failed = undone.begin().await.unwrap();
    failed.execute_unprepared("SELECT 1/0").await.unwrap_err();
    failed.commit().await.unwrap_err();

    assert_eq!(
        recorded(&fixture).await,
        rows,
        "what was rolled back did nothing"
    );
}

#[tokio::test]
async fn transactions_with_options_are_recorded() {
    let fixture = Fixture::new(1).await;
    let admin = carol(&fixture, "options");
    let modes = "SELECT current_setting('transaction_isolation') || ', ' || \
                 current_setting('transaction_read_only')";

    for (isolation, access, expected) in [
        (
            Some(IsolationLevel::Serializable),
            Some(AccessMode::ReadOnly),
            "serializable, on",
        ),
        (
            Some(IsolationLevel::RepeatableRead),
            None,
            "repeatable read, off",
        ),
        (None, Some(AccessMode::ReadOnly), "read committed, on"),
        (None, Some(AccessMode::ReadWrite), "read committed, off"),
    ] {
        let transaction = admin.begin_with_config(isolation, access).await.unwrap();
        assert_eq!(text(&transaction, modes).await, expected);
        transaction.commit().await.unwrap();
    }

    assert_eq!(recorded(&fixture).await.len(), 4);
}

#[tokio::test]
async fn futures_dropped_at_any_point_leave_whole_records_or_none() {
    let fixture = Fixture::new(1).await;
    let admin = carol(&fixture, "dropped");

    // A login of its own takes many more polls than what comes after it.
    task::Entity::find().all(&admin).await.unwrap();

    let mut finished = 1;
    for polls in 0..40 {
        let work = async {
            let transaction = admin.begin().await.unwrap();
            task::Entity::delete_many()
                .exec(&transaction)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
            task::Entity::find().all(&admin).await.unwrap();
        };

        if drop_after(polls, work).await.is_some() {
            finished += 1;
        }
    }

    assert!(finished > 1);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;

    let rows = recorded(&fixture).await;
    assert!(
        rows.len() >= finished && rows.iter().all(|row| row.reason == "dropped"),
        "{rows:?}"
    );
    task::Entity::find().all(&admin).await.unwrap();
    assert_eq!(recorded(&fixture).await.len(), rows.len() + 1);
}

#[tokio::test]
async fn without_the_audit_administrators_act_unrecorded() {
    let fixture = Fixture::new(1).await;
    let config = fixture.config.clone().danger_no_audit();
    let entities = crate::fixture::entities();
    let db = sea_orm_rls::RlsConnection::connect_with(fixture.database.url(), config, entities)
        .await
        .unwrap();
    let admin = db.admin(super::because("unrecorded"));

    task::Entity::find().all(&admin).await.unwrap();
    task::Entity::delete_many().exec(&admin).await.unwrap();
    task::Entity::find()
        .all(&db.admin_as_user(super::because("x"), fixture.ann_context()))
        .await
        .unwrap();
    assert!(recorded(&fixture).await.is_empty());
}
