//! Backups under forced row security: what the tables' owner gets, and what a role for them gets.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use sea_orm::{ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, EntityTrait, Set};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::{RlsConnection, RlsSchema, UserContext};
use uuid::Uuid;

use super::{dump, pg_dump, program};
use crate::fixture::{Fixture, Public, entities, note, plain_login, task};
use crate::schema::{database, texts};

/// Each table's rows, as text. A superuser sees them all.
const ROWS: &str = "SELECT 'user ' || u::text FROM \"user\" u UNION ALL
                    SELECT 'task ' || t::text FROM task t UNION ALL
                    SELECT 'note ' || n::text FROM note n UNION ALL
                    SELECT 'audit ' || a::text FROM rls_audit a ORDER BY 1";

/// A task and a note of each user, and a record of an administrator.
async fn with_rows() -> Fixture {
    let fixture = Fixture::new(1).await;
    for (mine, title) in [(fixture.ann(), "of Ann"), (fixture.bob(), "of Bob")] {
        let task = task::ActiveModel {
            id: Set(Uuid::new_v4()),
            title: Set(title.to_owned()),
            rank: Set(1),
            ..Default::default()
        };
        let task = task.insert(&mine).await.unwrap();
        let note = note::ActiveModel {
            task_id: Set(task.id),
            body: Set(title.to_owned()),
            ..Default::default()
        };
        note.insert(&mine).await.unwrap();
    }

    let admin = fixture.admin();
    assert_eq!(task::Entity::find().all(&admin).await.unwrap().len(), 2);
    fixture
}

/// The role of `docs/manual/backups.md`.
async fn backup_role(database: &testbed::Database) -> String {
    let role = database.role("backup");
    let create = format!(
        "CREATE ROLE {role} LOGIN BYPASSRLS PASSWORD 'backup';
         ALTER ROLE {role} SET default_transaction_read_only = on;
         GRANT pg_read_all_data TO {role};
         GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO {role}"
    );
    database.execute(&create).await.unwrap();

    database.url_as(&role, "backup")
}

/// Gives the tables to a login that is no superuser, as a project's migrations have.
async fn plain_owner(fixture: &Fixture) -> String {
    plain_login(&fixture.database, Public::Granted).await;
    let role = fixture.database.role("plain");
    for table in ["\"user\"", "task", "note", "rls_audit"] {
        let give = format!("ALTER TABLE {table} OWNER TO \"{role}\"");
        fixture.database.execute(&give).await.unwrap();
    }

    fixture.database.url_as(&role, "plain")
}

