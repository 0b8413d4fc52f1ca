//! SeaORM's role-based access control says which tables and commands, row security which rows.

use rls_core::Restricted;
use sea_orm::rbac::schema::{RbacCreateTablesParams, create_tables};
use sea_orm::rbac::{RbacContext, RbacUserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, Set, Statement, TransactionTrait,
};
use sea_orm_rls::{RlsError, ScopedConnection};

use crate::fixture::{Fixture, task};
use crate::lane::new_task;

const READER: i64 = 1;
pub const WRITER: i64 = 2;

/// Ann's and Bob's tasks, and the scopes of Ann as a reader and as a writer.
pub async fn scopes() -> (
    Fixture,
    Restricted<ScopedConnection>,
    Restricted<ScopedConnection>,
) {
    let fixture = Fixture::new(2).await;
    new_task("ann's").insert(&fixture.ann()).await.unwrap();
    new_task("bob's").insert(&fixture.bob()).await.unwrap();

    let db = &fixture.owner;
    create_tables(db, RbacCreateTablesParams::default())
        .await
        .unwrap();

    let mut rbac = RbacContext::load(db).await.unwrap();
    rbac.add_tables(db, &["task", "user"]).await.unwrap();
    rbac.add_crud_permissions(db).await.unwrap();
    rbac.add_roles(db, &["reader", "writer"]).await.unwrap();
    rbac.add_role_permissions(db, "reader", &["select"], &["task"])
        .await
        .unwrap();
    rbac.add_role_permissions(
        db,
        "writer",
        &["select", "insert", "update", "delete"],
        &["task"],
    )
    .await
    .unwrap();
    rbac.assign_user_role(db, &[(READER, "reader"), (WRITER, "writer")])
        .await
        .unwrap();
    db.load_rbac().await.unwrap();

    // Connected to nothing: it is asked for permissions alone.
    let permissions = sea_orm::DatabaseConnection::default();
    permissions.replace_rbac(sea_orm::rbac::RbacEngine::load_from(db).await.unwrap());

    let scope = |user| {
        fixture
            .ann()
            .restricted(permissions.restricted_for(RbacUserId(user)).unwrap())
    };

    let (reader, writer) = (scope(READER), scope(WRITER));
    (fixture, reader, writer)
}

fn is_denied<T: std::fmt::Debug>(result: &Result<T, DbErr>) -> bool {
    matches!(result, Err(DbErr::AccessDenied { .. }))
}

#[tokio::test]
async fn permissions_and_policies_both_hold() {
    let (fixture, reader, writer) = scopes().await;
    for scope in [&reader, &writer] {
        let tasks = task::Entity::find().all(scope).await.unwrap();
        assert_eq!(
            tasks
                .iter()
                .map(|task| task.title.as_str())
                .collect::<Vec<_>>(),
            ["ann's"]
        );
        assert_eq!(task::Entity::find().count(scope).await.unwrap(), 1);
    }

    assert!(is_denied(&new_task("x").insert(&reader).await));
    assert!(is_denied(&task::Entity::delete_many().exec(&reader).await));
    assert!(
        is_denied(&crate::fixture::user::Entity::find().all(&reader).await),
        "a table no role has"
    );
    new_task("written").insert(&writer).await.unwrap();

    let deleted = task::Entity::delete_many().exec(&writer).await.unwrap();
    assert_eq!(deleted.rows_affected, 2, "Ann's alone");

    assert_eq!(
        task::Entity::find().count(&fixture.admin()).await.unwrap(),
        1,
        "Bob's is there"
    );
}

#[tokio::test]
async fn forged_owner_is_refused_by_the_policy_behind_the_permission() {
    let (fixture, _, writer) = scopes().await;
    let forged = task::ActiveModel {
        owner_id: Set(fixture.bob),
        ..new_task("forged")
    };

    let error = forged.insert(&writer).await.unwrap_err();

    assert!(
        matches!(RlsError::from(&error), RlsError::PolicyRefused { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn raw_statements_cannot_be_judged() {
    let (_fixture, _, writer) = scopes().await;
    let raw = || Statement::from_string(DbBackend::Postgres, "SELECT 'secret value'");

    for error in [
        writer.execute_raw(raw()).await.unwrap_err(),
        writer.query_one_raw(raw()).await.unwrap_err(),
        writer.query_all_raw(raw()).await.unwrap_err(),
        writer
            .execute_unprepared("SELECT 'secret value'")
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(&error, DbErr::RbacError(text) if !text.contains("secret")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn transactions_are_restricted_too() {
    let (fixture, reader, writer) = scopes().await;
    let transaction = writer.begin().await.unwrap();
    new_task("kept").insert(&transaction).await.unwrap();

    let nested = transaction.begin().await.unwrap();
    new_task("dropped").insert(&nested).await.unwrap();
    nested.rollback().await.unwrap();
    transaction.commit().await.unwrap();

    let refused = reader
        .transaction::<_, (), DbErr>(|transaction| {
            Box::pin(async move {
                assert_eq!(task::Entity::find().count(transaction).await?, 2);
                new_task("refused").insert(transaction).await.map(drop)
            })
        })
        .await;

    assert!(
        matches!(
            refused,
            Err(sea_orm::TransactionError::Transaction(
                DbErr::AccessDenied { .. }
            ))
        ),
        "{refused:?}"
    );

    let titles = task::Entity::find()
        .filter(task::Column::OwnerId.eq(fixture.ann))
        .all(&fixture.admin())
        .await
        .unwrap();

    let mut titles: Vec<_> = titles.into_iter().map(|task| task.title).collect();
    titles.sort();
    assert_eq!(titles, ["ann's", "kept"]);
}
