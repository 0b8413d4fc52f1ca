//! Errors of contexts.

use super::NameError;
use crate::name::SettingName;

/// The context cannot be carried by settings. No message contains a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// No setting can have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A value contains a NUL byte.
    #[error("the context's value for `{setting}` holds a NUL byte, which PostgreSQL's text cannot")]
    Nul {
        /// The setting.
        setting: SettingName,
    },
    /// The context sets a setting twice.
    #[error("the context sets `{setting}` twice")]
    Twice {
        /// The setting.
        setting: SettingName,
    },
    /// The administrator's name is blank.
    #[error("an administrator's context needs an actor: say who acts")]
    NoActor,
    /// The administrator's reason is blank.
    #[error("an administrator's context needs a reason: say why, for the audit")]
    NoReason,
}
