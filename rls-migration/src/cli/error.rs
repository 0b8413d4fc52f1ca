use std::io;
use std::path::PathBuf;

use rls_core::RlsError;
use rls_core::doctor::SuppressionError;
use sea_orm_migration::sea_orm::{DbErr, sqlx};

/// Why a command failed; printed as it stands. No variant holds a URL, since those hold passwords.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("no database is named: set DATABASE_URL, or say `-u postgres://…`")]
    NoUrl,
    #[error(
        "row-level security needs PostgreSQL: the database's URL begins with `{scheme}`, not \
         `postgres://`"
    )]
    NotPostgres { scheme: String },
    #[error("cannot connect to the database: {source}")]
    Connect { source: sqlx::Error },
    #[error("{}: run `up` first, so that the plan is against the tables they \
             leave", pending(*count))]
    Pending { count: usize },
    #[error("`{name}` cannot be a migration's name: use letters from a to z, digits and `_`")]
    Name { name: String },
    #[error(
        "there is no `lib.rs` or `mod.rs` in {}: name the migration crate's directory with \
         `--migration-dir`",
        directory.display()
    )]
    NoLibrary { directory: PathBuf },
    #[error("{} is there already, and is not written over: remove it, or name \
             another", file.display())]
    Exists { file: PathBuf },
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "there is no rule `{rule}`: they are RLS001 to {last}, and `rls doctor --explain RLS103` \
         prints the page of one"
    )]
    NoRule { rule: String, last: &'static str },
    #[error("{}, {source}", file.display())]
    Suppressions {
        file: PathBuf,
        source: SuppressionError,
    },
    #[error("the object behind `=`, or `--reason`, is blank: say what is allowed, and why")]
    Blank,
    #[error("cannot print: {0}")]
    Print(io::Error),
    #[error(transparent)]
    RlsSchema(#[from] RlsError),
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// How many migrations are pending, in words.
pub(super) fn pending(count: usize) -> String {
    if count == 1 {
        "1 migration is pending".to_owned()
    } else {
        format!("{count} migrations are pending")
    }
}
