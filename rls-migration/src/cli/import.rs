use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use rls_core::schema::read;
use rls_core::{Identifier, RlsConfig, RlsError, RlsSchema};
use sea_orm_migration::sea_orm::DbErr;

use super::arguments::Arguments;
use super::connect::connect;
use super::output::print;
use crate::error::CliError;
use crate::import;

/// Prints hand-written policies as Rust, or writes them to `output`.
pub(super) async fn run(
    rls: Result<RlsSchema, RlsError>,
    arguments: &Arguments,
    schemas: &[String],
    output: Option<&Path>,
) -> Result<i32, CliError> {
    // Entities come after the import, so an empty registry is no mistake here.
    let config = match rls {
        Ok(rls) => Ok(rls.config().clone()),
        Err(_) => RlsConfig::from_env(),
    };

    let db = connect(arguments).await?;
    let tables = read::secured_tables(&db, &names(schemas)?).await?;

    match (
        import::text(&tables, &config.map_err(RlsError::from)?),
        output,
    ) {
        (None, _) => eprintln!("Nothing to import: these schemas have no hand-written policy."),
        (Some(text), None) => print(&text)?,
        (Some(text), Some(file)) => {
            write(&text, file)?;
            print(&format!("Wrote {}.\n", file.display()))?;
        }
    }

    Ok(0)
}

/// Writes a file that is not there yet.
fn write(text: &str, file: &Path) -> Result<(), CliError> {
    let io = |doing| {
        move |source| CliError::Io {
            doing,
            path: file.to_owned(),
            source,
        }
    };

    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Exists {
            file: file.to_owned(),
        },
        _ => io("create")(error),
    })?;

    opened.write_all(text.as_bytes()).map_err(io("write"))
}

fn names(schemas: &[String]) -> Result<Vec<Identifier>, CliError> {
    let checked = |schema: &String| {
        Identifier::new(schema.clone())
            .map_err(|error| DbErr::Custom(format!("a schema: {error}")).into())
    };
    schemas.iter().map(checked).collect()
}
