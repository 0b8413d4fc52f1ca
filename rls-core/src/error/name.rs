use crate::name::MAX_NAME_BYTES;

/// A name PostgreSQL would not keep as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty.
    #[error("a name is empty")]
    Empty,
    /// The name holds a NUL byte.
    #[error("the name {name:?} holds a NUL byte, which PostgreSQL's names cannot")]
    Nul {
        /// The name.
        name: String,
    },
    /// PostgreSQL would cut the name.
    #[error(
        "the name {name:?} has {} bytes, and PostgreSQL cuts names after {MAX_NAME_BYTES}: give it \
         a shorter one",
        name.len()
    )]
    TooLong {
        /// The name.
        name: String,
    },
    /// No custom setting can have this name.
    #[error(
        "{name:?} cannot be a setting: write two or more parts of letters, digits, `_` and `$` \
         with a dot between, \
         such as `app.user_id`"
    )]
    Setting {
        /// The name.
        name: String,
    },
}
