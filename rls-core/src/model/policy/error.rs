use crate::model::privilege::Command;
use crate::name::NameError;

/// A policy that PostgreSQL would refuse, or that would let no row through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The policy or one of its roles has a name PostgreSQL would not keep.
    #[error("policy `{policy}`: {source}")]
    Name {
        /// The policy.
        policy: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The comment holds a NUL byte, which no PostgreSQL text does.
    #[error("policy `{policy}`: its comment holds a NUL byte")]
    Comment {
        /// The policy.
        policy: String,
    },
    /// `INSERT` reads no row.
    #[error("policy `{policy}`: `INSERT` has no `USING`, since it reads no row: say `with_check`")]
    InsertUsing {
        /// The policy.
        policy: String,
    },
    /// Only `SELECT` or `DELETE`, with a condition on written rows.
    #[error(
        "policy `{policy}`: `SELECT` and `DELETE` have no `WITH CHECK`, since they write no row: \
         say `using`"
    )]
    NothingWritten {
        /// The policy.
        policy: String,
    },
    /// The command lacks its condition.
    #[error("policy `{policy}` lets no row through for `{}`: say `using`, or `with_check` for \
             `INSERT`", command.as_sql())]
    NoCondition {
        /// The policy.
        policy: String,
        /// The command.
        command: Command,
    },
}
