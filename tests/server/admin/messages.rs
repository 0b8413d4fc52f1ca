//! What the record costs in messages, counted by a proxy.

use sea_orm::{ConnectOptions, ConnectionTrait, EntityTrait, TransactionTrait};
use sea_orm_rls::{RlsConnection, UserContext};
use testbed::Proxy;

use super::because;
use crate::fixture::{Fixture, entities, task};
use crate::schema::text;

async fn through_proxy(fixture: &Fixture, audited: bool) -> (Proxy, RlsConnection) {
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

    let config = fixture.config.clone();
    let config = if audited {
        config
    } else {
        config.danger_no_audit()
    };

    (
        proxy,
        RlsConnection::connect_with(options, config, entities())
            .await
            .unwrap(),
    )
}

/// Runs something until its statements are prepared, and then once more; the round trips and
/// messages of that.
async fn messages(proxy: &Proxy, run: impl AsyncFn()) -> (usize, Vec<String>) {
    for _ in 0..2 {
        run().await;
    }

    let settle = || tokio::time::sleep(std::time::Duration::from_millis(50));
    settle().await;
    proxy.reset();
    run().await;
    settle().await;

    let mut flights: Vec<String> = proxy
        .counter()
        .flights()
        .iter()
        .map(ToString::to_string)
        .collect();

    // What the pool sends when a connection comes back to it nobody waits for, nor for a queued
    // rollback.
    flights.retain(|flight| flight != "S" && !flight.starts_with("Q ROLLBACK"));
    (flights.len(), flights)
}

#[tokio::test]
async fn statement_and_its_record_are_one_message() {
    let fixture = Fixture::new(1).await;
    let read = async |db: &RlsConnection| {
        let admin = db.admin(because("count"));
        drop(task::Entity::find().all(&admin).await.unwrap());
    };
    let read_only = async |db: &RlsConnection| {
        let admin = db.admin_read_only(because("count"));
        drop(task::Entity::find().all(&admin).await.unwrap());
    };
    let write = async |db: &RlsConnection| {
        let delete = task::Entity::delete_many();
        delete.exec(&db.admin(because("count"))).await.unwrap();
    };

    for audited in [true, false] {
        let (proxy, db) = through_proxy(&fixture, audited).await;
        for (what, (waited, flights)) in [
            ("read", messages(&proxy, async || read(&db).await).await),
            (
                "read-only",
                messages(&proxy, async || read_only(&db).await).await,
            ),
            ("write", messages(&proxy, async || write(&db).await).await),
        ] {
            assert_eq!(waited, 1, "{what}, {audited}: {flights:?}");
        }

        // The two reads, each three times, the write three times.
        let expected = if audited { "9" } else { "0" };
        let count = "SELECT count(*)::text FROM rls_audit WHERE actor = 'carol'";
        assert_eq!(text(&fixture.owner, count).await, expected);
        let delete = "DELETE FROM rls_audit";
        fixture.owner.execute_unprepared(delete).await.unwrap();
    }
}

#[tokio::test]
async fn record_of_a_transaction_is_in_its_begin() {
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, true).await;
    let transaction = async || {
        let transaction = db.admin(because("count")).begin().await.unwrap();
        for _ in 0..5 {
            task::Entity::find().all(&transaction).await.unwrap();
        }

        transaction.commit().await.unwrap();
    };

    let (waited, flights) = messages(&proxy, transaction).await;
    assert_eq!(waited, 7, "{flights:?}");
    assert!(
        flights[0].starts_with("Q BEGIN; SET LOCAL \"rls\".\"actor\" = 'carol'; "),
        "{flights:?}"
    );
    let insert = "; INSERT INTO \"public\".\"rls_audit\" DEFAULT VALUES";
    assert!(flights[0].ends_with(insert), "{flights:?}");
}

/// Text shows in `pg_stat_activity`, so the token has a message of its own: one, which the record takes too.
#[tokio::test]
async fn signed_record_of_a_transaction_costs_one_message() {
    let fixture = Fixture::signed(1).await;
    let (proxy, db) = through_proxy(&fixture, true).await;
    let transaction = async || {
        let transaction = db.admin(because("count")).begin().await.unwrap();
        task::Entity::find().all(&transaction).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let text = async || {
        let admin = db.admin(because("count"));
        admin.execute_unprepared("SELECT 1").await.unwrap();
    };

    let (_, flights) = messages(&proxy, transaction).await;
    assert_eq!(flights, ["Q BEGIN", "B, E, C, S", "B, E, C, S", "Q COMMIT"]);
    let (waited, flights) = messages(&proxy, text).await;
    assert_eq!(waited, 4, "{flights:?}");
    assert_eq!(flights[..2], ["Q BEGIN", "B, E, C, S"]);
}

#[tokio::test]
async fn record_of_another_login_costs_one_message() {
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, true).await;
    let read = async || {
        let ann = db.admin_as_user(because("count"), UserContext::new(fixture.ann));
        task::Entity::find().all(&ann).await.unwrap();
    };

    let (waited, flights) = messages(&proxy, read).await;
    assert_eq!(waited, 2, "{flights:?}");
}
