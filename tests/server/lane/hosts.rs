//! Several hosts in the URL.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sea_orm::{ActiveModelTrait, ConnectOptions, EntityTrait, PaginatorTrait};
use sea_orm_rls::context::{Otherwise, ReadFrom};
use sea_orm_rls::{RlsConnection, RlsError, ScopedConnection};

use super::new_task;
use super::reads::is_standby;
use super::standby::Standby;
use crate::fixture::{Fixture, entities, task};

/// The URL of servers by the folders of their sockets.
fn url(folders: &[&Path], database: &str, target: &str) -> String {
    let hosts: Vec<_> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    let hosts = hosts.join(",");
    format!(
        "postgres://nobody@localhost:5432/{database}?host={hosts}&target_session_attrs={target}"
    )
}

async fn connect(fixture: &Fixture, url: String) -> Result<RlsConnection, RlsError> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(20));
    RlsConnection::connect_with(options, fixture.config.clone(), entities()).await
}

#[tokio::test]
async fn login_finds_the_host_that_is_asked_for() {
    let server = testbed::Server::builder().own().start().unwrap();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    let standby = Standby::following(&server, &[]).await;
    let (primary, second) = (server.folder().unwrap(), standby.folder());
    let nowhere = primary.join("nowhere");
    let database = fixture.database.name();

    for (folders, target, at_standby) in [
        ([second, primary], "read-write", false),
        ([second, primary], "primary", false),
        ([primary, second], "standby", true),
        ([primary, second], "read-only", true),
        ([primary, second], "prefer-standby", true),
        ([&nowhere, second], "any", true),
        ([&nowhere, primary], "prefer-standby", false),
    ] {
        let db = connect(&fixture, url(&folders, database, target))
            .await
            .unwrap();
        let ann = db.scope_read_only(fixture.ann_context(), ReadFrom::Primary);
        assert_eq!(is_standby(&ann).await, at_standby, "{target}");
        db.close().await;
    }

    // At once, with the reason for each.
    let begun = Instant::now();
    let error = connect(&fixture, url(&[&nowhere, second], database, "primary"))
        .await
        .unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, RlsError::NoHost { .. }), "{said}");
    assert!(
        said.contains("primary") && said.contains("it is a standby"),
        "{said}"
    );
    assert!(said.contains("nowhere:5432: "), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(3));

    let list = format!("postgres://me:secret@a:1,b:2/{database}");
    let error = connect(&fixture, list).await.unwrap_err();
    assert!(matches!(error, RlsError::Config(_)), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// Ends a server at once, and waits until it is gone.
async fn kill(server: &Path) {
    let id = fs::read_to_string(server.join("data/postmaster.pid")).unwrap();
    let id = id.lines().next().unwrap();
    let killed = Command::new("kill").args(["-QUIT", id]).status();
    assert!(killed.unwrap().success());

    while Path::new("/proc").join(id).exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Inserts a task, again and again until that succeeds. Returns how many errors there were.
async fn insert_at_last(
    scope: &ScopedConnection,
    is_expected: &impl Fn(&RlsError) -> bool,
) -> usize {
    let mut errors = 0;
    while let Err(error) = new_task("at last").insert(scope).await {
        let error = RlsError::from(error);
        assert!(is_expected(&error), "{error}");
        errors += 1;
    }

    errors
}

/// The primary is gone, then its standby becomes one; later it refuses writes, and the other is back.
#[tokio::test]
async fn login_finds_the_new_primary_after_a_failover() {
    let server = testbed::Server::builder().own().start().unwrap();
    let fixture = Fixture::on(&server, 1, |_| {}).await;
    let standby = Standby::following(&server, &[]).await;
    let (primary, second) = (server.folder().unwrap(), standby.folder());
    let url = url(&[primary, second], fixture.database.name(), "read-write");
    let db = connect(&fixture, url).await.unwrap();
    let ann = db.scope(fixture.ann_context());
    new_task("before").insert(&ann).await.unwrap();
    let position = db.position().await.unwrap();
    let followed = db
        .clone()
        .with_standby(standby.url("nobody", fixture.database.name()));
    let from = ReadFrom::StandbyAfter {
        position,
        within: Duration::from_secs(10),
        otherwise: Otherwise::Fail,
    };
    let reads = followed
        .await
        .unwrap()
        .scope_read_only(fixture.ann_context(), from);
    assert_eq!(task::Entity::find().count(&reads).await.unwrap(), 1);

    kill(primary).await;

    // Each connection that was there is lost, and says so; who then waits for one is served by the new
    // primary.
    let promote = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        standby.execute("SELECT pg_promote()").await;
    };
    let is_lost = |error: &RlsError| {
        matches!(
            error,
            RlsError::ConnectionLost { .. } | RlsError::CommitUnknown { .. }
        )
    };
    let write = insert_at_last(&ann, &is_lost);
    let (lost, ()) = tokio::join!(write, promote);
    assert!(lost <= 2, "{lost}");
    assert_eq!(task::Entity::find().count(&ann).await.unwrap(), 2);

    // It now refuses writes, and no other server is there.
    standby
        .execute("ALTER SYSTEM SET default_transaction_read_only = on")
        .await;
    standby.execute("SELECT pg_reload_conf()").await;
    tokio::time::sleep(Duration::from_millis(300)).await;

    // Each of the two connections says so, and is closed; then the servers are asked, until one writes.
    let allow = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        standby
            .execute("ALTER SYSTEM RESET default_transaction_read_only")
            .await;
        standby.execute("SELECT pg_reload_conf()").await;
    };
    let is_refused = |error: &RlsError| matches!(error, RlsError::ReadOnly { .. });
    let write = insert_at_last(&ann, &is_refused);
    let (refused, ()) = tokio::join!(write, allow);
    assert!((1..=4).contains(&refused), "{refused}");
    db.close().await;
}
