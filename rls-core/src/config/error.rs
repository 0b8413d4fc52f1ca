use crate::name::NameError;

/// A configuration that cannot hold; names the variable, or the method, that gave it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A switch that is neither on nor off.
    #[error("{variable} is {value:?}: write `true` or `false`")]
    Switch {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
    },
    /// A variable that is not Unicode.
    #[error("{variable} is not valid Unicode")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// A role's name that PostgreSQL would not keep.
    #[error("{variable}: {source}")]
    Role {
        /// The variable or method.
        variable: String,
        /// What is wrong.
        source: NameError,
    },
    /// A role's name that PostgreSQL reserves.
    #[error("{variable} is `{role}`, a name PostgreSQL reserves: choose another")]
    ReservedRole {
        /// The variable or method.
        variable: String,
        /// The name.
        role: String,
    },
    /// Both logins are one role.
    #[error(
        "{app} and {admin} are both `{role}`: the application must not log in as the maintenance \
         administrator, who \
         sees every row"
    )]
    SameRole {
        /// What names the application's role.
        app: String,
        /// What names the administrator's.
        admin: String,
        /// The role.
        role: String,
    },
    /// An empty password, or one with a NUL byte.
    #[error(
        "{variable} is empty or holds a NUL byte: give a password, or unset it to log in without \
         one"
    )]
    Password {
        /// The variable or method.
        variable: String,
    },
    /// A name of the audit's table that PostgreSQL would not keep.
    #[error("{variable}: {source}; write `table` or `schema.table`")]
    AuditTable {
        /// The variable or method.
        variable: String,
        /// What is wrong.
        source: NameError,
    },
}
