//! The proxy in front of a real server.

use std::time::{Duration, Instant};

use rls_testbed::{Database, Flight, Proxy, Server, server};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, query, query_scalar};
use tokio::time::timeout;

const PASSWORD: &str = "p@ss/w:rd%";

struct Setup {
    database: Database,
    user: String,
}

impl Setup {
    async fn new(server: &Server) -> Self {
        let database = server.database("proxy").await.unwrap();
        let user = database.role("user");
        let roles =
            format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'; CREATE TABLE t (i int)");

        database
            .execute(&format!("{roles}; GRANT ALL ON t TO {user}"))
            .await
            .unwrap();
        Self { database, user }
    }

    fn url(&self, proxy: &Proxy) -> String {
        self.database
            .proxy_url_as(proxy.address(), &self.user, PASSWORD)
    }

    async fn connect(&self, proxy: &Proxy) -> PgConnection {
        PgConnection::connect(&self.url(proxy)).await.unwrap()
    }

    async fn rows(&self) -> i64 {
        let mut admin = PgConnection::connect(&self.database.url()).await.unwrap();
        query_scalar("SELECT count(*) FROM t")
            .fetch_one(&mut admin)
            .await
            .unwrap()
    }
}

fn texts(flights: &[Flight]) -> Vec<String> {
    flights.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn proxy_counts_messages_and_round_trips() {
    let of_its_own = Server::builder().own().tcp().start().unwrap();
    for server in [server().unwrap(), &of_its_own] {
        let setup = Setup::new(server).await;
        let proxy = Proxy::to(server).recording().start().unwrap();
        let mut connection = setup.connect(&proxy).await;

        assert_eq!(
            (proxy.counter().connections(), proxy.counter().round_trips()),
            (1, 0)
        );

        connection.execute("BEGIN; SELECT 1").await.unwrap();
        query("SELECT $1 + 1")
            .bind(1)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        query("SELECT $1 + 1")
            .bind(2)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        connection.execute("ROLLBACK").await.unwrap();

        let counter = proxy.counter();
        let expected = [
            "Q BEGIN; SELECT 1",
            "P SELECT $1 + 1, D, S",
            "B, E, C, S",
            "B, E, C, S",
            "Q ROLLBACK",
        ]
        .map(str::to_owned);

        assert_eq!(texts(counter.flights()), expected);
        assert_eq!(counter.round_trips(), expected.len());
        assert_eq!(
            counter.queries().collect::<Vec<_>>(),
            ["BEGIN; SELECT 1", "ROLLBACK"]
        );
        assert_eq!(
            (counter.sent('P'), counter.sent('S'), counter.received('Z')),
            (1, 3, 5)
        );
        assert_eq!(counter.sent_total(), 13);

        proxy.reset();
        assert_eq!(proxy.counter().sent_total(), 0);
        connection.close().await.unwrap();
    }
}

#[tokio::test]
async fn rows_of_many_reads_pass_whole() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server)
        .round_trip(Duration::from_millis(1))
        .start()
        .unwrap();

    let mut connection = setup.connect(&proxy).await;
    let rows = connection
        .fetch_all("SELECT i, repeat('x', i % 500) FROM generate_series(1, 20000) i")
        .await
        .unwrap();

    assert_eq!(rows.len(), 20_000);
    assert!(
        rows.iter()
            .zip(1_i32..)
            .all(|(row, i)| row.get::<i32, _>(0) == i)
    );
    assert_eq!(proxy.counter().received('D'), 20_000);

    let long = "y".repeat(3_000_000);
    let echoed: String = query_scalar("SELECT $1")
        .bind(&long)
        .fetch_one(&mut connection)
        .await
        .unwrap();

    assert!(echoed == long);
}

#[tokio::test]
async fn round_trip_is_never_shorter_than_told() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let round_trip = Duration::from_millis(3);
    let proxy = Proxy::to(server).round_trip(round_trip).start().unwrap();
    let mut connection = setup.connect(&proxy).await;

    for _ in 0..20 {
        let begun = Instant::now();
        connection.ping().await.unwrap();
        assert!(begun.elapsed() >= round_trip);
    }
}

#[tokio::test]
async fn cut_ends_what_is_open_and_nothing_later() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server).start().unwrap();
    let (mut one, mut other) = (setup.connect(&proxy).await, setup.connect(&proxy).await);

    assert_eq!(proxy.cut(), 2);
    for connection in [&mut one, &mut other] {
        assert!(matches!(connection.ping().await, Err(sqlx::Error::Io(_))));
    }

    setup.connect(&proxy).await.ping().await.unwrap();
    assert_eq!(proxy.counter().connections(), 3);
}

#[tokio::test]
async fn held_request_waits_and_is_lost_when_cut() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server).start().unwrap();
    let mut connection = setup.connect(&proxy).await;

    proxy.hold();
    {
        let insert = connection.execute("INSERT INTO t VALUES (1)");
        tokio::pin!(insert);
        assert!(
            timeout(Duration::from_millis(50), &mut insert)
                .await
                .is_err()
        );
        assert_eq!(setup.rows().await, 0);
        proxy.release();
        insert.await.unwrap();
    }

    assert_eq!(setup.rows().await, 1);

    proxy.hold();
    {
        let insert = connection.execute("INSERT INTO t VALUES (2)");
        tokio::pin!(insert);
        assert!(
            timeout(Duration::from_millis(50), &mut insert)
                .await
                .is_err()
        );
        proxy.cut();
        assert!(matches!(insert.await, Err(sqlx::Error::Io(_))));
    }

    proxy.release();
    setup.connect(&proxy).await.ping().await.unwrap();
    assert_eq!(setup.rows().await, 1);
}

#[tokio::test]
async fn request_whose_answer_is_held_has_run() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server).start().unwrap();
    let mut connection = setup.connect(&proxy).await;

    connection
        .execute("BEGIN; INSERT INTO t VALUES (1)")
        .await
        .unwrap();

    proxy.hold_answers();

    let commit = connection.execute("COMMIT");
    tokio::pin!(commit);

    while setup.rows().await == 0 {
        assert!(
            timeout(Duration::from_millis(1), &mut commit)
                .await
                .is_err()
        );
    }

    proxy.cut();

    assert!(
        matches!(commit.await, Err(sqlx::Error::Io(_))),
        "the client cannot know that it is committed"
    );
}

#[tokio::test]
async fn last_words_of_the_server_reach_the_client() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server)
        .round_trip(Duration::from_millis(20))
        .start()
        .unwrap();

    let mut connection = setup.connect(&proxy).await;
    let backend: i32 = query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .unwrap();

    setup
        .database
        .execute(&format!("SELECT pg_terminate_backend({backend}, 5000)"))
        .await
        .unwrap();

    let error = connection.execute("SELECT 1").await.unwrap_err();
    let code = error.as_database_error().unwrap().code();
    assert_eq!(code.as_deref(), Some("57P01"), "{error}");
}

#[tokio::test]
async fn connections_end_with_the_proxy() {
    let server = server().unwrap();
    let setup = Setup::new(server).await;
    let proxy = Proxy::to(server).start().unwrap();
    let (mut connection, url) = (setup.connect(&proxy).await, setup.url(&proxy));

    proxy.hold();
    drop(proxy);
    assert!(connection.ping().await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());

    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'",
        setup.user
    );

    let mut admin = PgConnection::connect(&setup.database.url()).await.unwrap();

    while query_scalar::<_, i64>(AssertSqlSafe(open.as_str()))
        .fetch_one(&mut admin)
        .await
        .unwrap()
        > 0
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
