use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rls_core::doctor::Suppressions;

use crate::error::CliError;

/// Where a project's decisions stand when nothing else is said.
const FILE: &str = "rls.suppressions";

pub(super) fn file(named: Option<&Path>) -> &Path {
    named.unwrap_or(Path::new(FILE))
}

/// What the file holds; one that was named must be there, unless `made` says that this is what
/// makes it.
pub(super) fn text(named: Option<&Path>, made: bool) -> Result<String, CliError> {
    match fs::read_to_string(file(named)) {
        Err(error) if error.kind() == ErrorKind::NotFound && (named.is_none() || made) => {
            Ok(String::new())
        }
        read => read.map_err(|source| CliError::Io {
            doing: "read",
            path: file(named).to_owned(),
            source,
        }),
    }
}

/// What a text of the file's says.
pub(super) fn parse(named: Option<&Path>, text: &str) -> Result<Suppressions, CliError> {
    Suppressions::parse(text).map_err(|source| CliError::Suppressions {
        file: file(named).to_owned(),
        source,
    })
}
