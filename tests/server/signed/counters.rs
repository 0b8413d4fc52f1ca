//! What the server counts before a policy is no answer to the application's role.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::RlsError;
use sea_orm_rls::doctor::Level;

use super::level::Hardened;
use crate::fixture::Fixture;
use crate::schema::text;

/// Counts of scans in this transaction and before, of tables, indexes and the database, and the rows that
/// a serializable transaction has read.
const COUNTS: [&str; 8] = [
    "SELECT seq_tup_read FROM pg_stat_xact_user_tables",
    "SELECT n_live_tup FROM pg_stat_user_tables",
    "SELECT idx_tup_read FROM pg_stat_user_indexes",
    "SELECT heap_blks_hit FROM pg_statio_user_tables",
    "SELECT idx_blks_hit FROM pg_statio_user_indexes",
    "SELECT tup_returned FROM pg_stat_database",
    "SELECT pg_stat_get_xact_tuples_returned('task'::regclass)",
    "SELECT page, tuple FROM pg_locks",
];

/// Those that it refuses for want of a privilege; any other error is a failure.
async fn refused(login: &DatabaseConnection) -> Vec<&'static str> {
    let mut refused = Vec::new();
    for count in COUNTS {
        if let Err(error) = login.execute_unprepared(count).await {
            let sqlstate = RlsError::from(error).sqlstate();
            assert_eq!(sqlstate.as_deref(), Some("42501"), "{count}");
            refused.push(count);
        }
    }
    refused
}

#[tokio::test]
async fn counters_answer_those_who_watch_the_server_alone() {
    let fixture = Fixture::signed(1).await;
    let app = fixture.config.app_role().as_str();
    let app = Database::connect(fixture.database.url_as(app, "app password'\\")).await;
    let app = app.unwrap();
    assert_eq!(refused(&app).await, Vec::<&str>::new());

    let hardened = Hardened::of(fixture).await;
    assert_eq!(refused(&app).await, COUNTS);

    let watcher = hardened.fixture.database.role("watcher");
    let create = format!(
        "CREATE ROLE \"{watcher}\" LOGIN PASSWORD 'watches'; GRANT pg_monitor TO \"{watcher}\""
    );
    hardened.run(&create).await;
    let url = hardened.fixture.database.url_as(&watcher, "watches");
    let watcher = Database::connect(url).await.unwrap();
    assert_eq!(refused(&watcher).await, Vec::<&str>::new());
}

/// The npm package has all of them, and so have Debian's.
#[tokio::test]
async fn extensions_that_count_or_run_text_end_the_level_until_their_remedy() {
    let hardened = Hardened::of(Fixture::signed(1).await).await;
    for (extension, rule) in [
        ("pgrowlocks", "RLS030"),
        ("pg_stat_statements", "RLS030"),
        ("xml2", "RLS021"),
    ] {
        let available = format!(
            "SELECT count(*)::text FROM pg_available_extensions WHERE name = '{extension}'"
        );
        if text(&hardened.fixture.owner, &available).await == "0" {
            // A server that lacks it has nobody who could use it.
            let create = format!("CREATE EXTENSION {extension}");
            assert!(
                hardened
                    .fixture
                    .owner
                    .execute_unprepared(&create)
                    .await
                    .is_err()
            );
            continue;
        }

        hardened.run(&format!("CREATE EXTENSION {extension}")).await;
        let report = hardened.report().await;
        assert_ne!(report.level(), Level::Signed, "{extension}");
        let found = report.findings().iter().map(|it| it.rule.id);
        assert!(
            found.into_iter().any(|it| it == rule),
            "{}",
            report.text(false)
        );
        hardened.harden().await;
    }
}
