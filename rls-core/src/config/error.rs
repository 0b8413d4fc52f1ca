//! Errors of the configuration.

use super::SigningKeyError;
use crate::debug::debug_is_display;
use crate::name::NameError;

/// The configuration is wrong. The message names the variable or the method that gave the value.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The value of a switch is neither on nor off.
    #[error("{variable} is {value:?}: write `true` or `false`")]
    Switch {
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
    },
    /// The value says nothing of signed contexts.
    #[error("RLS_SIGNED_CONTEXTS is {value:?}: write `off`, `sent` or `required`")]
    SignedContexts {
        /// The value.
        value: String,
    },
    /// The signing key cannot be read.
    #[error("RLS_SIGNING_KEY: {source}")]
    SigningKey {
        /// What is wrong.
        source: SigningKeyError,
    },
    /// Contexts are to be signed, and there is no key.
    #[error(
        "contexts are to be signed, and there is no key: set RLS_SIGNING_KEY to what `rls keys \
         rotate` printed, or call `signing_keys`"
    )]
    NoSigningKey,
    /// The value is not Unicode.
    #[error("{variable} is not valid Unicode")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// PostgreSQL would not keep the role's name.
    #[error("{variable}: {source}")]
    Role {
        /// The variable or method.
        variable: String,
        /// What is wrong.
        source: NameError,
    },
    /// PostgreSQL reserves the role's name.
    #[error("{variable} is `{role}`, a name PostgreSQL reserves: choose another")]
    ReservedRole {
        /// The variable or method.
        variable: String,
        /// The name.
        role: String,
    },
    /// Both logins are the same role.
    #[error(
        "{app} and {admin} are both `{role}`: the application must not log in as the maintenance \
         administrator, who sees every row"
    )]
    SameRole {
        /// What names the application's role.
        app: String,
        /// What names the administrator's.
        admin: String,
        /// The role.
        role: String,
    },
    /// The password is empty or contains a NUL byte.
    #[error(
        "{variable} is empty or holds a NUL byte: give a password, or unset it to log in without \
         one"
    )]
    Password {
        /// The variable or method.
        variable: String,
    },
    /// The URL's servers, or which of them is wanted, cannot be read.
    #[error("the URL's hosts: {reason}")]
    Hosts {
        /// What is wrong, and what to write.
        reason: String,
    },
    /// What follows the name of a login contains a NUL byte.
    #[error("{variable} holds a NUL byte, which no login's name has")]
    LoginSuffix {
        /// The variable or method.
        variable: String,
    },
    /// The connection's options set a setting that carries a context.
    #[error(
        "the connection's options set `{setting}`, which would be a context of every session: leave \
         it out of the URL's `options`, and make a scope"
    )]
    ContextInOptions {
        /// The setting.
        setting: String,
    },
    /// PostgreSQL would not keep the name of the audit's table.
    #[error("{variable}: {source}; write `table` or `schema.table`")]
    AuditTable {
        /// The variable or method.
        variable: String,
        /// What is wrong.
        source: NameError,
    },
}

debug_is_display!(ConfigError);
