//! `rls doctor` as a process: what it prints, what it exits with, what it keeps.

use std::path::{Path, PathBuf};
use std::process::Output;

use sea_orm::{ConnectionTrait, JsonValue};

use super::process::Process;
use crate::schema::database;

/// What was done by hand since the last `up`.
const DRIFT: &str = r#"
ALTER TABLE task NO FORCE ROW LEVEL SECURITY;
CREATE POLICY stray ON task FOR SELECT USING (is_done);
GRANT SELECT ON comment TO PUBLIC;
CREATE VIEW "all of them" AS SELECT * FROM task;
GRANT SELECT ON "all of them" TO "APP";
"#;

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

/// Runs it in `folder`; its exit code, standard output and standard error.
fn run_in(folder: &Path, process: &Process<'_>, arguments: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = process
        .command(arguments)
        .current_dir(folder)
        .output()
        .unwrap();

    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_says_what_is_wrong_and_exits_with_it() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    let login = format!(
        "`{}`",
        crate::schema::text(&owner, "SELECT current_user::text").await
    );

    process.prints(0, &["up"]);
    insta::assert_snapshot!(
        "doctor_healthy",
        process
            .prints(0, &["rls", "doctor"])
            .replace(database.name(), "tasks")
    );
    owner
        .execute_unprepared(&DRIFT.replace("APP", &database.role("app")))
        .await
        .unwrap();

    let text = process.prints(1, &["rls", "doctor"]);
    assert!(!text.contains('\u{1b}'), "{text}");
    insta::assert_snapshot!(
        "doctor_drifted",
        text.replace(&login, "`postgres`")
            .replace(database.name(), "tasks")
    );
    process.prints(1, &["rls", "doctor", "--fail-on", "error"]);

    let json: JsonValue = process
        .prints(1, &["rls", "doctor", "--format=json"])
        .parse()
        .unwrap();

    assert_eq!(
        (json["errors"].as_u64(), json["warnings"].as_u64()),
        (Some(2), Some(2)),
        "{json}"
    );

    let sarif: JsonValue = process
        .prints(1, &["rls", "doctor", "--format", "sarif"])
        .parse()
        .unwrap();

    assert_is_what_code_hosts_take(&sarif);
    assert_eq!(
        sarif["runs"][0]["results"].as_array().unwrap().len(),
        json["findings"].as_array().unwrap().len()
    );
    owner
        .execute_unprepared("DROP VIEW \"all of them\"; REVOKE SELECT ON comment FROM PUBLIC")
        .await
        .unwrap();
    process.prints(0, &["rls", "apply", "--accept-breaking"]);
    process.prints(0, &["rls", "doctor", "--fail-on", "error"]);
    process.prints(1, &["rls", "doctor"]);
}

