//! What the record costs in messages, counted by a proxy.

use sea_orm::{ConnectOptions, EntityTrait, TransactionTrait};
use sea_orm_rls::{RlsConnection, UserContext};
use testbed::Proxy;

use super::because;
use crate::fixture::{Fixture, entities, task};

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
async fn record_travels_in_the_begin_message_and_costs_a_write_nothing() {
    let fixture = Fixture::new(1).await;
    let write = async |db: &RlsConnection| {
        task::Entity::delete_many()
            .exec(&db.admin(because("count")))
            .await
            .unwrap();
    };

    let transaction = async |db: &RlsConnection| {
        let transaction = db.admin(because("count")).begin().await.unwrap();
        for _ in 0..5 {
            task::Entity::find().all(&transaction).await.unwrap();
        }

        transaction.commit().await.unwrap();
    };

    for audited in [true, false] {
        let (proxy, db) = through_proxy(&fixture, audited).await;
        let (waited, flights) = messages(&proxy, async || write(&db).await).await;
        assert_eq!(waited, 3, "{flights:?}");

        let insert = "; INSERT INTO \"public\".\"rls_audit\" DEFAULT VALUES";
        assert_eq!(flights[0].ends_with(insert), audited, "{flights:?}");
        assert!(
            flights[0].starts_with("Q BEGIN; SET LOCAL \"rls\".\"actor\" = 'carol'; "),
            "{flights:?}"
        );

        let (waited, flights) = messages(&proxy, async || transaction(&db).await).await;
        assert_eq!(waited, 7, "{flights:?}");
    }
}

#[tokio::test]
async fn read_waits_for_a_commit_that_keeps_its_record() {
    let fixture = Fixture::new(1).await;
    for (audited, expected) in [(true, 3), (false, 2)] {
        let (proxy, db) = through_proxy(&fixture, audited).await;
        let read = async || {
            task::Entity::find()
                .all(&db.admin(because("count")))
                .await
                .unwrap();
        };

        let (waited, flights) = messages(&proxy, read).await;
        assert_eq!(waited, expected, "{flights:?}");

        let read = async || {
            task::Entity::find()
                .all(&db.admin_read_only(because("count")))
                .await
                .unwrap();
        };

        let (waited, flights) = messages(&proxy, read).await;
        assert_eq!(waited, expected, "{flights:?}");

        let last = "DEFAULT VALUES; SET TRANSACTION READ ONLY";
        assert!(flights[0].ends_with(last) == audited, "{flights:?}");
    }
}

#[tokio::test]
async fn record_of_another_login_costs_two_messages() {
    let fixture = Fixture::new(1).await;
    let (proxy, db) = through_proxy(&fixture, true).await;
    let read = async || {
        let ann = db.admin_as_user(because("count"), UserContext::new(fixture.ann));
        task::Entity::find().all(&ann).await.unwrap();
    };

    let (waited, flights) = messages(&proxy, read).await;
    assert_eq!(waited, 4, "{flights:?}");
    assert!(
        flights[0].ends_with("DEFAULT VALUES") && flights[1].starts_with("Q COMMIT"),
        "{flights:?}"
    );

    assert!(
        flights[2].starts_with("Q BEGIN READ ONLY; SET LOCAL \"app\".\"user_id\""),
        "{flights:?}"
    );
}
