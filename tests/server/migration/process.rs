//! Programs of a workspace, run as the processes they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// A program, with the environment of a deployment.
pub struct Process<'a> {
    pub manifest: &'a Path,
    pub package: &'a str,
    pub database: &'a testbed::Database,
}

impl Process<'_> {
    /// `cargo run -- <arguments>`.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.manifest, self.package);
        command
            .args(arguments)
            .env("DATABASE_URL", self.database.url())
            .env("RLS_APP_USER", self.database.role("app"))
            .env("RLS_APP_PASSWORD", "app secret")
            .env("RLS_MAINTENANCE_ADMIN", self.database.role("admin"))
            .env("RLS_MAINTENANCE_ADMIN_PASSWORD", "admin secret")
            .env_remove("NO_COLOR");
        command
    }

    /// Runs it, checks the exit code, and returns what it printed, with the usual names of roles.
    pub fn prints(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, error) = (self.text(&output.stdout), self.text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {out}{error}"
        );

        for password in ["app secret", "admin secret"] {
            assert!(
                !out.contains(password) && !error.contains(password),
                "{arguments:?}: {out}{error}"
            );
        }

        out
    }

    /// Runs it, checks the exit code, and returns what it wrote to standard error.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let (out, error) = (self.text(&output.stdout), self.text(&output.stderr));
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {out}{error}"
        );

        error
    }

    fn text(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes)
            .replace(&self.database.role("app"), "rls_app_user")
            .replace(&self.database.role("admin"), "rls_maintenance_admin")
    }
}

/// The manifest of this workspace.
pub fn this_workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

/// A program of a workspace as `cargo run` starts it. This workspace's are built once, another's
/// at each call, because a test changes it.
pub fn program(manifest: &Path, name: &str) -> Command {
    static BUILT: Mutex<BTreeMap<String, Built>> = Mutex::new(BTreeMap::new());

    let built = if manifest == this_workspace() {
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        built
            .entry(name.to_owned())
            .or_insert_with(|| build(manifest, name))
            .clone()
    } else {
        build(manifest, name)
    };

    let mut command = Command::new(built.program);
    command.env("CARGO_MANIFEST_DIR", built.folder);
    command
}

#[derive(Clone)]
struct Built {
    program: PathBuf,
    /// The folder of its manifest.
    folder: PathBuf,
}

/// Builds with the dependencies that `cargo test --workspace` has compiled: packages are selected,
/// and an example is built, so that the same features are asked of them.
fn build(manifest: &Path, name: &str) -> Built {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace"])
        .args(["--bin", name, "--example", "quickstart"])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(manifest)
        // One folder for all that tests build, so that each dependency is built once.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
        )
        .output()
        .unwrap();

    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );

    let messages = String::from_utf8(output.stdout).unwrap();
    let artifact = messages
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|message| message["target"]["name"] == name && message["executable"].is_string())
        .unwrap();

    let path = |key: &str| PathBuf::from(artifact[key].as_str().unwrap());

    Built {
        program: path("executable"),
        folder: path("manifest_path").parent().unwrap().to_owned(),
    }
}
