use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rls_core::doctor::Suppressions;

use crate::error::CliError;

/// The file unless another is named.
const FILE: &str = "rls.suppressions";

pub(super) fn file(named: Option<&Path>) -> &Path {
    named.unwrap_or(Path::new(FILE))
}

/// The text of the file. A file that was named must exist, unless `created` says that this command
/// creates it.
pub(super) fn text(named: Option<&Path>, created: bool) -> Result<String, CliError> {
    match fs::read_to_string(file(named)) {
        Err(error) if error.kind() == ErrorKind::NotFound && (named.is_none() || created) => {
            Ok(String::new())
        }
        read => read.map_err(CliError::io("read", file(named))),
    }
}

/// Parses the text of the file.
pub(super) fn parse(named: Option<&Path>, text: &str) -> Result<Suppressions, CliError> {
    Suppressions::parse(text).map_err(|source| CliError::Suppressions {
        file: file(named).to_owned(),
        source,
    })
}
