use super::NameError;
use crate::name::SettingName;

/// A context that no setting can carry; the value itself is in no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The setting's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A NUL byte in a value.
    #[error("the context's value for `{setting}` holds a NUL byte, which PostgreSQL's text cannot")]
    Nul {
        /// The setting.
        setting: SettingName,
    },
    /// A setting given twice.
    #[error("the context sets `{setting}` twice")]
    Twice {
        /// The setting.
        setting: SettingName,
    },
    /// An administrator without a name.
    #[error("an administrator's context needs an actor: say who acts")]
    NoActor,
    /// An administrator without a reason.
    #[error("an administrator's context needs a reason: say why, for the audit")]
    NoReason,
}
