//! `rls report`, as a process: the page describes the database, and nothing is changed.

use std::path::{Path, PathBuf};

use sea_orm::ConnectionTrait;
use sea_orm_rls::model::TableName;
use sea_orm_rls::schema::read;

use super::catalog;
use super::process::Process;
use crate::schema::{database, texts};

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

fn file(database: &testbed::Database) -> String {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.html", database.name()));
    file.to_str().unwrap().to_owned()
}

/// The page without the time at which it was made.
fn timeless(page: &str) -> String {
    let (before, after) = page.split_once("</code> at ").unwrap();
    format!("{before}{}", after.split_once(" UTC").unwrap().1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_is_a_page_about_the_database_and_changes_nothing() {
    let (database, owner) = database().await;
    let (manifest, file) = (manifest(), file(&database));
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    process.prints(0, &["up"]);

    let before = catalog(&owner).await;
    let said = process.prints(0, &["rls", "report", "-o", &file]);
    assert!(
        said.starts_with(&format!("Wrote {file}: 8 tables, ")),
        "{said}"
    );

    let page = std::fs::read_to_string(&file).unwrap();
    for part in [
        "The database is as the entities say.",
        &format!("Row security of {}", database.name()),
        "Each row is a user, known by <code>id</code>.",
        "Each row belongs to the user named in <code>owner_id</code>, a row of <code>user</code>",
        "An administrator may read, add, change and delete every row.",
        "row security enabled and forced",
        "<ul class=\"ownership\">",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }

    for secret in ["app secret", "admin secret", "SCRAM-SHA-256$"] {
        assert!(!page.contains(secret), "{secret}");
    }

    // What the server prints, and not what the entity asked for.
    assert!(page.contains("AS &quot;nullif&quot;"), "{page}");

    let again = process.prints(0, &["rls", "report", "-o", "-"]);
    let roles = [
        (database.role("app"), "rls_app_user"),
        (database.role("admin"), "rls_maintenance_admin"),
    ];

    let page = roles
        .iter()
        .fold(page, |page, (role, name)| page.replace(role.as_str(), name));
    assert_eq!(timeless(&page), timeless(&again));
    process.prints(0, &["rls", "report", "--format", "html", "--output", &file]);
    assert_eq!(catalog(&owner).await, before);
    std::fs::remove_file(&file).unwrap();
}

/// What was done by hand since the last `up`.
const DRIFT: &str = r#"
ALTER TABLE task NO FORCE ROW LEVEL SECURITY;
ALTER POLICY comment_owner_select ON comment USING (true);
DROP POLICY comment_guard ON comment;
CREATE POLICY "<b>stray" ON task FOR SELECT USING (is_done);
COMMENT ON POLICY "<b>stray" ON task IS 'for "<i>now</i>"';
GRANT TRUNCATE ON "user" TO "APP";
CREATE TABLE legacy (id integer);
ALTER TABLE legacy ENABLE ROW LEVEL SECURITY;
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_marks_what_differs_from_the_entities() {
    let (database, owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    process.prints(0, &["up"]);
    owner
        .execute_unprepared(&DRIFT.replace("APP", &database.role("app")))
        .await
        .unwrap();

    let page = process.prints(0, &["rls", "report", "-o", "-"]);
    for part in [
        "The database differs from what the entities say, in 4 points.",
        "not forced: its owner sees every row",
        "<span class=\"badge error\">missing</span>",
        "<span class=\"badge warning\">made by hand</span>",
        "&lt;b&gt;stray",
        "Comment: for &quot;&lt;i&gt;now&lt;/i&gt;&quot;",
        "The database holds another policy: the SQL is the actual one",
        "ALTER TABLE &quot;public&quot;.&quot;task&quot; FORCE ROW LEVEL SECURITY;",
        "<span class=\"badge error\">TRUNCATE</span>",
        "Unmanaged tables",
        "<code>legacy</code>",
        "RLS104",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }

    assert!(!page.contains("<b>") && !page.contains("<i>"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_of_an_empty_database_says_what_is_missing() {
    let (database, _owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    let page = process.prints(0, &["rls", "report", "-o", "-"]);
    assert!(page.contains("2 migrations are pending"), "{page}");
    assert_eq!(page.matches("not in the database<").count(), 8, "{page}");
    assert!(page.contains("does not exist"), "{page}");
}

/// The login may read the catalog and the migrations that ran, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_calls_nothing_as_desired_that_its_login_cannot_compare() {
    let (database, owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    process.prints(0, &["up"]);

    let auditor = database.role("auditor");
    let grants = format!(
        "CREATE ROLE \"{auditor}\" LOGIN PASSWORD 'secret'; GRANT SELECT ON seaql_migrations TO \
         \"{auditor}\";
         REVOKE TEMPORARY ON DATABASE \"{}\" FROM PUBLIC; ALTER POLICY comment_guard ON comment \
         USING (true)",
        database.name()
    );

    owner.execute_unprepared(&grants).await.unwrap();

    let page = process.prints(
        0,
        &[
            "rls",
            "report",
            "-o",
            "-",
            "-u",
            &database.url_as(&auditor, "secret"),
        ],
    );

    assert!(
        page.contains("The database was not compared with the entities: "),
        "{page}"
    );
    assert!(
        !page.contains("The database is as the entities say."),
        "{page}"
    );
    assert!(
        page.contains("not compared")
            && page.contains("<span class=\"badge error\">differs</span>"),
        "{page}"
    );
    assert!(page.contains("RLS113"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_applies_the_suppressions_of_the_project() {
    let (database, _owner) = database().await;
    let (manifest, suppressions) = (
        manifest(),
        file(&database).replace(".html", ".suppressions"),
    );
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    process.prints(0, &["up"]);
    std::fs::write(
        &suppressions,
        "allow RLS009 * no SQL of \"<others>\" runs here\n",
    )
    .unwrap();

    let page = process.prints(
        0,
        &["rls", "report", "-o", "-", "--suppressions", &suppressions],
    );
    assert!(
        page.contains("no SQL of &quot;&lt;others&gt;&quot; runs here"),
        "{page}"
    );
    std::fs::write(&suppressions, "allow RLS999 * x\n").unwrap();

    let error = process.fails(
        1,
        &["rls", "report", "-o", "-", "--suppressions", &suppressions],
    );
    assert!(
        error.contains("line 1: there is no rule `RLS999`") && error.lines().count() == 1,
        "{error}"
    );
    std::fs::remove_file(&suppressions).unwrap();

    let error = process.fails(
        1,
        &["rls", "report", "-o", "-", "--suppressions", &suppressions],
    );
    assert!(error.starts_with("error: cannot read "), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_overwrites_no_other_file() {
    let (database, _owner) = database().await;
    let (manifest, file) = (manifest(), file(&database));
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    std::fs::write(&file, "<html>a page of another program").unwrap();
    for (output, expected) in [
        (file.as_str(), "is there already"),
        ("/no/such/folder/r.html", "cannot write"),
    ] {
        let error = process.fails(1, &["rls", "report", "-o", output]);
        assert!(
            error.starts_with("error: ") && error.contains(expected) && error.lines().count() == 1,
            "{error}"
        );
        assert!(!error.contains("Os {"), "{error}");
    }

    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "<html>a page of another program"
    );
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_describes_each_column_of_the_audit() {
    let (database, owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    process.prints(0, &["up"]);

    let columns = texts(
        &owner,
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'rls_audit' \
         ORDER BY ordinal_position",
    )
    .await;

    let page = process.prints(0, &["rls", "report", "-o", "-"]);
    let part = page
        .split_once("<table class=\"audit\">")
        .unwrap()
        .1
        .split_once("</table>")
        .unwrap()
        .0;

    let described: Vec<&str> = part
        .split("<code>")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("</code>")?.0))
        .collect();

    assert!(!columns.is_empty());
    assert_eq!(described, columns);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fingerprint_changes_with_row_security() {
    let fixture = crate::fixture::Fixture::new(1).await;
    let owner = &fixture.owner;
    let names: Vec<TableName> = crate::fixture::entities()
        .scopes()
        .iter()
        .map(|scope| scope.table.clone())
        .collect();

    let fingerprint = async || {
        let found: Vec<_> = read::tables(owner, &names)
            .await
            .unwrap()
            .into_iter()
            .flatten()
            .collect();

        assert_eq!(found.len(), 3);
        read::fingerprint(&found)
    };

    let before = fingerprint().await;
    let guard = "ALTER POLICY task_guard ON task USING (true)";
    let app = fixture.config.app_role();

    for (change, back) in [
        (
            "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE task FORCE ROW LEVEL SECURITY",
        ),
        (
            "CREATE POLICY p ON task USING (true)",
            "DROP POLICY p ON task",
        ),
        (
            &format!("GRANT TRUNCATE ON task TO \"{app}\""),
            &format!("REVOKE TRUNCATE ON task FROM \"{app}\""),
        ),
        (
            "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE note ENABLE ROW LEVEL SECURITY",
        ),
    ] {
        owner.execute_unprepared(change).await.unwrap();
        assert_ne!(fingerprint().await, before, "{change}");
        owner.execute_unprepared(back).await.unwrap();
        assert_eq!(fingerprint().await, before, "{back}");
    }

    owner.execute_unprepared(guard).await.unwrap();
    assert_ne!(fingerprint().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_are_read_with_attributes_and_memberships() {
    let fixture = crate::fixture::Fixture::new(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    fixture
        .owner
        .execute_unprepared(&format!("GRANT pg_monitor TO \"{admin}\""))
        .await
        .unwrap();

    let nobody = sea_orm_rls::model::Identifier::new("nobody has this name").unwrap();
    let roles = read::roles(&fixture.owner, &[app.clone(), nobody, admin.clone()])
        .await
        .unwrap();
    let [Some(app_role), None, Some(admin_role)] = roles.as_slice() else {
        panic!("{roles:?}")
    };

    assert_eq!(
        (&app_role.role, app_role.attributes.as_slice()),
        (app, ["LOGIN"].as_slice())
    );
    assert!(app_role.member_of.is_empty());
    assert_eq!(
        admin_role
            .member_of
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["pg_monitor"]
    );

    let server = read::server(&fixture.owner).await.unwrap();

    assert_eq!(
        (server.database.as_str(), server.schema.as_str()),
        (fixture.database.name(), "public")
    );
}
