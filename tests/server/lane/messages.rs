//! What travels between client and server, counted by a proxy.

use futures_util::StreamExt;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    AccessMode, ActiveModelTrait, ConnectOptions, ConnectionTrait, EntityTrait, Set,
    TransactionTrait,
};
use sea_orm_rls::{RlsConnection, ScopedConnection, UserContext};
use testbed::{Counter, Proxy};

use super::new_task;
use crate::fixture::{Fixture, entities, task};

/// A connection through a recording proxy, its statements prepared and cached already.
async fn through_proxy(fixture: &Fixture) -> (Proxy, ScopedConnection) {
    let proxy = Proxy::to(testbed::server().unwrap())
        .recording()
        .start()
        .unwrap();

    let app = fixture.config.app_role().as_str();
    let mut options = ConnectOptions::new(fixture.database.proxy_url_as(
        proxy.address(),
        app,
        "app password'\\",
    ));

    options.max_connections(1);

    let db = RlsConnection::connect_with(options, fixture.config.clone(), entities())
        .await
        .unwrap();
    let ann = db.scope(UserContext::new(fixture.ann));

    for _ in 0..2 {
        new_task("warm").insert(&ann).await.unwrap();
        task::Entity::find().all(&ann).await.unwrap();
    }

    settle().await;
    proxy.reset();

    (proxy, ann)
}

/// What is dropped is rolled back when the pool gets the connection; nobody waits.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
}

/// What was sent and waited for, without what the pool asks of a connection that came back to it.
fn flights(counter: &Counter) -> Vec<String> {
    counter
        .flights()
        .iter()
        .map(ToString::to_string)
        .filter(|flight| flight != "S")
        .collect()
}

/// Runs something until its statements are prepared, and then once more; what that sent.
async fn sent(proxy: &Proxy, run: impl AsyncFn()) -> Vec<String> {
    for _ in 0..2 {
        run().await;
    }

    settle().await;
    proxy.reset();
    run().await;
    settle().await;

    let counter = proxy.counter();
    assert_eq!(counter.sent('P'), 0, "nothing is prepared again");
    flights(&counter)
}

#[tokio::test]
async fn statement_waits_for_one_answer() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    let id = uuid::Uuid::new_v4();

    let read = async || drop(task::Entity::find().all(&ann).await.unwrap());
    let one = async || drop(task::Entity::find().one(&ann).await.unwrap());
    let insert = async || drop(new_task("one").insert(&ann).await.unwrap());
    let upsert = async || {
        let model = task::ActiveModel {
            id: Set(id),
            ..new_task("upserted")
        };
        let update = OnConflict::column(task::Column::Id)
            .update_column(task::Column::Title)
            .to_owned();
        let upsert = task::Entity::insert(model).on_conflict(update);
        upsert.exec(&ann).await.unwrap();
    };
    let update = async || {
        let update = task::Entity::update_many().col_expr(task::Column::Rank, 2.into());
        update.exec(&ann).await.unwrap();
    };
    let stream = async || {
        let rows = task::Entity::find().stream(&ann).await.unwrap();
        assert!(rows.count().await > 0);
    };

    for (what, flights) in [
        ("read", sent(&proxy, read).await),
        ("one", sent(&proxy, one).await),
        ("insert", sent(&proxy, insert).await),
        ("upsert", sent(&proxy, upsert).await),
        ("update", sent(&proxy, update).await),
        ("stream", sent(&proxy, stream).await),
    ] {
        assert_eq!(flights.len(), 1, "{what}: {flights:?}");
        assert!(flights[0].starts_with('B'), "{what}: {flights:?}");
    }
}

#[tokio::test]
async fn transaction_waits_for_two_answers_more_than_its_statements() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;

    for (access, begin) in [
        (None, "Q BEGIN"),
        (Some(AccessMode::ReadOnly), "Q BEGIN READ ONLY"),
    ] {
        let five = async || {
            let transaction = ann.begin_with_config(None, access).await.unwrap();
            for _ in 0..5 {
                task::Entity::find().all(&transaction).await.unwrap();
            }

            transaction.commit().await.unwrap();
        };

        let flights = sent(&proxy, five).await;
        assert_eq!(flights.len(), 7, "{flights:?}");
        assert_eq!(flights[0], begin);
        assert_eq!(flights[6], "Q COMMIT");
    }
}

/// Statements of one text have the same parameters in a transaction and outside, so that the
/// connection prepares them once.
#[tokio::test]
async fn text_is_prepared_once_for_all_ways_to_send_it() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    let transaction = ann.begin().await.unwrap();
    task::Entity::find().all(&transaction).await.unwrap();
    transaction.commit().await.unwrap();

    let rows = task::Entity::find().stream(&ann).await.unwrap();
    assert!(rows.count().await > 0);
    assert_eq!(proxy.counter().sent('P'), 0);
}

/// Unprepared text and code cannot have parameters.
#[tokio::test]
async fn what_cannot_carry_the_context_gets_a_transaction() {
    let fixture = Fixture::new(1).await;
    let (proxy, ann) = through_proxy(&fixture).await;
    let context = format!("SET LOCAL \"app\".\"user_id\" = '{}'", fixture.ann);

    ann.execute_unprepared("SELECT 1").await.unwrap();
    let flights = flights(&proxy.counter());
    assert_eq!(flights.len(), 3, "{flights:?}");
    assert_eq!(flights[0], format!("Q BEGIN; {context}"));
    assert!(
        flights[1].starts_with(&format!("Q {context};")),
        "{flights:?}"
    );
    assert_eq!(flights[2], "Q COMMIT");
}
