//! Errors of contexts.

use super::NameError;
use crate::debug::debug_is_display;
use crate::model::key::KeyType;
use crate::name::SettingName;

/// The context cannot be carried by settings. No message contains a value.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
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
    /// A value is not of the type that policies compare it with.
    #[error(
        "the context's value for `{setting}` is no `{}`, the type of the columns that it names: make \
         the context with a key of that type",
        expected.as_sql()
    )]
    WrongType {
        /// The setting.
        setting: SettingName,
        /// The type.
        expected: KeyType,
    },
    /// The administrator's name is blank.
    #[error("an administrator's context needs an actor: say who acts")]
    NoActor,
    /// The administrator's reason is blank.
    #[error("an administrator's context needs a reason: say why, for the audit")]
    NoReason,
}

debug_is_display!(ContextError);
