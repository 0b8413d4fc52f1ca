//! `rls why`, `rls who` and `rls psql`, as processes, and what the manual shows of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sea_orm::ConnectionTrait;

use crate::migration::process::{Process, this_workspace};
use crate::schema::{database, texts};

const ANN: &str = "00000000-0000-0000-0000-00000000000a";

const ROWS: &str = "
INSERT INTO \"user\" (id, email) VALUES
  ('00000000-0000-0000-0000-00000000000a', 'ann@example.org'),
  ('00000000-0000-0000-0000-00000000000b', 'bob@example.org');
INSERT INTO task (id, title, owner_id) VALUES
  ('00000000-0000-0000-0000-0000000000a1', 'rest', '00000000-0000-0000-0000-00000000000a'),
  ('00000000-0000-0000-0000-0000000000b1', 'work', '00000000-0000-0000-0000-00000000000b');
INSERT INTO comment (task_id, text) VALUES
  ('00000000-0000-0000-0000-0000000000a1', 'soon'),
  ('00000000-0000-0000-0000-0000000000b1', 'later')";

const ASKED: [&str; 4] = ["--actor", "carol", "--reason", "ticket 4711"];

/// The block of the manual's page that begins with these words.
fn block(page: &str, begins: &str) -> String {
    let mut blocks = page.split("```").skip(1).step_by(2);
    let found = blocks.find(|block| block.starts_with(&format!("text\n{begins}")));
    let found = found.unwrap_or_else(|| panic!("no block of the manual begins with `{begins}`"));
    found.trim_start_matches("text\n").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_say_what_the_manual_shows() {
    let (database, owner) = database().await;
    let manifest = this_workspace();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };
    process.prints(0, &["up"]);
    owner.execute_unprepared(ROWS).await.unwrap();
    let (page, user) = (
        fs::read_to_string("docs/manual/why.md").unwrap(),
        format!("user={ANN}"),
    );
    let ask = |code, arguments: &[&str]| process.prints(code, &[arguments, &ASKED].concat());

    let why = ask(2, &["rls", "why", "comment", "2", "--as", &user]);
    assert_eq!(why, block(&page, "public.comment"), "{why}");
    let who = ask(0, &["rls", "who", "comment", "2"]);
    assert_eq!(
        who,
        block(&page, "public.comment  id = '2'\n  app"),
        "{who}"
    );

    // The keys of JSON are those that the page names.
    let select = ["--command", "select", "--format", "json"];
    let json = ask(
        2,
        &[
            ["rls", "why", "comment", "2", "--as"].as_slice(),
            &[&user],
            &select,
        ]
        .concat(),
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["commands"].as_array().unwrap().len(), 1);
    assert_eq!(
        json["commands"][0]["causes"][0]["cause"]["kind"],
        "other_holder"
    );
    assert_eq!(json["commands"][0]["policies"][0]["part"]["value"], "false");
    assert_eq!(json["context"]["app.user_id"], ANN);

    let new = [
        "rls",
        "why",
        "task",
        "--values",
        r#"{"title": "rest"}"#,
        "--as",
        &user,
    ];
    ask(0, &new);
    ask(
        2,
        &["rls", "why", "task", "--values", r#"{"title": "rest"}"#],
    );

    // What is not asked does not pass, and a negative key is no option.
    let select = ["--command", "select"];
    let error = process.fails(1, &[&new[..], &select, &ASKED].concat());
    assert!(error.contains("leave `--command` out"), "{error}");
    let negative = ask(2, &["rls", "why", "comment", "-2", "--as", &user]);
    assert!(negative.contains("no row has this key"), "{negative}");

    let recorded = "SELECT DISTINCT actor || ': ' || reason FROM rls_audit";
    assert_eq!(texts(&owner, recorded).await, ["carol: ticket 4711"]);

    // Mistakes are errors that say what to do, and show no value.
    for (arguments, says) in [
        (
            ["rls", "why", "nothing", "1", "--as", &user],
            "there is no table `public.nothing`",
        ),
        (
            ["rls", "why", "comment", "2", "--as", ANN],
            "`--as user=17`",
        ),
        (
            ["rls", "why", "comment", "2", "--as", "team=secret"],
            "`team` is no part of a context",
        ),
        (
            ["rls", "why", "comment", "secret", "--as", &user],
            "is not of the type",
        ),
    ] {
        let error = process.fails(1, &[arguments.as_slice(), &ASKED].concat());
        assert!(
            error.contains(says) && !error.contains("=secret"),
            "{error}"
        );
    }
    let unsaid = process.fails(1, &["rls", "who", "comment", "2", "--actor", "carol"]);
    assert!(unsaid.contains("--reason"), "{unsaid}");
}

/// In place of `psql`, a script that tells what it was given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn psql_gets_login_and_context_in_its_environment_alone() {
    let (database, owner) = database().await;
    let manifest = this_workspace();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };
    process.prints(0, &["up"]);

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("psql");
    fs::create_dir_all(&folder).unwrap();
    let script = folder.join("psql");
    fs::write(
        &script,
        "#!/bin/sh\necho \"$PGUSER [$PGOPTIONS] $*\"\nexit 7\n",
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();

    let user = format!("user={ANN}");
    let arguments = ["rls", "psql", "--as", &user, "--", "-c", "SELECT 1"];
    let (psql, more) = arguments.split_at(4);
    let run = |path: &Path| {
        let arguments = [psql, &ASKED, more].concat();
        process
            .command(&arguments)
            .env("PATH", path)
            .output()
            .unwrap()
    };

    let output = run(&folder);
    let said = String::from_utf8_lossy(&output.stdout);
    let expected = format!(
        "{} [-c app.user_id={ANN}] -c SELECT 1\n",
        database.role("app")
    );
    assert_eq!(
        said,
        expected,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(7));
    let announced = String::from_utf8_lossy(&output.stderr);
    assert!(
        announced.contains("app.user_id") && !announced.contains(ANN),
        "{announced}"
    );

    let for_ann = format!("SELECT actor FROM rls_audit WHERE on_behalf_of::text LIKE '%{ANN}%'");
    assert_eq!(texts(&owner, &for_ann).await, ["carol"]);

    let output = run(Path::new("/nowhere"));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("cannot run `psql`"), "{error}");
    assert_eq!(output.status.code(), Some(1));
}
