//! Finds PostgreSQL's programs and proves that the server's user can run them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::npm;
use crate::{Error, Source};

/// A folder whose `initdb` and `postgres` work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Programs {
    pub folder: PathBuf,
    /// What `postgres --version` prints.
    pub version: String,
}

/// The first working programs in the order of the sources.
pub(crate) fn find(sources: &[Source], account: Account) -> Result<Programs, Error> {
    let mut looked_at = Vec::new();
    for source in sources {
        for folder in folders(source, account, &mut looked_at)? {
            match attempt(&folder, account) {
                Ok(version) => return Ok(Programs { folder, version }),
                Err(reason) if matches!(source, Source::Named(_)) => {
                    return Err(Error::NamedFolder { folder, reason });
                }
                Err(reason) => looked_at.push(format!("{}: {reason}", folder.display())),
            }
        }
    }

    Err(Error::NotFound { looked_at })
}

fn folders(
    source: &Source,
    account: Account,
    looked_at: &mut Vec<String>,
) -> Result<Vec<PathBuf>, Error> {
    Ok(match source {
        Source::Named(folder) => vec![folder.clone()],
        Source::Path(path) => {
            looked_at.push("the folders of PATH that hold `postgres`".to_owned());

            // An empty or relative entry would mean a folder of the project.
            std::env::split_paths(path)
                .filter(|folder| folder.is_absolute() && folder.join("postgres").exists())
                .collect()
        }
        Source::PgConfig => match Command::new("pg_config").arg("--bindir").output() {
            Ok(output) if output.status.success() => {
                vec![PathBuf::from(
                    String::from_utf8_lossy(&output.stdout).trim(),
                )]
            }
            Ok(output) => {
                looked_at.push(format!("pg_config --bindir: {}", output.status));
                Vec::new()
            }
            Err(error) => {
                looked_at.push(format!("pg_config --bindir: {error}"));
                Vec::new()
            }
        },
        Source::Versions { parent, prefix } => {
            looked_at.push(format!("{}/{prefix}*/bin", parent.display()));
            versions(parent, prefix)
        }
        Source::Npm { program, caches } => match npm::install(program, caches, account) {
            Ok(folder) => vec![folder],
            Err(npm::Failure::Fatal(error)) => return Err(error),
            Err(npm::Failure::NotHere(reason)) => {
                looked_at.push(format!("npm: {reason}"));
                Vec::new()
            }
        },
    })
}

fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = numbers(name.strip_prefix(prefix)?);
            Some((version, entry.path().join("bin")))
                .filter(|(_, folder)| folder.join("postgres").exists())
        })
        .collect();

    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

/// `@9.6` as `[9, 6]`, so that 18 comes before 9.6.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// Only running a program shows that the server's user may, and that its libraries are there.
fn attempt(folder: &Path, account: Account) -> Result<String, String> {
    let version = |program: &str| {
        let mut command = Command::new(folder.join(program));
        let output = account
            .run(command.arg("--version").current_dir("/"))
            .output();
        let output = output.map_err(|error| format!("{program} does not run: {error}"))?;

        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(format!(
                "{program} does not run: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            ))
        }
    };

    version("initdb")?;
    version("postgres")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_version_comes_first() {
        let parent =
            std::env::temp_dir().join(format!("testbed-versions-{}", crate::name::random()));
        for name in [
            "postgresql@9.6",
            "postgresql@18",
            "postgresql@17",
            "postgresql",
            "mysql@20",
        ] {
            fs::create_dir_all(parent.join(name).join("bin")).unwrap();
            fs::write(parent.join(name).join("bin/postgres"), "").unwrap();
        }

        let found = versions(&parent, "postgresql");
        fs::remove_dir_all(&parent).unwrap();

        let names = [
            "postgresql@18",
            "postgresql@17",
            "postgresql@9.6",
            "postgresql",
        ];

        assert_eq!(found, names.map(|name| parent.join(name).join("bin")));
    }

    #[test]
    fn named_folder_without_programs_is_an_error() {
        let sources = [Source::Named("/nowhere".into()), Source::PgConfig];
        let error = find(&sources, Account::of_server().unwrap()).unwrap_err();
        assert!(matches!(error, Error::NamedFolder { .. }), "{error}");
    }

    #[test]
    fn nothing_found_says_what_to_install() {
        let cache = std::env::temp_dir().join(format!("testbed-cache-{}", crate::name::random()));
        let sources = [
            Source::Path("/nowhere:relative".into()),
            Source::Versions {
                parent: "/nowhere".into(),
                prefix: "",
            },
            Source::Npm {
                program: "/nowhere/npm".into(),
                caches: vec![cache.clone()],
            },
        ];

        let error = find(&sources, Account::of_server().unwrap())
            .unwrap_err()
            .to_string();
        fs::remove_dir(&cache).unwrap();

        for words in [
            "/nowhere/*/bin",
            "/nowhere/npm",
            "apt-get install postgresql",
            "DATABASE_URL",
            "PG_BIN",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
}
