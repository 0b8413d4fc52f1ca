//! Files that commands write.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::CliError;

/// Writes a file that does not exist yet.
pub(crate) fn write_new(file: &Path, text: &str) -> Result<(), CliError> {
    new(file)?
        .write_all(text.as_bytes())
        .map_err(CliError::io("write", file))
}

/// Creates a file that does not exist yet.
fn new(file: &Path) -> Result<File, CliError> {
    opened(file, OpenOptions::new().write(true).create_new(true))
}

/// Creates a file that does not exist yet, and that only its owner reads.
pub(crate) fn private(file: &Path) -> Result<File, CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);

    opened(file, &options)
}

fn opened(file: &Path, options: &OpenOptions) -> Result<File, CliError> {
    let opened = options.open(file);
    opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Exists {
            file: file.to_owned(),
        },
        _ => CliError::io("create", file)(error),
    })
}
