use std::path::Path;

use rls_core::schema::read;
use rls_core::{Identifier, RlsConfig, RlsError, RlsSchema};
use sea_orm_migration::sea_orm::DbErr;

use super::arguments::Arguments;
use super::connect::connect;
use super::output::print;
use crate::error::CliError;
use crate::file::write_new;
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
            write_new(file, &text)?;
            print(&format!("Wrote {}.\n", file.display()))?;
        }
    }

    Ok(0)
}

fn names(schemas: &[String]) -> Result<Vec<Identifier>, CliError> {
    let checked = |schema: &String| {
        Identifier::new(schema.clone())
            .map_err(|error| DbErr::Custom(format!("a schema: {error}")).into())
    };
    schemas.iter().map(checked).collect()
}