/// What SARIF 2.1.0 requires, and what GitHub's code scanning requires beside it: texts of rules
/// and messages, a level, a rule that is there, and a file in the repository for each result.
fn assert_is_what_code_hosts_take(sarif: &JsonValue) {
    let text = |value: &JsonValue| value["text"].as_str().is_some_and(|text| !text.is_empty());
    assert_eq!(sarif["version"], "2.1.0");
    assert_eq!(
        sarif["$schema"],
        "https://json.schemastore.org/sarif-2.1.0.json"
    );

    let [run] = sarif["runs"].as_array().unwrap().as_slice() else {
        panic!("one run")
    };
    let driver = &run["tool"]["driver"];
    assert!(driver["name"].is_string() && driver["semanticVersion"].is_string());

    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(
            rule["id"].is_string()
                && text(&rule["shortDescription"])
                && text(&rule["fullDescription"]),
            "{rule}"
        );
        assert!(
            text(&rule["help"]) && rule["help"]["markdown"].is_string(),
            "{rule}"
        );

        assert!(
            ["note", "warning", "error"]
                .map(Into::into)
                .contains(&rule["defaultConfiguration"]["level"]),
            "{rule}"
        );
    }

    for result in run["results"].as_array().unwrap() {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
        assert!(text(&result["message"]), "{result}");
        assert!(
            ["note", "warning", "error"]
                .map(Into::into)
                .contains(&result["level"]),
            "{result}"
        );

        let location = &result["locations"][0];
        let file = location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap();
        assert!(
            !file.starts_with('/') && !file.contains([' ', '\\']),
            "{file}"
        );
        assert!(
            location["physicalLocation"]["region"]["startLine"]
                .as_u64()
                .is_some_and(|line| line > 0)
        );
        assert!(location["logicalLocations"][0]["fullyQualifiedName"].is_string());

        assert!(
            result["partialFingerprints"]
                .as_object()
                .is_some_and(|prints| prints.values().all(JsonValue::is_string))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suppressions_are_written_with_their_reasons() {
    let (database, owner) = database().await;
    let (manifest, package) = (manifest(), "tasks-migration");
    let process = Process {
        manifest: &manifest,
        package,
        database: &database,
    };

    process.prints(0, &["up"]);
    owner
        .execute_unprepared("CREATE POLICY \"my \"\"own\"\"\" ON task FOR SELECT USING (is_done)")
        .await
        .unwrap();

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(database.name());
    std::fs::create_dir(&folder).unwrap();

    let run =
        |arguments: &[&str]| run_in(&folder, &process, &[&["rls", "doctor"], arguments].concat());
    let file = || std::fs::read_to_string(folder.join("rls.suppressions")).ok();
    let allow = "--allow=RLS108=public.task.my \"own\"";

    assert_eq!(run(&[]).0, 1);

    let (code, _, error) = run(&[allow]);
    assert!(code == 2 && error.contains("--reason"), "{error}");
    assert_eq!(
        (
            run(&[allow, "--reason", " "]).0,
            run(&["--allow=RLS108=", "--reason=x"]).0
        ),
        (2, 2)
    );
    assert_eq!(file(), None);

    let (code, text, _) = run(&[allow, "--reason", "done tasks are public"]);
    assert!(
        code == 0 && text.contains("done tasks are public") && text.contains("1 allowed"),
        "{text}"
    );
    assert_eq!(
        file().as_deref(),
        Some("allow RLS108 \"public.task.my \"\"own\"\"\" done tasks are public\n")
    );
    assert_eq!((run(&[]).0, run(&["--fail-on=hint"]).0), (0, 1));

    // What is denied counts more than what the file allows.
    assert_eq!(
        (
            run(&["--deny", "rls108"]).0,
            run(&["--deny=RLS108=public.other"]).0
        ),
        (1, 0)
    );
    assert_eq!(run(&["--deny", "RLS009", "--fail-on=error"]).0, 1);

    std::fs::write(folder.join("rls.suppressions"), "allow RLS108 *\n").unwrap();

    let (code, _, error) = run(&[]);
    assert!(
        code == 2 && error.starts_with("error: rls.suppressions, line 1: "),
        "{error}"
    );

    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_errors_and_rules_are_explained_without_a_database() {
    let (database, _owner) = database().await;
    let manifest = manifest();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(database.name());
    std::fs::create_dir(&folder).unwrap();

    let run =
        |arguments: &[&str]| run_in(&folder, &process, &[&["rls", "doctor"], arguments].concat());

    for (arguments, expected) in [
        (["--deny", "RLS999"].as_slice(), "there is no rule `RLS999`"),
        (&["--suppressions", "nowhere"], "cannot read nowhere"),
        (&["--explain", "108"], "there is no rule `108`"),
        (&["--format", "sql"], "possible values: text, json, sarif"),
        (
            &["-u", "postgres://u:hunter2@127.0.0.1:1/x"],
            "cannot connect to the database",
        ),
    ] {
        let (code, out, error) = run(arguments);
        assert!(
            code == 2 && out.is_empty() && error.contains(expected),
            "{arguments:?}: {code} {out}{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }

    // No database is named.
    let (code, page, _) = run(&["--explain", "rls103", "-u", ""]);
    assert!(
        code == 0 && page.starts_with("# RLS103: row security is not enabled"),
        "{page}"
    );

    let (code, help, _) = run(&["--help"]);
    assert_eq!(code, 0);

    for option in [
        "--format",
        "--fail-on",
        "--deny",
        "--allow",
        "--reason",
        "--suppressions",
        "--explain",
    ] {
        assert!(help.contains(option), "{help}");
    }

    std::fs::remove_dir_all(&folder).unwrap();
}
