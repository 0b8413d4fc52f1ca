//! The foreign key's action: `on_delete = …`.

use syn::{Error, Result};

use super::Name;
use crate::spelling::list;

/// The foreign key's action.
#[derive(Clone, Copy)]
pub(crate) enum OnDelete {
    Cascade,
    Restrict,
    NoAction,
}

impl OnDelete {
    /// The name of the variant, which SeaORM uses too.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Cascade => "Cascade",
            Self::Restrict => "Restrict",
            Self::NoAction => "NoAction",
        }
    }

    pub(super) fn new(name: &Name) -> Result<Self> {
        let folded: String = name
            .value
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();

        let wrong = match folded.to_ascii_lowercase().as_str() {
            "cascade" => return Ok(Self::Cascade),
            "restrict" => return Ok(Self::Restrict),
            "noaction" => return Ok(Self::NoAction),
            "setnull" => "the column is never NULL",
            "setdefault" => "the rows would belong to the one who deletes",
            _ => "unknown action",
        };

        let expected = list(["cascade", "restrict", "no_action"]);

        Err(Error::new(
            name.span,
            format!("{wrong}: expected {expected}"),
        ))
    }
}
