//! A dump that is restored elsewhere is what the entities say.

mod backup;

use std::fs;
use std::path::PathBuf;
use std::process::{Command as Process, Output};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ConnectionTrait, Database};
use sea_orm_rls::policy::{Expression, Grantee, Policy, setting};

use super::Things;
use crate::fixture::{Fixture, entities};
use crate::schema::database;

/// The `pg_dump` of the server's version: where its programs are, whatever links lead there; that of
/// `PATH` for a server of which only the address is known.
///
/// # Panics
///
/// If the server has none, as that of npm. A test that needs it is then left out by name
/// (`-- --skip policies::dump`), as `.ci/run` does: it does not pass without having run.
fn program() -> PathBuf {
    let Some(folder) = testbed::server().unwrap().programs() else {
        return "pg_dump".into();
    };

    let linked = fs::canonicalize(folder.join("postgres")).unwrap();
    let found = [folder, linked.parent().unwrap()]
        .map(|folder| folder.join("pg_dump"))
        .into_iter()
        .find(|program| program.exists());

    found.unwrap_or_else(|| {
        panic!(
            "no `pg_dump` beside {}: install PostgreSQL's client programs, or leave out these \
             tests with `-- --skip policies::dump`",
            linked.display()
        )
    })
}

fn pg_dump(url: &str, options: &[&str]) -> Output {
    Process::new(program())
        .args(["--no-owner", "--inserts", "--dbname", url])
        .args(options)
        .output()
        .unwrap()
}

/// The database as `pg_dump` writes it. The rows are `INSERT`s: a driver cannot send the `COPY … FROM
/// stdin` that `psql` reads.
fn dump(url: &str) -> String {
    let output = pg_dump(url, &[]);

    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let text = String::from_utf8(output.stdout).unwrap();

    // Lines for `psql` alone.
    text.lines()
        .filter(|line| !line.starts_with('\\'))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn restored_dump_needs_no_change() {
    let things = Things::new().await;
    let policies = || {
        [
            Policy::permissive("own")
                .using(Expr::col("owner_id").eq(setting::<i32>("app.account")))
                .comment("own"),
            Policy::permissive("up")
                .to([Grantee::Admin])
                .using(Expression::raw_sql(
                    "EXISTS (SELECT FROM thing up WHERE up.id = thing.parent AND up.state = 'Open')",
                )),
        ]
    };

    things.sync(policies()).await.unwrap();

    let dump = dump(&things.database.url());
    let (restored, connection) = database().await;
    connection.execute_unprepared(&dump).await.unwrap();

    let connection = Database::connect(restored.url()).await.unwrap();
    let plan = things.rls(policies()).plan(&connection).await.unwrap();
    assert_eq!(plan.to_string(), "");

    let other = [Policy::permissive("own").using(true)];

    assert!(
        !things
            .rls(other)
            .plan(&connection)
            .await
            .unwrap()
            .is_empty(),
        "it is compared at all"
    );
}

#[tokio::test]
async fn restored_dump_of_scoped_tables_passes_the_gate() {
    let fixture = Fixture::new(1).await;
    let dump = dump(&fixture.database.url());
    let (restored, connection) = database().await;

    connection.execute_unprepared(&dump).await.unwrap();

    let connection = Database::connect(restored.url()).await.unwrap();
    let rls = sea_orm_rls::RlsSchema::new(entities(), fixture.config.clone());
    assert_eq!(rls.plan(&connection).await.unwrap().to_string(), "");

    sea_orm_rls::RlsConnection::connect_with(restored.url(), fixture.config.clone(), entities())
        .await
        .unwrap();
}
