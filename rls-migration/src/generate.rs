//! Migration files written from a plan, as `sea-orm-cli migrate generate` lays them out.

mod file;
mod library;
mod name;

use std::fs;
use std::path::{Path, PathBuf};

use rls_core::MigrationScript;

use crate::error::CliError;
use crate::file::write_new;

pub(crate) use name::MigrationName;

/// The files that were written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) file: PathBuf,
    pub(crate) library: PathBuf,
    /// The lines that the library still needs, if it could not be edited.
    pub(crate) missing: Option<String>,
}

/// Writes the file, and adds it to the library beside it. No existing file is overwritten.
pub(crate) fn write(
    directory: &Path,
    name: &MigrationName,
    script: &MigrationScript,
) -> Result<Written, CliError> {
    let source = if directory.join("src").is_dir() {
        directory.join("src")
    } else {
        directory.to_owned()
    };

    let library = ["lib.rs", "mod.rs"]
        .map(|library| source.join(library))
        .into_iter()
        .find(|file| file.is_file());

    let Some(library) = library else {
        return Err(CliError::NoLibrary { directory: source });
    };
    let file = source.join(format!("{name}.rs"));
    let text = file::text(name, script, uses_facade(directory));
    write_new(&file, &text)?;

    let before = fs::read_to_string(&library).map_err(CliError::io("read", &library))?;
    let missing = match library::with(&before, name) {
        Some(after) => {
            fs::write(&library, after).map_err(CliError::io("write", &library))?;
            None
        }
        None => Some(library::lines(name)),
    };

    Ok(Written {
        file,
        library,
        missing,
    })
}

/// Whether the crate depends on the facade, and not on this crate.
fn uses_facade(directory: &Path) -> bool {
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).unwrap_or_default();
    let depends = |name: &str| {
        manifest
            .lines()
            .any(|line| line.trim_start().starts_with(name) || line.contains(&format!(".{name}]")))
    };
    depends("sea-orm-rls") && !depends("rls-migration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_never_overwritten() {
        let directory = std::env::temp_dir().join(format!("rls-generate-{}", std::process::id()));
        fs::create_dir_all(directory.join("src")).unwrap();
        fs::write(directory.join("src/lib.rs"), "pub use a::*;\n").unwrap();
        fs::write(
            directory.join("Cargo.toml"),
            "[dependencies]\nsea-orm-rls = \"0.1\"\n",
        )
        .unwrap();

        let name = MigrationName::new("twice", chrono::DateTime::UNIX_EPOCH).unwrap();
        let written = write(&directory, &name, &MigrationScript::default()).unwrap();
        assert!(
            written
                .missing
                .unwrap()
                .contains("Box::new(m19700101_000000_twice::Migration),")
        );

        let text = fs::read_to_string(&written.file).unwrap();
        assert!(
            text.contains("use sea_orm_rls::migration::RlsSchemaManagerExt;"),
            "{text}"
        );
        assert!(matches!(
            write(&directory, &name, &MigrationScript::default()),
            Err(CliError::Exists { .. })
        ));
        assert_eq!(
            fs::read_to_string(directory.join("src/lib.rs")).unwrap(),
            "pub use a::*;\n"
        );
        fs::remove_dir_all(&directory).unwrap();

        assert!(matches!(
            write(&directory, &name, &MigrationScript::default()),
            Err(CliError::NoLibrary { .. })
        ));
    }
}
