//! A generated migration, compiled and run: up to what the entities say, and down to what was
//! there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sea_orm::ConnectionTrait;

use super::catalog;
use super::process::Process;
use crate::fixture::config;
use crate::schema::{database, text};

/// This workspace again, by links, with a copy of the example's entities and of its migrations,
/// whose migrator applies reviewed migrations alone.
fn project() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));

    // The same folder each time, so that what is built there is built once.
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    let _not_there = fs::remove_dir_all(&project);
    let tasks = project.join("examples/tasks");
    fs::create_dir_all(&tasks).unwrap();

    let folders = [
        "benches",
        "docs",
        "rls-core",
        "rls-derive",
        "rls-init",
        "rls-migration",
        "rls-testbed",
        "src",
        "tests",
    ];
    for linked in folders.into_iter().chain([
        "examples/notebook",
        "examples/quickstart.rs",
        "examples/tasks/api",
    ]) {
        symlink(root.join(linked), project.join(linked)).unwrap();
    }

    for copied in ["Cargo.toml", "README.md"] {
        fs::copy(root.join(copied), project.join(copied)).unwrap();
    }

    let mut lock = fs::read_to_string(root.join("Cargo.lock")).unwrap();

    for (package, file) in [("entity", "lib.rs"), ("migration", "main.rs")] {
        let from = root.join("examples/tasks").join(package);
        let to = tasks.join(package);
        fs::create_dir_all(to.join("src")).unwrap();

        // Of another version, so that Cargo does not take one for the other.
        let manifest = fs::read_to_string(from.join("Cargo.toml")).unwrap();
        fs::write(to.join("Cargo.toml"), other_version(&manifest, package)).unwrap();
        lock = other_version(&lock, package);

        for entry in fs::read_dir(from.join("src")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), to.join("src").join(entry.file_name())).unwrap();
        }

        assert!(to.join("src").join(file).is_file());
    }

    fs::write(project.join("Cargo.lock"), lock).unwrap();

    // The example's own binary is in the same folder, and other tests run it.
    let manifest = tasks.join("migration/Cargo.toml");
    let named = fs::read_to_string(&manifest).unwrap()
        + "\n[[bin]]\nname = \"generated-migration\"\npath = \"src/main.rs\"\n";
    fs::write(&manifest, named).unwrap();

    let main = tasks.join("migration/src/main.rs");
    let reviewed = fs::read_to_string(&main)
        .unwrap()
        .replace("new(Migrator)", "new(Migrator).reviewed()");
    fs::write(&main, reviewed).unwrap();

    project
}

fn other_version(text: &str, package: &str) -> String {
    let named = format!("name = \"tasks-{package}\"\nversion = \"0.1.0\"");
    let other = text.replacen(&named, &named.replace("0.1.0", "0.1.1"), 1);
    assert_ne!(text, other, "{package}");
    other
}

/// A database with hand-written row security, which in part is what the entities ask for.
const BY_HAND: &str = r#"
ALTER TABLE task ENABLE ROW LEVEL SECURITY;
ALTER TABLE task ADD COLUMN owner_id uuid DEFAULT gen_random_uuid();
CREATE POLICY task_owner_select ON task FOR SELECT TO "APP" USING (title <> 'a "quoted" #one');
COMMENT ON POLICY task_owner_select ON task IS 'made by
hand';
CREATE POLICY task_guard ON task FOR SELECT USING (is_done);
CREATE POLICY task_old ON task FOR DELETE TO "APP" USING (EXISTS (SELECT FROM "user" u WHERE u.id = task.owner_id));
COMMENT ON POLICY task_old ON task IS 'sea-orm-rls: 0123456789abcdef01234567 0123456789abcdef01234567';
CREATE POLICY task_mine ON task USING (true);
GRANT SELECT, TRUNCATE ON task TO "APP";
"#;

fn generated_file(project: &Path) -> PathBuf {
    let files = fs::read_dir(project.join("examples/tasks/migration/src")).unwrap();
    let mut files = files.map(|entry| entry.unwrap().path());
    files
        .find(|path| path.to_string_lossy().contains("_protect_tasks"))
        .unwrap()
}

