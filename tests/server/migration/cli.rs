//! The subcommand `rls`, and SeaORM's own beside it, as processes.

use std::path::{Path, PathBuf};

use sea_orm::ConnectionTrait;

use super::process::Process;
use crate::schema::{database, text};

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

/// What was done by hand since the last `up`.
const DRIFT: &str = r#"
ALTER TABLE task NO FORCE ROW LEVEL SECURITY;
ALTER POLICY comment_owner_select ON comment USING (true);
DROP POLICY comment_guard ON comment;
CREATE POLICY stray ON task FOR SELECT USING (is_done);
GRANT TRUNCATE ON "user" TO "APP";
CREATE TABLE legacy (id integer);
ALTER TABLE legacy ENABLE ROW LEVEL SECURITY;
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plan_and_status_show_drift_and_apply_repairs_it() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    process.prints(0, &["up"]);
    assert_eq!(
        process.prints(0, &["rls", "plan"]),
        "Nothing to change: the database is as the entities say.\n"
    );
    insta::assert_snapshot!("status", process.prints(0, &["rls", "status"]));
    owner
        .execute_unprepared(&DRIFT.replace("APP", &database.role("app")))
        .await
        .unwrap();

    insta::assert_snapshot!("plan_text", process.prints(2, &["rls", "plan"]));
    insta::assert_snapshot!(
        "plan_sql",
        process.prints(2, &["rls", "plan", "--format", "sql"])
    );
    insta::assert_snapshot!(
        "plan_json",
        process.prints(2, &["rls", "plan", "--format=json"])
    );
    insta::assert_snapshot!("status_drifted", process.prints(0, &["rls", "status"]));

    let applied = process.prints(0, &["rls", "apply", "--accept-breaking"]);
    assert!(
        applied.contains("4 changes") && applied.ends_with(" breaking what runs\nApplied.\n"),
        "{applied}"
    );
    process.prints(0, &["rls", "plan"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_weakens_is_applied_with_consent_only() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    process.prints(0, &["up"]);

    // As an earlier version of the entities would have left it: restrictive, with a fingerprint, and
    // no longer desired.
    let old = "CREATE POLICY old ON comment AS RESTRICTIVE FOR DELETE USING (false);
               CREATE POLICY old ON task AS RESTRICTIVE USING (is_done);
               COMMENT ON POLICY old ON task IS 'sea-orm-rls: 01 02';
               DROP POLICY comment_guard ON comment";

    owner.execute_unprepared(old).await.unwrap();
    owner
        .execute_unprepared("ALTER POLICY task_owner_select ON task TO pg_monitor")
        .await
        .unwrap();
    owner
        .execute_unprepared("COMMENT ON POLICY task_owner_select ON task IS NULL")
        .await
        .unwrap();

    let error = process.fails(1, &["rls", "apply"]);
    assert!(
        error.starts_with("error: these changes weaken protection: "),
        "{error}"
    );
    assert!(
        error.contains("--accept-weakening") && !error.contains("Weakens {"),
        "{error}"
    );
    process.prints(2, &["rls", "plan"]);

    // A guard that comes back refuses statements that run now.
    let error = process.fails(1, &["rls", "apply", "--accept-weakening"]);
    assert!(
        error.starts_with("error: statements of the version that is running would fail: ")
            && error.contains("--accept-breaking"),
        "{error}"
    );
    process.prints(
        0,
        &["rls", "apply", "--accept-weakening", "--accept-breaking"],
    );
    process.prints(0, &["rls", "plan"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn colours_are_for_terminals_and_sql_can_be_run() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    process.prints(0, &["up"]);
    owner
        .execute_unprepared("DROP POLICY comment_guard ON comment")
        .await
        .unwrap();

    for no_color in [None, Some("1")] {
        let mut command = process.command(&["rls", "plan"]);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }

        let output = command.output().unwrap();

        assert!(
            !output.stdout.is_empty() && !output.stdout.contains(&0x1b),
            "{output:?}"
        );
    }

    let sql = process.run(&["rls", "plan", "--format", "sql"]).stdout;
    owner
        .execute_unprepared(std::str::from_utf8(&sql).unwrap())
        .await
        .unwrap();
    process.prints(0, &["rls", "plan"]);

    let status = process.prints(0, &["rls", "status"]);

    assert!(
        status.contains("1 policy lacks the fingerprint"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_one_line_and_hold_no_password() {
    let (database, _owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    for (url, expected) in [
        (
            "",
            "no database is named: set DATABASE_URL, or pass `-u postgres://…`",
        ),
        (
            "mysql://root:hunter2@localhost/x",
            "the database's URL begins with `mysql`",
        ),
        (
            "host=x password=hunter2",
            "the database's URL begins with `something else`",
        ),
        ("postgres://u:hunter2@[", "cannot connect to the database: "),
        (
            "postgres://u:hunter2@127.0.0.1:1/x",
            "cannot connect to the database: ",
        ),
    ] {
        let error = process.fails(1, &["rls", "plan", "-u", url]);
        assert!(
            error.starts_with("error: ") && error.contains(expected),
            "{url}: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{url}: {error}");

        assert!(
            !error.contains("hunter2") && !error.contains('{'),
            "{url}: {error}"
        );
    }

    let mistake = process.fails(1, &["rls", "plan", "--format", "yaml"]);
    assert!(
        mistake.contains("possible values: text, sql, json"),
        "{mistake}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_is_read_from_env_files_too() {
    let (database, _owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(database.name());
    std::fs::create_dir(&directory).unwrap();
    std::fs::write(directory.join(".env"), "RLS_FORCE=perhaps\n").unwrap();

    for command in [["rls", "plan"].as_slice(), &["up"]] {
        let output = process
            .command(command)
            .current_dir(&directory)
            .output()
            .unwrap();

        let error = String::from_utf8_lossy(&output.stderr);

        assert!(
            output.status.code() == Some(1) && error.contains("RLS_FORCE is \"perhaps\""),
            "{error}"
        );
    }

    std::fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subcommands_of_seaorm_are_its_own() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    let help = process.prints(0, &["--help"]);
    assert!(
        help.contains("  rls ") && help.contains("  fresh ") && help.contains("--database-schema"),
        "{help}"
    );
    assert!(
        !help.contains("postgres://"),
        "the environment's URL is not shown: {help}"
    );

    let help = process.prints(0, &["rls", "--help"]);
    for command in [
        "plan", "apply", "status", "doctor", "report", "generate", "import",
    ] {
        assert!(help.contains(&format!("  {command} ")), "{help}");
    }

    // As `sea-orm-cli migrate` runs it.
    process.prints(0, &["up", "-n", "1", "-v"]);

    let status = process.prints(0, &["status"]);
    assert!(
        status.contains("'m20260101_000001_create_tables'... Applied"),
        "{status}"
    );
    owner
        .execute_unprepared("CREATE SCHEMA other")
        .await
        .unwrap();
    process.prints(0, &["-s", "other", "up"]);

    let policies = "SELECT count(*)::text FROM pg_policies WHERE schemaname = 'other'";
    assert_eq!(text(&owner, policies).await, "51");
    process.prints(0, &["-s", "other", "rls", "plan"]);
    process.prints(0, &["down"]);

    // FAULTS A13: it said that there is nothing to change, and exited with 0.
    let pending = process.fails(3, &["rls", "plan"]);
    assert!(
        pending.contains("2 migrations are pending: run `up` first"),
        "{pending}"
    );
    let plan = process.run(&["rls", "plan"]);
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(
        !plan.contains("is as the entities say") && plan.contains("task not compared"),
        "{plan}"
    );
    process.fails(2, &["nonsense"]);
}

/// FAULTS B: a password that is not set, and a variable that has no effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_password_and_misspelt_variable_are_warned_of() {
    let (database, owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };
    let misspelt = |arguments: &[&str]| {
        let output = process
            .command(arguments)
            .env_remove("RLS_APP_PASSWORD")
            .env("RLS_APP_PASWORD", "app secret")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8(said).unwrap()
    };

    let warning =
        "warning: the variable RLS_APP_PASWORD has no effect; did you mean RLS_APP_PASSWORD?";
    let role = database.role("app");
    let without = format!("The role `{role}` was made without a password");

    let up = misspelt(&["up"]);
    assert_eq!(up.matches(warning).count(), 1, "{up}");
    assert_eq!(up.matches(&without).count(), 1, "{up}");
    assert_eq!(up.matches("without a password").count(), 1, "{up}");
    assert!(!up.contains("secret"), "{up}");
    assert!(misspelt(&["rls", "status"]).contains(warning));

    let again = process.command(&["up"]).output().unwrap();
    let said = format!("{again:?}");
    assert!(again.status.success(), "{said}");
    for silent in ["warning", "without a password"] {
        assert!(!said.contains(silent), "{said}");
    }
    let set =
        format!("SELECT (rolpassword IS NOT NULL)::text FROM pg_authid WHERE rolname = '{role}'");
    assert_eq!(text(&owner, &set).await, "true");
}
