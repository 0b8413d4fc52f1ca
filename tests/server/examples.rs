//! The examples, run as the processes they are, on a fresh database.

use std::process::Output;

use crate::migration::process::{Process, program, this_workspace};
use crate::schema::{database, text, texts};

fn run(package: &str, arguments: &[&str], database: &testbed::Database) -> Output {
    let manifest = this_workspace();
    let process = Process {
        manifest: &manifest,
        package,
        database,
    };

    process.run(arguments)
}

fn succeeds(package: &str, arguments: &[&str], database: &testbed::Database) -> String {
    let output = run(package, arguments, database);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );

    assert!(
        output.status.success(),
        "{package} {arguments:?}: {out}{err}"
    );
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_migrates_as_a_process() {
    let (database, owner) = database().await;
    let up = succeeds("tasks-migration", &["up"], &database);
    assert!(up.contains("changes applied"), "{up}");
    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "51"
    );

    let again = succeeds("tasks-migration", &["up"], &database);
    assert!(again.contains("is as the entities say"), "{again}");

    let status = succeeds("tasks-migration", &["status"], &database);
    assert!(
        status.contains("'m20260101_000001_create_tables'... Applied"),
        "{status}"
    );

    for (command, policies) in [
        ("refresh", "51"),
        ("down", "33"),
        ("up", "51"),
        ("fresh", "51"),
        ("reset", "0"),
    ] {
        succeeds("tasks-migration", &[command], &database);
        assert_eq!(
            text(&owner, "SELECT count(*)::text FROM pg_policies").await,
            policies,
            "after {command}"
        );
    }

    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";

    assert_eq!(
        texts(&owner, tables).await,
        ["rls_audit"],
        "reset leaves no table but the record"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_configuration_stops_a_migration_before_it_changes_anything() {
    let (database, owner) = database().await;
    let output = program(&this_workspace(), "tasks-migration")
        .arg("up")
        .env("DATABASE_URL", database.url())
        .env("RLS_FORCE", "perhaps")
        .output()
        .unwrap();

    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("RLS_FORCE is \"perhaps\""),
        "{error}"
    );

    assert!(
        texts(
            &owner,
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'"
        )
        .await
        .is_empty()
    );
}
