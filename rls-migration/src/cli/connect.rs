use std::str::FromStr;

use sea_orm_migration::sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm_migration::sea_orm::sqlx::{ConnectOptions as _, Connection as _};
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection};
use tracing_subscriber::EnvFilter;

use super::arguments::Arguments;
use crate::error::CliError;

/// The schema that SeaORM's subcommands use unless another is named.
const SCHEMA: &str = "public";

/// The URL of the database, which is PostgreSQL's.
pub(super) fn url(arguments: &Arguments) -> Result<&str, CliError> {
    let url = arguments
        .url
        .as_deref()
        .filter(|url| !url.is_empty())
        .ok_or(CliError::NoUrl)?;

    // SeaORM's error for another database's URL prints it, with its password.
    let scheme = url.split(':').next().unwrap_or_default();
    if !matches!(scheme, "postgres" | "postgresql") || !url.contains("://") {
        let scheme = if url.contains("://") {
            scheme
        } else {
            "something else"
        };

        return Err(CliError::NotPostgres {
            scheme: scheme.to_owned(),
        });
    }

    Ok(url)
}

/// Connects as SeaORM's subcommands do.
pub(super) async fn connect(arguments: &Arguments) -> Result<DatabaseConnection, CliError> {
    let url = url(arguments)?;

    // If nothing listens, a pool tries again for half a minute, and then reports a timeout alone.
    let once = PgConnectOptions::from_str(url).map_err(|source| CliError::Connect { source })?;
    once.connect()
        .await
        .map_err(|source| CliError::Connect { source })?
        .close()
        .await
        .ok();

    let mut options = ConnectOptions::new(url);
    options.set_schema_search_path(arguments.schema.as_deref().unwrap_or(SCHEMA));

    Ok(Database::connect(options).await?)
}

/// With `-v`, prints what SeaORM and these crates log, to standard error: standard output has the
/// result.
pub(super) fn trace(arguments: &Arguments) {
    if arguments.verbose {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("debug"))
            .with_writer(std::io::stderr);

        // A program that has set a subscriber keeps it.
        let _set_already = subscriber.try_init();
    }
}
