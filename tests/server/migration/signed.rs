//! Signed contexts by the command line: from a database without them to the level `signed`.

use sea_orm::ConnectionTrait;
use sea_orm_rls::signing::SigningKey;

use super::process::{Process, this_workspace};
use crate::schema::database;

/// What the commands said, to look for secrets in it.
#[derive(Default)]
struct Said(String);

impl Said {
    /// Runs a command while contexts are signed so far, and returns its standard output.
    fn run(&mut self, process: &Process<'_>, signed: &str, code: i32, words: &[&str]) -> String {
        let mut command = process.command(words);
        let output = command.env("RLS_SIGNED_CONTEXTS", signed).output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {out}{error}");

        if !out.starts_with("RLS_SIGNING_KEY=") {
            self.0.push_str(&out);
        }
        self.0.push_str(&error);
        out
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn command_line_leads_to_signed_contexts_and_shows_no_key() {
    let (database, owner) = database().await;
    let manifest = this_workspace();
    let process = Process {
        manifest: &manifest,
        package: "tasks-migration",
        database: &database,
    };
    let mut said = Said::default();

    said.run(&process, "off", 0, &["up"]);
    said.run(&process, "off", 1, &["rls", "keys", "list"]);
    said.run(&process, "required", 1, &["rls", "apply"]);
    said.run(&process, "sent", 0, &["rls", "apply"]);
    let none = said.run(&process, "sent", 0, &["rls", "keys", "list"]);
    assert!(none.starts_with("There is no key"), "{none}");

    let mut rotate = || {
        let words = ["rls", "keys", "rotate", "--overlap", "60"];
        let printed = said.run(&process, "sent", 0, &words);
        let key = printed.trim().strip_prefix("RLS_SIGNING_KEY=").unwrap();
        key.parse::<SigningKey>().unwrap()
    };
    let keys = [rotate(), rotate()];
    let list = said.run(&process, "sent", 0, &["rls", "keys", "list"]);
    assert!(
        list.starts_with(keys[1].id()) && list.lines().count() == 2,
        "{list}"
    );
    assert_eq!(list.matches(" holds ").count(), 2, "{list}");

    said.run(
        &process,
        "sent",
        0,
        &["rls", "keys", "revoke", keys[0].id()],
    );
    said.run(&process, "sent", 1, &["rls", "keys", "revoke", "nonesuch"]);
    let list = said.run(&process, "sent", 0, &["rls", "keys", "list"]);
    assert_eq!(list.matches(" holds ").count(), 1, "{list}");

    said.run(&process, "required", 2, &["rls", "plan", "--format", "sql"]);
    said.run(&process, "required", 1, &["rls", "apply"]);
    let accepted = ["rls", "apply", "--accept-breaking"];
    said.run(&process, "required", 0, &accepted);
    said.run(&process, "required", 0, &["rls", "plan"]);
    said.run(&process, "required", 0, &["rls", "status"]);
    said.run(&process, "required", 0, &["rls", "report", "-o", "-"]);
    let harden = said.run(&process, "required", 0, &["rls", "harden"]);
    assert!(harden.starts_with("-- level: open "), "{harden}");

    // As a person pastes it, as a superuser.
    owner.execute_unprepared(&harden).await.unwrap();
    let harden = said.run(&process, "required", 0, &["rls", "harden"]);
    assert_eq!(harden, "-- level: signed (of: open, revoked, signed)\n");
    said.run(
        &process,
        "required",
        0,
        &["rls", "doctor", "--format", "json"],
    );

    for key in keys {
        let secret = key.expose();
        let (_, secret) = secret.split_once(':').unwrap();
        assert!(!said.0.contains(secret));
    }
}
