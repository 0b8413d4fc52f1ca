use std::fmt;

use chrono::{DateTime, Utc};

use crate::error::CliError;

/// The name of a migration, its file and its module, such as `m20260131_120000_protect_tasks`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MigrationName(String);

impl MigrationName {
    /// Makes a name of what a user typed. Spaces become `_`, as in `sea-orm-cli`.
    pub(crate) fn new(typed: &str, now: DateTime<Utc>) -> Result<Self, CliError> {
        let name = typed.trim().replace(' ', "_");
        let holds = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');

        // Common file systems limit a file's name to 255 bytes.
        if !holds || name.len() > 200 {
            return Err(CliError::Name {
                name: typed.to_owned(),
            });
        }

        Ok(Self(format!("m{}_{name}", now.format("%Y%m%d_%H%M%S"))))
    }
}

impl fmt::Display for MigrationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_modules() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(
            MigrationName::new(" own tasks ", now).unwrap().to_string(),
            "m19700101_000000_own_tasks"
        );

        for bad in [
            "",
            " ",
            "a-b",
            "a.b",
            "../x",
            "a/b",
            "ä",
            "a;b",
            &"x".repeat(201),
        ] {
            assert!(
                matches!(MigrationName::new(bad, now), Err(CliError::Name { .. })),
                "{bad:?}"
            );
        }
    }
}
