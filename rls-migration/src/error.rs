use std::io;
use std::path::{Path, PathBuf};

use rls_core::doctor::SuppressionError;
use rls_core::error::SchemaError;
use rls_core::model::Command;
use rls_core::subject::SubjectError;
use rls_core::why::WhyError;
use rls_core::{ContextError, RlsError};
use sea_orm_migration::sea_orm::{DbErr, sqlx};

/// Why a command failed. Its text is printed as it is. No variant holds a URL, since URLs hold
/// passwords.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    #[error("no database is named: set DATABASE_URL, or pass `-u postgres://…`")]
    NoUrl,
    #[error(
        "row-level security needs PostgreSQL: the database's URL begins with `{scheme}`, not \
         `postgres://`"
    )]
    NotPostgres { scheme: String },
    #[error("cannot connect to the database: {source}")]
    Connect { source: sqlx::Error },
    #[error("{}: run `up` first, so that the plan is against the tables they \
             leave", pending_migrations(*count))]
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
    #[error("the object behind `=`, or `--reason`, is blank: name the object, and give a reason")]
    Blank,
    #[error("`--as` takes a part of the context and its value: `--as user=17`")]
    NoValue,
    #[error("`--values` asks about a new row, which {} does not reach: leave `--command` out", command.as_sql())]
    NewRow { command: Command },
    #[error(
        "cannot run `psql` ({why}): install PostgreSQL's client (`postgresql-client`, `libpq`), and \
         have it in PATH"
    )]
    NoPsql { why: String },
    #[error(transparent)]
    Why(#[from] WhyError),
    #[error("cannot print: {0}")]
    Print(io::Error),
    #[error(
        "`{given}` of `--as` names no user or tenant, or not which: write `user=ID`, `tenant=ID`, or, if there \
         are several kinds of them, the name of their setting, such as `app.user_id=ID`"
    )]
    NoSubject { given: String },
    #[error("`{given}` gives no reason: write `--skip TABLE=REASON`")]
    NoReason { given: String },
    #[error(transparent)]
    Context(#[from] ContextError),
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error(transparent)]
    Rls(#[from] RlsError),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl CliError {
    /// Turns an error of this file into one of a command.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// The error of a migration. SeaORM's command line prints this variant's text as it is.
pub(crate) fn migration_error(error: &RlsError) -> DbErr {
    match error {
        RlsError::Database(error) => error.as_ref().clone(),
        // By the server's own error, the migration is run again.
        RlsError::Schema(SchemaError::Deadlock { source, .. }) => source.as_ref().clone(),
        other => DbErr::Migration(other.to_string()),
    }
}

/// How many migrations are pending, in words.
pub(crate) fn pending_migrations(count: usize) -> String {
    if count == 1 {
        "1 migration is pending".to_owned()
    } else {
        format!("{count} migrations are pending")
    }
}
