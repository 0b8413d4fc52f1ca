//! `rls export` and `rls erase` as processes.

use sea_orm::{ConnectionTrait, JsonValue};

use super::process::{Process, this_workspace};
use crate::schema::{database, text, texts};

const ROWS: &str = r#"
INSERT INTO "user" (id, email) SELECT md5(i::text)::uuid, i || '@x' FROM generate_series(1, 2) i;
INSERT INTO task (id, title, owner_id)
  SELECT gen_random_uuid(), 'task ' || i, u.id FROM "user" u, generate_series(1, 3) i;
INSERT INTO comment (task_id, text) SELECT id, 'so it is' FROM task;
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_line_exports_and_erases_a_user() {
    let (database, owner) = database().await;
    let manifest = this_workspace();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };
    process.prints(0, &["up"]);
    owner.execute_unprepared(ROWS).await.unwrap();

    let id = text(&owner, "SELECT md5('1')").await;
    let who = format!("user={id}");
    let why = ["--as", &who, "--actor", "carol", "--reason", "ticket 4711"];
    let skip = ["--skip", "priority=the same for everyone"];
    let rows = "SELECT count(*)::text FROM task";

    let export = ["rls", "export"];
    let undecided = process.fails(1, &[&export[..], &why].concat());
    assert!(undecided.contains("public.priority"), "{undecided}");

    let lines = process.prints(0, &[&export[..], &why, &skip].concat());
    let parsed = lines.lines().map(|line| line.parse::<JsonValue>().unwrap());
    let tables: Vec<String> = parsed
        .map(|line| line["table"].as_str().unwrap().to_owned())
        .collect();
    let count = |table: &str| tables.iter().filter(|name| *name == table).count();
    assert_eq!(
        (
            count("public.user"),
            count("public.task"),
            count("public.comment")
        ),
        (1, 3, 3)
    );
    assert_eq!(tables.len(), 7, "{lines}");

    // A file is whole or not there, and its owner's alone.
    let path = std::env::temp_dir().join(format!("{}.jsonl", database.name()));
    let to = ["-o", path.to_str().unwrap()];
    process.fails(1, &[&export[..], &why, &to].concat());
    assert!(!path.exists());
    process.prints(0, &[&export[..], &why, &skip, &to].concat());
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(written.trim_end(), lines.trim_end());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_file(&path).unwrap();

    let erase = [&["rls", "erase"][..], &why, &skip].concat();
    let preview = process.prints(0, &erase);
    assert!(preview.starts_with("7 rows would be erased\n"), "{preview}");
    assert_eq!(texts(&owner, rows).await, ["6"]);

    let erased: JsonValue = process
        .prints(
            0,
            &[&erase[..], &["--yes", "--json", "--batch", "2"]].concat(),
        )
        .parse()
        .unwrap();
    assert_eq!(
        (&erased["rows"], &erased["actor"]),
        (&7.into(), &"carol".into())
    );
    assert_eq!(texts(&owner, rows).await, ["3"]);
    let record = "SELECT DISTINCT actor || ': ' || reason FROM rls_audit";
    assert_eq!(texts(&owner, record).await, ["carol: ticket 4711"]);

    for (wrong, words) in [
        (
            ["--as", "owner=1", "--actor", "carol", "--reason", "x"],
            "names no user or tenant",
        ),
        (
            ["--as", "tenant=1", "--actor", "carol", "--reason", "x"],
            "names no user or tenant",
        ),
        (
            ["--as", &who, "--actor", "carol", "--reason", " "],
            "reason",
        ),
    ] {
        let error = process.fails(1, &[&["rls", "erase"][..], &wrong].concat());
        assert!(error.contains(words), "{error}");
    }
}
