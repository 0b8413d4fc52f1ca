//! Privileges: `grant(…)` and `admin(…)`.

use syn::{Error, Result};

use super::Name;
use crate::spelling::{did_you_mean, list};

/// A privilege of one of the two roles.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privilege {
    Select,
    Insert,
    Update,
    Delete,
}

impl Privilege {
    const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The variant's name.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Select => "Select",
            Self::Insert => "Insert",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The privileges of these names, or all errors in them.
    pub(super) fn all(names: Vec<Name>) -> Result<Vec<Self>> {
        let mut privileges = Vec::new();
        let mut errors: Option<Error> = None;

        for name in names {
            let error = match Self::new(&name) {
                Ok(privilege) if privileges.contains(&privilege) => Error::new(
                    name.span,
                    format!("`{}` is granted twice", privilege.as_str()),
                ),
                Ok(privilege) => {
                    privileges.push(privilege);
                    continue;
                }
                Err(error) => error,
            };

            match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            }
        }

        errors.map_or(Ok(privileges), Err)
    }

    fn new(name: &Name) -> Result<Self> {
        let folded = name.value.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|privilege| privilege.as_str() == folded)
            .ok_or_else(|| {
                let words = Self::ALL.map(Self::as_str);
                let (expected, hint) = (list(words), did_you_mean(&folded, words));

                Error::new(
                    name.span,
                    format!(
                        "unknown privilege `{}`, expected {expected}{hint}",
                        name.value
                    ),
                )
            })
    }
}
