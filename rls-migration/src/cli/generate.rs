use std::env;
use std::path::{Path, PathBuf};

use rls_core::RlsSchema;
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::output::print;
use super::progress::{comparing, during};
use crate::error::CliError;
use crate::generate::{self, MigrationName};

/// Writes the migration, and prints where.
pub(super) async fn run(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    name: Option<&MigrationName>,
    directory: Option<&Path>,
) -> Result<i32, CliError> {
    let script = during(comparing(rls), rls.script(db)).await?;
    let Some(name) = name.filter(|_| !script.is_empty()) else {
        print("Nothing to write: the database is as the entities say.\n")?;
        return Ok(0);
    };

    // As SeaORM's own `generate`: the current directory if cargo names none.
    let directory = directory
        .map(Path::to_owned)
        .or_else(|| env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("."));

    let written = generate::write(&directory, name, &script)?;

    print(&format!(
        "Wrote {}: {} statements, and {} that undo them.\n",
        written.file.display(),
        script.up.len(),
        script.down.len()
    ))?;

    let library = written.library.display();
    print(&match written.missing {
        None => format!("Added it to {library}; review it, then run `up`.\n"),
        Some(lines) => format!(
            "{library} is not laid out as `sea-orm-cli` does it, and was left alone. Add to \
             it:\n\n{lines}\n"
        ),
    })?;

    Ok(0)
}