/// The gate accepts what the generated file made, fingerprints included.
fn assert_api_starts(database: &testbed::Database) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut api = Process {
        manifest: &root,
        package: "tasks-api",
        database,
    }
    .command(&[]);

    api.env("JWT_SECRET", "a secret of thirty-two bytes, or more")
        .env("LISTEN", "127.0.0.1:0")
        .stderr(Stdio::piped());

    let mut api = api.spawn().unwrap();
    let (mut log, mut said) = (BufReader::new(api.stderr.take().unwrap()), String::new());
    while !said.contains("listening") && log.read_line(&mut said).unwrap() > 0 {}
    api.kill().unwrap();
    api.wait().unwrap();
    assert!(said.contains("listening"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_migration_goes_up_and_down() {
    let (database, owner) = database().await;
    let project = project();
    let manifest = project.join("Cargo.toml");
    let process = Process {
        manifest: &manifest,
        package: "generated-migration",
        database: &database,
    };

    let up = process.prints(0, &["up"]);
    assert!(
        up.contains("not yet as the entities say") && up.contains("rls generate"),
        "{up}"
    );

    let none = "SELECT count(*)::text FROM pg_policy";
    assert_eq!(
        text(&owner, none).await,
        "0",
        "reviewed migrations alone change anything"
    );

    let roles = config(&database)
        .app_login(&database.role("app"), "app secret")
        .unwrap();
    let roles = roles
        .admin_login(&database.role("admin"), "admin secret")
        .unwrap();
    sea_orm_rls::schema::ensure_roles(&owner, &roles)
        .await
        .unwrap();
    owner
        .execute_unprepared(&BY_HAND.replace("APP", roles.app_role().as_str()))
        .await
        .unwrap();

    let before = catalog(&owner).await;
    process.prints(2, &["rls", "plan"]);

    let generated = process.prints(0, &["rls", "generate", "protect tasks"]);
    assert!(
        generated.contains("_protect_tasks.rs") && generated.contains("Added it to"),
        "{generated}"
    );
    assert_eq!(
        catalog(&owner).await,
        before,
        "a file is written, and nothing else"
    );

    let library = fs::read_to_string(project.join("examples/tasks/migration/src/lib.rs")).unwrap();
    assert_eq!(library.matches("_protect_tasks").count(), 2, "{library}");

    let written = fs::read_to_string(generated_file(&project)).unwrap();
    assert!(
        !written.contains("ROLE") && !written.contains("secret") && !written.contains("SCRAM"),
        "{written}"
    );
    assert!(written.contains("ensure_roles"), "{written}");

    let pending = process.fails(1, &["rls", "generate", "another"]);
    assert!(pending.contains("1 migration is pending"), "{pending}");

    let up = process.prints(0, &["up"]);
    assert!(up.contains("is as the entities say"), "{up}");

    let after = catalog(&owner).await;
    process.prints(0, &["rls", "plan"]);
    process.prints(0, &["rls", "apply"]);
    assert_eq!(catalog(&owner).await, after, "every fingerprint stands");

    let nothing = process.prints(0, &["rls", "generate", "nothing"]);
    assert!(nothing.contains("Nothing to write"), "{nothing}");

    assert_api_starts(&database);
    process.prints(0, &["down"]);
    assert_eq!(catalog(&owner).await, before);
    process.prints(0, &["up"]);
    assert_eq!(catalog(&owner).await, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_names_and_libraries_of_other_layouts_are_reported() {
    let (database, owner) = database().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let process = Process {
        manifest: &root,
        package: "tasks-migration",
        database: &database,
    };

    for bad in ["own-tasks", "../own", ""] {
        let error = process.fails(1, &["rls", "generate", bad]);
        assert!(error.contains("cannot be a migration's name"), "{error}");
    }

    let pending = process.fails(1, &["rls", "generate", "x"]);
    assert!(
        pending.contains("2 migrations are pending: run `up` first"),
        "{pending}"
    );

    process.prints(0, &["up"]);
    owner
        .execute_unprepared("ALTER TABLE task DISABLE ROW LEVEL SECURITY")
        .await
        .unwrap();

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(database.name());
    let missing = process.fails(
        1,
        &["rls", "generate", "x", "-d", directory.to_str().unwrap()],
    );

    assert!(
        missing.contains("there is no `lib.rs` or `mod.rs`"),
        "{missing}"
    );
    fs::create_dir(&directory).unwrap();
    fs::write(
        directory.join("mod.rs"),
        "fn migrations() { collected() }\n",
    )
    .unwrap();

    let told = process.prints(
        0,
        &[
            "rls",
            "generate",
            "x",
            "--migration-dir",
            directory.to_str().unwrap(),
        ],
    );

    assert!(
        told.contains("was left alone. Add to it:\n\nmod m2") && told.contains("_x::Migration),"),
        "{told}"
    );
    assert_eq!(
        fs::read_to_string(directory.join("mod.rs")).unwrap(),
        "fn migrations() { collected() }\n"
    );
    fs::remove_dir_all(&directory).unwrap();
}
