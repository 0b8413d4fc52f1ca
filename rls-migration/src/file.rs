//! Files that commands write.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::CliError;

/// Writes a file that does not exist yet.
pub(crate) fn write_new(file: &Path, text: &str) -> Result<(), CliError> {
    let opened = OpenOptions::new().write(true).create_new(true).open(file);
    let mut opened = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::Exists {
            file: file.to_owned(),
        },
        _ => CliError::io("create", file)(error),
    })?;

    opened
        .write_all(text.as_bytes())
        .map_err(CliError::io("write", file))
}
