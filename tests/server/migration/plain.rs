//! The command line as a login that owns its schema and may create no roles.

use std::path::Path;

use sea_orm::ConnectionTrait;

use super::process::Process;
use crate::schema::{database, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_for_the_administrator_are_printed() {
    let (database, owner) = database().await;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    let plain = database.role("plain");
    let create = format!(
        "CREATE ROLE \"{plain}\" LOGIN PASSWORD 'plain'; ALTER SCHEMA public OWNER TO \"{plain}\""
    );
    owner.execute_unprepared(&create).await.unwrap();

    let url = database.url_as(&plain, "plain");
    let run = |arguments: &[&str]| {
        process
            .command(arguments)
            .env("DATABASE_URL", &url)
            .output()
            .unwrap()
    };

    assert_eq!(
        run(&["rls", "plan"]).status.code(),
        Some(3),
        "migrations are pending"
    );

    let up = run(&["up"]);
    assert!(!up.status.success());

    let apply = run(&["rls", "apply"]);
    assert_eq!(apply.status.code(), Some(1));

    let said = String::from_utf8(apply.stderr).unwrap();
    assert!(!said.contains("secret"), "{said}");

    let statements: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("CREATE ROLE") || line.starts_with("\\password"))
        .collect();

    assert_eq!(statements.len(), 4, "{said}");

    let up =
        String::from_utf8_lossy(&up.stderr).into_owned() + &String::from_utf8_lossy(&up.stdout);
    assert!(
        statements.iter().all(|statement| up.contains(statement)),
        "{up}"
    );

    for statement in statements
        .iter()
        .filter(|statement| statement.ends_with(';'))
    {
        owner.execute_unprepared(statement).await.unwrap();
    }

    for arguments in [
        ["up"].as_slice(),
        &["rls", "apply"],
        &["rls", "plan"],
        &["rls", "doctor"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    }

    let policies = "SELECT count(*)::text FROM pg_policies WHERE schemaname = 'public'";
    assert_eq!(text(&owner, policies).await, "51");
}
