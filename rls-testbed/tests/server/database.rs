//! Databases and roles that no two tests share.

use rls_testbed::{Error, Server, server};
use sqlx::{Connection, Executor, PgConnection, query_scalar};

async fn count(url: &str, sql: &'static str, name: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    query_scalar(sql)
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

const DATABASES: &str = "SELECT count(*) FROM pg_database WHERE datname = $1";
const ROLES: &str = "SELECT count(*) FROM pg_roles WHERE rolname = $1";

#[test]
fn tests_of_a_process_share_a_server() {
    assert!(std::ptr::eq(server().unwrap(), server().unwrap()));
}

#[tokio::test]
async fn databases_of_one_hint_differ() {
    let begun = std::time::Instant::now();
    let one = server().unwrap().database("same").await.unwrap();
    println!("server and database after {:?}", begun.elapsed());

    let begun = std::time::Instant::now();
    let other = server().unwrap().database("same").await.unwrap();
    println!("one more database after {:?}", begun.elapsed());
    assert_ne!(one.name(), other.name());
    assert_ne!(one.role("app"), other.role("app"));
    assert_eq!(one.role("app"), one.role("app"));
    one.execute("CREATE TABLE here ()").await.unwrap();
    other.execute("CREATE TABLE here ()").await.unwrap();
}

#[tokio::test]
async fn databases_are_made_at_once() {
    let server = server().unwrap();
    let made: Vec<_> = (0..8)
        .map(|_| tokio::spawn(server.database("parallel")))
        .collect();

    for database in made {
        database.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn database_and_roles_on_a_given_server_go_with_their_value() {
    let ours = Server::builder().own().tcp().start().unwrap();
    let admin = ours.url("postgres");

    for url in [
        admin.clone(),
        ours.database("given").await.unwrap().tcp_url().unwrap(),
    ] {
        let given = Server::builder().given(&url).start().unwrap();
        let database = given.database("given").await.unwrap();
        let role = database.role("app");

        database
            .execute(&format!(
                "CREATE ROLE {role}; CREATE TABLE t (); GRANT ALL ON t TO {role}"
            ))
            .await
            .unwrap();

        let name = database.name().to_owned();
        let _open = PgConnection::connect(&database.url()).await.unwrap();
        assert_eq!(
            (
                count(&admin, DATABASES, &name).await,
                count(&admin, ROLES, &role).await
            ),
            (1, 1)
        );

        let begun = std::time::Instant::now();
        drop(database);
        println!("dropped in {:?}", begun.elapsed());
        assert_eq!(
            (
                count(&admin, DATABASES, &name).await,
                count(&admin, ROLES, &role).await
            ),
            (0, 0)
        );
        drop(given);
    }

    assert_eq!(
        count(&admin, DATABASES, "postgres").await,
        1,
        "the given server runs on"
    );
}

/// A role with a privilege elsewhere cannot be dropped; the others can.
#[tokio::test]
async fn what_stays_on_a_given_server_keeps_nothing_else() {
    let ours = Server::builder().own().start().unwrap();
    let admin = ours.url("postgres");
    let given = Server::builder().given(&admin).start().unwrap();
    let database = given.database("given").await.unwrap();
    let (name, stays, goes) = (
        database.name().to_owned(),
        database.role("stays"),
        database.role("goes"),
    );

    database
        .execute(&format!(
            "CREATE ROLE {stays}; CREATE ROLE {goes}; GRANT CREATE ON DATABASE postgres TO {stays}"
        ))
        .await
        .unwrap();
    drop(database);

    assert_eq!(count(&admin, DATABASES, &name).await, 0);
    assert_eq!(count(&admin, ROLES, &stays).await, 1);
    assert_eq!(count(&admin, ROLES, &goes).await, 0);
}

#[tokio::test]
async fn template_is_made_once_and_anew_after_a_failure() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let server = server().unwrap();
    let count = AtomicUsize::new(0);
    let make = async |url: String| -> Result<(), Error> {
        if count.fetch_add(1, Ordering::Relaxed) == 0 {
            let reason = "as asked".to_owned();
            return Err(Error::DatabaseUrl { reason });
        }
        let mut connection = PgConnection::connect(&url).await.unwrap();
        connection.execute("CREATE TABLE t (i int)").await.unwrap();
        connection.close().await.unwrap();
        Ok(())
    };

    let of = |version, name| server.template("once_template", version, name, make);
    of("one", "first").await.unwrap_err();
    for _ in 0..2 {
        let copy = of("one", "first").await.unwrap().database("copy").await;
        let copy = copy.unwrap();
        copy.execute("INSERT INTO t VALUES (1)").await.unwrap();
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);

    // One of the same version is made while another is in the making.
    let slow = async |url: String| {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        of("one", "second").await?;
        connection.execute("CREATE TABLE t (i int)").await.unwrap();
        connection.close().await.unwrap();
        Ok::<_, Error>(())
    };
    let slow = server.template("once_template", "one", "slow", slow);
    slow.await.unwrap();
    let mut admin = PgConnection::connect(&server.url("postgres"))
        .await
        .unwrap();
    let mut names = async || -> Vec<String> {
        let names = "SELECT datname::text FROM pg_database WHERE datname LIKE 'once_template%'
                     ORDER BY 1";
        let names = sqlx::query_scalar(names).fetch_all(&mut admin);
        names.await.unwrap()
    };
    let of_one = ["first", "second", "slow"].map(|name| format!("once_template_one_{name}"));
    assert_eq!(names().await, of_one);

    // One of another version takes the place of all.
    of("two", "first").await.unwrap();
    assert_eq!(names().await, ["once_template_two_first"]);
}
