//! An administrator who only reads: the server refuses every write, and the record stays.

use futures_util::TryStreamExt;
use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait,
    Statement, StreamTrait, TransactionTrait,
};
use sea_orm_rls::context::ReadOnlyAdminConnection;
use sea_orm_rls::{RlsConnection, RlsError};

use super::{because, recorded};
use crate::fixture::{Fixture, entities, task};
use crate::lane::new_task;
use crate::schema::text;

const WRITES: [&str; 5] = [
    "DELETE FROM task",
    "UPDATE task SET title = 'x'",
    "TRUNCATE task",
    "INSERT INTO rls_audit (reason) VALUES ('x')",
    "WITH gone AS (DELETE FROM task RETURNING id) SELECT * FROM gone",
];

fn reader(fixture: &Fixture) -> ReadOnlyAdminConnection {
    fixture.db.admin_read_only(because("looks"))
}

fn assert_refused(result: Result<impl std::fmt::Debug, sea_orm::DbErr>, what: &str) {
    let error = RlsError::from(result.unwrap_err());
    assert!(
        matches!(error, RlsError::ReadOnly { .. }),
        "{what}: {error:?}"
    );
    assert_eq!(error.sqlstate().as_deref(), Some("25006"));
}

#[tokio::test]
async fn writes_are_refused_by_the_server() {
    let fixture = Fixture::new(1).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();

    let admin = reader(&fixture);
    assert_eq!(
        task::Entity::find().count(&admin).await.unwrap(),
        1,
        "it sees all rows"
    );

    for sql in WRITES {
        let statement = || Statement::from_string(DbBackend::Postgres, sql);
        assert_refused(admin.execute_unprepared(sql).await, sql);
        assert_refused(admin.execute_raw(statement()).await, sql);
        assert_refused(
            admin
                .stream_raw(statement())
                .await
                .unwrap()
                .try_collect::<Vec<_>>()
                .await,
            sql,
        );

        let transaction = admin
            .begin_with_config(None, Some(AccessMode::ReadWrite))
            .await
            .unwrap();

        assert_refused(transaction.execute_unprepared(sql).await, sql);
    }

    assert_refused(new_task("new").insert(&admin).await, "insert");
    assert_eq!(task::Entity::find().count(&fixture.ann()).await.unwrap(), 1);

    let rows = recorded(&fixture).await;

    assert_eq!(
        rows.len(),
        1,
        "the read is recorded, and the refused are not: {rows:?}"
    );
}

/// Without a record the begin message is `BEGIN READ ONLY`; a write that looks like a read is not
/// run again.
#[tokio::test]
async fn writes_are_refused_without_a_record_too() {
    let fixture = Fixture::new(1).await;
    let config = fixture.config.clone().danger_no_audit();
    let entities = crate::fixture::entities();
    let db = sea_orm_rls::RlsConnection::connect_with(fixture.database.url(), config, entities)
        .await
        .unwrap();

    fixture
        .owner
        .execute_unprepared(
            "CREATE SEQUENCE s; GRANT USAGE ON s TO PUBLIC; CREATE VIEW v AS \
                             SELECT nextval('s') AS n; GRANT SELECT ON v TO PUBLIC",
        )
        .await
        .unwrap();

    let admin = db.admin_read_only(because("looks"));

    for sql in WRITES.into_iter().chain(["SELECT n FROM v"]) {
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        assert_refused(admin.query_all_raw(statement.clone()).await, sql);

        assert_refused(
            admin
                .stream_raw(statement)
                .await
                .unwrap()
                .try_collect::<Vec<_>>()
                .await,
            sql,
        );
    }
}

#[tokio::test]
async fn nothing_takes_it_back() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(
            "CREATE FUNCTION writable() RETURNS text LANGUAGE sql AS
             $$ SELECT set_config('transaction_read_only', 'off', true) $$",
        )
        .await
        .unwrap();

    let transaction = reader(&fixture).begin().await.unwrap();
    let error = transaction.execute_unprepared("SELECT writable()").await;
    let error = RlsError::from(error.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("25001"), "{error:?}");
}

/// FAULTS A21. As the first statement, before any query, the server would take it.
#[tokio::test]
async fn first_statement_does_not_take_it_back() {
    let fixture = Fixture::new(1).await;
    let config = fixture.config.clone().danger_no_audit();
    let url = fixture.database.url();
    let db = RlsConnection::connect_with(url, config, entities()).await;
    let db = db.unwrap();

    for sql in [
        "SET TRANSACTION READ WRITE",
        "SET LOCAL transaction_read_only = off",
    ] {
        let reads = db.admin_read_only(because("looks")).begin().await.unwrap();
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        for refused in [
            reads.execute_raw(statement).await,
            reads.execute_unprepared(sql).await,
        ] {
            let error = RlsError::from(refused.unwrap_err());
            assert!(
                matches!(error, RlsError::TransactionControl { .. }),
                "{sql}: {error:?}"
            );
        }

        assert_refused(new_task("written").insert(&reads).await, sql);
    }
}

#[tokio::test]
async fn a_transaction_that_reads_is_recorded_when_it_commits() {
    let fixture = Fixture::new(1).await;
    let transaction = reader(&fixture).begin().await.unwrap();
    let id = text(
        &transaction,
        "SELECT pg_current_xact_id_if_assigned()::text",
    )
    .await;

    task::Entity::find().all(&transaction).await.unwrap();

    let nested = transaction.begin().await.unwrap();
    task::Entity::find().all(&nested).await.unwrap();
    nested.commit().await.unwrap();
    transaction.commit().await.unwrap();
    drop(reader(&fixture).begin().await.unwrap());

    let rows = recorded(&fixture).await;

    assert_eq!(
        rows.iter()
            .map(|row| row.transaction.as_str())
            .collect::<Vec<_>>(),
        [id]
    );
}
