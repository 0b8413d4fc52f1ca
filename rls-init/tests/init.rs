//! `cargo rls init` on a project as `sea-orm-cli` makes one: `before` becomes `after`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const GIT: &str = "https://git.example/sea-orm-rls";

fn init(directory: &Path, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-rls"))
        .args(["rls", "init"])
        .arg(directory)
        .args(options)
        .output()
        .unwrap()
}

fn printed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success(), "{output:?}");
    (text(&output.stdout), text(&output.stderr))
}

/// Each file below a directory, by its path.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut next = vec![directory.to_owned()];
    while let Some(folder) = next.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                next.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(path.strip_prefix(directory).unwrap().to_owned(), text);
            }
        }
    }

    files
}

fn committed(name: &str) -> BTreeMap<PathBuf, String> {
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests")
            .join(name),
    )
}

/// A copy of `before`.
fn project(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }

    for (path, text) in committed("before") {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    directory
}

/// The files, with the passwords of `.env` as they are committed.
fn without_passwords(mut files: BTreeMap<PathBuf, String>) -> BTreeMap<PathBuf, String> {
    let environment = files.get_mut(Path::new(".env")).unwrap();
    let lines = environment.lines().map(|line| match line.split_once('=') {
        Some((key, password)) if key.ends_with("PASSWORD") => {
            assert_eq!(password.len(), 32, "{line}");
            format!("{key}=********\n")
        }
        _ => format!("{line}\n"),
    });
    *environment = lines.collect();

    files
}

#[test]
fn project_is_shown_then_written_and_not_touched_twice() {
    let directory = project("init");
    let options = ["--git", GIT];

    let (shown, words) = printed(&init(&directory, &options));
    assert_eq!(files(&directory), committed("before"));
    for line in [
        "--- a/migration/src/main.rs",
        "+    cli::run_cli(RlsMigrator::new(migration::Migrator)).await;",
        "+#[user_scoped(owner = \"user_id\")]",
        "+RLS_APP_PASSWORD=********",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(!shown.contains("postgres://"), "a URL has a password");
    for asked in [
        "entity/src/mood.rs: table `mood`: it names no owner",
        "entity/src/membership.rs: table `membership`: it looks like memberships",
        "src/main.rs:7: connects as the tables' owner",
        "The users are the table `user`, by its name",
        "would change. Add `--write`",
    ] {
        assert!(words.contains(asked), "{asked}\n{words}");
    }

    let (written, _) = printed(&init(&directory, &["--write", options[0], options[1]]));
    assert_eq!(written, shown);
    let after = files(&directory);
    assert_eq!(without_passwords(after.clone()), committed("after"));

    let (again, words) = printed(&init(&directory, &["--write", options[0], options[1]]));
    assert_eq!((again.as_str(), files(&directory)), ("", after));
    assert!(words.ends_with("\nNothing to change.\n"), "{words}");
    assert!(words.contains("table `mood`"), "{words}");
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn dependency_leads_to_the_checkout() {
    let directory = project("init-checkout");
    printed(&init(&directory, &["--write"]));

    let manifest = fs::read_to_string(directory.join("entity/Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("sea-orm-rls = { path = \"").unwrap();
    let (path, _) = rest.split_once('"').unwrap();
    assert_eq!(
        fs::canonicalize(directory.join("entity").join(path)).unwrap(),
        fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
    );
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn what_is_no_project_of_seaorm_2_is_refused() {
    let directory = project("init-refused");
    let manifest = directory.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(
        &manifest,
        text.replace("version = \"2\"", "version = \"1.1\""),
    )
    .unwrap();

    let refused = init(&directory, &["--write"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("needs 2.0.4 or later"), "{error}");

    let nothing = init(&directory.join("src"), &["--write"]);
    let error = String::from_utf8(nothing.stderr).unwrap();
    assert!(
        error.contains("no package in") && error.contains("`sea-orm`"),
        "{error}"
    );
    fs::remove_dir_all(&directory).unwrap();
}
