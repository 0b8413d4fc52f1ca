//! SeaORM's mock and proxy: services that take any connection run on them, and migrations say that
//! they do not.

use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, EntityTrait, MockDatabase,
    ProxyDatabaseTrait, ProxyExecResult, ProxyRow, QueryOrder, Statement,
};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::{RlsError, RlsSchema};
use uuid::Uuid;

use crate::fixture::{Fixture, config, entities, task};
use crate::schema::database;

/// As services are written: over any connection.
async fn titles(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let tasks = task::Entity::find()
        .order_by_asc(task::Column::Title)
        .all(db)
        .await?;
    Ok(tasks.into_iter().map(|task| task.title).collect())
}

#[tokio::test]
async fn service_over_any_connection_runs_on_a_scope_and_on_a_mock() {
    let row = task::Model {
        id: Uuid::nil(),
        title: "mocked".to_owned(),
        rank: 1,
        owner_id: Uuid::nil(),
    };

    let mock = MockDatabase::new(DbBackend::Postgres)
        .append_query_results([[row]])
        .into_connection();
    assert_eq!(titles(&mock).await.unwrap(), ["mocked"]);

    let fixture = Fixture::new(1).await;
    assert_eq!(titles(&fixture.ann()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn migrations_refuse_a_mock_and_say_so() {
    let (database, _) = database().await;
    let rls = RlsSchema::new(entities(), config(&database));
    let mock = MockDatabase::new(DbBackend::Postgres).into_connection();

    for error in [
        rls.plan(&mock).await.unwrap_err(),
        rls.sync(&mock).await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, RlsError::Backend { backend } if backend == "mock"),
            "{error:?}"
        );
        assert!(error.to_string().contains("mock"), "{error}");
    }
}

/// Statements to a server, each a transaction of its own: a proxy whose `begin` does nothing.
#[derive(Debug)]
struct Autocommit(DatabaseConnection);

#[async_trait::async_trait]
impl ProxyDatabaseTrait for Autocommit {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        let rows = self.0.query_all_raw(statement).await?;
        Ok(rows
            .iter()
            .map(sea_orm::from_query_result_to_proxy_row)
            .map(|row| ProxyRow { values: row.values })
            .collect())
    }

    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        let done = self.0.execute_unprepared(&statement.sql).await?;
        Ok(ProxyExecResult {
            last_insert_id: 0,
            rows_affected: done.rows_affected(),
        })
    }
}

#[tokio::test]
async fn migrations_refuse_a_proxy_without_transactions() {
    let (database, owner) = database().await;
    let rls = RlsSchema::new(entities(), config(&database));
    let proxy = Database::connect_proxy(DbBackend::Postgres, Arc::new(Box::new(Autocommit(owner))))
        .await
        .unwrap();
    let error = rls.sync(&proxy).await.unwrap_err();

    assert!(
        matches!(&error, RlsError::Schema(SchemaError::NoTransaction)),
        "{error:?}"
    );
}
