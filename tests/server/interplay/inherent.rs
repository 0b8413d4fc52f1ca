//! Code that is written for SeaORM's own connection and transaction compiles with another type's
//! name: what they have beside the traits. No trait of SeaORM's is imported here.

use rls_core::Restricted;
use sea_orm::rbac::{Action, RbacUserId, Table};
use sea_orm::{AccessMode, ActiveModelTrait, DbBackend, DbErr, EntityTrait, IsolationLevel};
use sea_orm::{PaginatorTrait, TransactionError};
use sea_orm_rls::{RlsError, ScopedConnection, ScopedTransaction};

use super::rbac::scopes;
use crate::fixture::{Fixture, task};
use crate::lane::new_task;

/// `Ok` with the number of tasks that the transaction sees, after one more.
async fn added(db: &ScopedTransaction) -> Result<u64, DbErr> {
    new_task("added").insert(db).await?;
    task::Entity::find().count(db).await
}

/// FAULTS B.
#[tokio::test]
async fn async_closures_run_in_a_transaction_of_a_scope() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();

    let seen = ann.transaction_async(added).await.unwrap();
    assert_eq!(seen, 1);

    // A closure that borrows from around it, as SeaORM's tests have them.
    let title = "borrowed".to_owned();
    let failed = ann
        .transaction_async::<_, (), DbErr>(async |db| {
            new_task(&title).insert(db).await?;
            Err(DbErr::Custom("no".to_owned()))
        })
        .await;
    assert!(
        matches!(failed, Err(TransactionError::Transaction(_))),
        "{failed:?}"
    );
    assert_eq!(task::Entity::find().count(&ann).await.unwrap(), 1);

    let refused = ann
        .transaction_with_config_async(
            added,
            Some(IsolationLevel::Serializable),
            Some(AccessMode::ReadOnly),
        )
        .await;
    let Err(TransactionError::Transaction(error)) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(RlsError::from(&error), RlsError::ReadOnly { .. }));
}

/// FAULTS B.
#[tokio::test]
async fn async_closures_run_in_a_nested_transaction() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();

    let outer = ann.transaction_async::<_, u64, DbErr>(async |outer| {
        outer.transaction_async(added).await.unwrap();
        let failed = outer
            .transaction_with_config_async::<_, (), DbErr>(
                async |inner| {
                    added(inner).await?;
                    Err(DbErr::Custom("no".to_owned()))
                },
                None,
                None,
            )
            .await;
        assert!(failed.is_err());
        task::Entity::find().count(outer).await
    });

    assert_eq!(outer.await.unwrap(), 1);
}

/// FAULTS B. With `ConnectionTrait` and `StreamTrait` in scope, each of which has it too.
#[tokio::test]
async fn backend_is_asked_without_a_trait() {
    let fixture = Fixture::new(1).await;
    let backend = |db: &ScopedConnection| db.get_database_backend();
    assert_eq!(backend(&fixture.ann()), DbBackend::Postgres);

    {
        #[allow(unused_imports, reason = "each has a method of that name")]
        use sea_orm::{ConnectionTrait, StreamTrait, TransactionTrait};

        let ann = fixture.ann();
        let transaction = ann.begin().await.unwrap();
        let asked = [
            ann.get_database_backend(),
            transaction.get_database_backend(),
        ];
        assert_eq!(asked, [DbBackend::Postgres; 2]);
    }
}

async fn through(writer: &Restricted<ScopedConnection>) -> Result<u64, TransactionError<DbErr>> {
    writer
        .transaction_async(async |db| {
            assert_eq!(db.get_database_backend(), DbBackend::Postgres);
            new_task("restricted").insert(db).await?;
            task::Entity::find().count(db).await
        })
        .await
}

/// FAULTS B.
#[tokio::test]
async fn restricted_scope_has_them_too() {
    use sea_orm::TransactionTrait;

    let (_fixture, reader, writer) = scopes().await;
    assert_eq!(writer.get_database_backend(), DbBackend::Postgres);
    assert_eq!(through(&writer).await.unwrap(), 2);
    assert!(matches!(
        through(&reader).await,
        Err(TransactionError::Transaction(DbErr::AccessDenied { .. }))
    ));

    let seen = writer
        .transaction_with_config_async(
            async |db| task::Entity::find().count(db).await,
            Some(IsolationLevel::RepeatableRead),
            Some(AccessMode::ReadOnly),
        )
        .await;
    assert_eq!(seen.unwrap(), 2);

    assert_eq!(writer.user_id(), RbacUserId(super::rbac::WRITER));
    let may_insert =
        |db: &Restricted<ScopedConnection>| db.user_can(Action("insert"), Table("task"));
    assert!(may_insert(&writer).unwrap());
    assert!(!may_insert(&reader).unwrap());
    assert!(reader.user_can_run(&delete()).is_err());

    let ended: [Restricted<ScopedTransaction>; 2] =
        [writer.begin().await.unwrap(), writer.begin().await.unwrap()];
    let [kept, undone] = ended;
    new_task("kept").insert(&kept).await.unwrap();
    new_task("undone").insert(&undone).await.unwrap();
    inherent_end(kept, undone).await.unwrap();
    assert_eq!(task::Entity::find().count(&writer).await.unwrap(), 3);
}

fn delete() -> sea_orm::sea_query::DeleteStatement {
    sea_orm::QueryTrait::into_query(task::Entity::delete_many())
}

async fn inherent_end(
    kept: Restricted<ScopedTransaction>,
    undone: Restricted<ScopedTransaction>,
) -> Result<(), DbErr> {
    Restricted::commit(kept).await?;
    Restricted::rollback(undone).await
}

/// FAULTS B.
#[tokio::test]
async fn ping_asks_the_server_and_needs_no_user() {
    let fixture = Fixture::new(1).await;
    fixture.db.ping().await.unwrap();

    fixture.db.clone().close().await;
    assert!(fixture.db.ping().await.is_err());
}
