//! Errors of policies, found before any statement is sent.

use crate::debug::debug_is_display;
use crate::model::privilege::Command;
use crate::name::NameError;

/// PostgreSQL would refuse the policy, or it would let no row through.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// PostgreSQL would not keep the name of the policy, or of one of its roles.
    #[error("policy `{policy}`: {source}")]
    Name {
        /// The policy.
        policy: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The comment contains a NUL byte, which no text in PostgreSQL can.
    #[error("policy `{policy}`: its comment holds a NUL byte")]
    Comment {
        /// The policy.
        policy: String,
    },
    /// A policy for `INSERT` has `USING`, but `INSERT` reads no row.
    #[error("policy `{policy}`: `INSERT` has no `USING`, since it reads no row: say `with_check`")]
    InsertUsing {
        /// The policy.
        policy: String,
    },
    /// A policy for `SELECT` or `DELETE` has `WITH CHECK`, but these write no row.
    #[error(
        "policy `{policy}`: `SELECT` and `DELETE` have no `WITH CHECK`, since they write no row: \
         say `using`"
    )]
    NothingWritten {
        /// The policy.
        policy: String,
    },
    /// A command lacks its condition.
    #[error(
        "policy `{policy}` lets no row through for `{}`: say `using`, or `with_check` for `INSERT`",
        command.as_sql()
    )]
    NoCondition {
        /// The policy.
        policy: String,
        /// The command.
        command: Command,
    },
}

debug_is_display!(PolicyError);
