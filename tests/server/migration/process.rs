//! Migration crates, run as the processes they are.

use std::path::Path;
use std::process::{Command, Output};

/// A crate's binary, with the environment of a deployment.
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
        let mut command = Command::new(env!("CARGO"));
        command
            .args([
                "run",
                "--quiet",
                "--package",
                self.package,
                "--manifest-path",
            ])
            .arg(self.manifest)
            .arg("--")
            .args(arguments)
            // One folder for all that tests build, so that each dependency is built once.
            .env(
                "CARGO_TARGET_DIR",
                Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
            )
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
