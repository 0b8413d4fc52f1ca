use std::io;
use std::path::{Path, PathBuf};

/// Why nothing, or not everything, was written. Its text is printed as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is not a manifest of Cargo: {source}", path.display())]
    Manifest {
        path: PathBuf,
        source: toml_edit::TomlError,
    },
    #[error(
        "no package in {} depends on `sea-orm`: name the directory of a SeaORM project",
        directory.display()
    )]
    NoSeaOrm { directory: PathBuf },
    #[error(
        "{} depends on SeaORM {version}; sea-orm-rls needs 2.0.4 or later: upgrade SeaORM first",
        manifest.display()
    )]
    OldSeaOrm { manifest: PathBuf, version: String },
    #[error("no entity has the table `{table}`: name the users' table with `--users`")]
    NoUsers { table: String },
    #[error("this program is not of a checkout: name the repository to depend on with `--git URL`")]
    NoCheckout,
}

impl InitError {
    /// Turns an error of this file into one of the program.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}