fn error(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the doctor finds: the rules and their objects.
async fn examined(fixture: &Fixture, db: &DatabaseConnection) -> Vec<String> {
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let report = doctor.examine(db).await.unwrap();
    let findings = report.findings().iter();
    findings
        .map(|finding| format!("{} {}", finding.rule.id, finding.object))
        .collect()
}

/// Runs a dump as `psql` does, up to the first error.
fn restore(dump: &str, url: &str) -> Output {
    let mut psql = Command::new(program().with_file_name("psql"))
        .args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = psql.stdin.take().unwrap();

    // After an error, nobody reads the rest.
    let _written_or_stopped = stdin.write_all(dump.as_bytes());
    drop(stdin);
    psql.wait_with_output().unwrap()
}

#[tokio::test]
async fn plain_owner_of_forced_tables_gets_an_error_or_no_rows() {
    let fixture = with_rows().await;
    let owner = plain_owner(&fixture).await;
    let rows_only = ["--data-only", "--table=task"];

    let refused = error(&pg_dump(&owner, &rows_only));
    assert!(
        refused.contains("would be affected by row-level security policy for table \"task\""),
        "{refused}"
    );

    let [data, table] = rows_only;
    let empty = pg_dump(&owner, &[data, table, "--enable-row-security"]);
    let text = String::from_utf8(empty.stdout).unwrap();
    assert!(empty.status.success());
    assert!(!text.contains("INSERT INTO"), "{text}");

    // Not forced, the policies do not hold for the owner.
    let unforced = "ALTER TABLE task NO FORCE ROW LEVEL SECURITY";
    fixture.owner.execute_unprepared(unforced).await.unwrap();
    let all = pg_dump(&owner, &rows_only);
    let text = String::from_utf8(all.stdout).unwrap();
    assert_eq!(text.matches("INSERT INTO").count(), 2, "{text}");
}

#[tokio::test]
async fn dump_of_the_backup_role_restores_the_rows_of_all_users() {
    let fixture = with_rows().await;
    let revoke = "REVOKE EXECUTE ON FUNCTION set_config(text, text, boolean) FROM PUBLIC";
    fixture.owner.execute_unprepared(revoke).await.unwrap();
    let backup = backup_role(&fixture.database).await;
    let before = examined(&fixture, &fixture.owner).await;
    let rows = texts(&fixture.owner, ROWS).await;

    let dump = dump(&backup);
    let (restored, owner) = database().await;
    let output = restore(&dump, &restored.url());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(texts(&owner, ROWS).await, rows);
    assert_eq!(rows.len(), 7, "{rows:?}");

    let rls = RlsSchema::new(entities(), fixture.config.clone());
    assert_eq!(rls.plan(&owner).await.unwrap().to_string(), "");

    // The revoke is in the dump, too, and nothing is said of the role.
    let after = examined(&fixture, &owner).await;
    assert_eq!(after, before);
    assert!(!after.join(" ").contains("set_config"));

    let db = RlsConnection::connect_with(restored.url(), fixture.config.clone(), entities()).await;
    let mine = db.unwrap().scope(UserContext::new(fixture.ann));
    let tasks = task::Entity::find().all(&mine).await.unwrap();
    let titles: Vec<_> = tasks.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["of Ann"]);
}

#[tokio::test]
async fn backup_role_writes_nothing() {
    let fixture = with_rows().await;
    let backup = Database::connect(backup_role(&fixture.database).await)
        .await
        .unwrap();

    // Whoever has its password can end the read-only default, and still has no privilege to write.
    for writes in [
        "DELETE FROM task",
        "SET default_transaction_read_only = off; UPDATE task SET title = ''",
        "SET default_transaction_read_only = off; TRUNCATE task CASCADE",
    ] {
        let refused = backup.execute_unprepared(writes).await.unwrap_err();
        let refused = refused.to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("read-only"),
            "{writes}: {refused}"
        );
    }
}

#[tokio::test]
async fn materialised_view_of_a_plain_owner_stops_a_restore() {
    let fixture = with_rows().await;
    let titles = "SELECT title FROM titles ORDER BY 1";
    let view = "CREATE MATERIALIZED VIEW titles AS SELECT title FROM task";
    fixture.owner.execute_unprepared(view).await.unwrap();
    let dump = dump(&backup_role(&fixture.database).await);

    let (restored, superuser) = database().await;
    plain_login(&restored, Public::Owned).await;
    let plain = restored.url_as(&restored.role("plain"), "plain");
    let refused = error(&restore(&dump, &plain));
    assert!(
        refused.contains("would be affected by row-level security policy for table \"task\""),
        "{refused}"
    );

    // It runs as the view's owner, whoever asks.
    let refresh = "REFRESH MATERIALIZED VIEW titles";
    let as_dumps_do = format!("SET LOCAL row_security = off; {refresh}");
    assert!(superuser.execute_unprepared(&as_dumps_do).await.is_err());
    superuser.execute_unprepared(refresh).await.unwrap();
    assert!(texts(&superuser, titles).await.is_empty());

    let give = "ALTER MATERIALIZED VIEW titles OWNER TO CURRENT_USER";
    superuser.execute_unprepared(give).await.unwrap();
    superuser.execute_unprepared(refresh).await.unwrap();
    assert_eq!(texts(&superuser, titles).await, ["of Ann", "of Bob"]);
}
