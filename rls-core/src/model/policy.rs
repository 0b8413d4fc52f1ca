//! Policies as data: their builder, and what it builds. What PostgreSQL would refuse, these types
//! cannot express.

// `crate::sql::policy` makes their SQL.

mod canonical;
mod draft;
mod error;
mod setting;

use std::collections::BTreeSet;

pub use super::expression::Expression;
pub use super::privilege::Command;
pub use draft::{Grantee, PolicyDraft};
pub use error::PolicyError;
pub use setting::setting;

pub(crate) use canonical::Canonical;

use crate::name::Identifier;

/// How PostgreSQL joins the policies of a table: permissive ones with OR, restrictive ones with
/// AND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A row passes if any permissive policy lets it through.
    Permissive,
    /// A row passes only if every restrictive policy lets it through.
    Restrictive,
}

/// The command of a policy with its conditions: `USING` on existing rows, `WITH CHECK` on written
/// rows. What PostgreSQL refuses, such as `USING` for `INSERT`, cannot be expressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule<E = Expression> {
    /// For all commands.
    All {
        /// The condition on existing rows.
        using: Option<E>,
        /// The condition on written rows.
        with_check: Option<E>,
    },
    /// For `SELECT`.
    Select {
        /// The condition on existing rows.
        using: Option<E>,
    },
    /// For `INSERT`.
    Insert {
        /// The condition on written rows.
        with_check: Option<E>,
    },
    /// For `UPDATE`.
    Update {
        /// The condition on existing rows.
        using: Option<E>,
        /// The condition on written rows.
        with_check: Option<E>,
    },
    /// For `DELETE`.
    Delete {
        /// The condition on existing rows.
        using: Option<E>,
    },
}

impl<E> Rule<E> {
    /// Creates the rule of a command. It drops a condition that the command does not have.
    pub(crate) fn new(command: Command, using: Option<E>, with_check: Option<E>) -> Self {
        match command {
            Command::All => Self::All { using, with_check },
            Command::Select => Self::Select { using },
            Command::Insert => Self::Insert { with_check },
            Command::Update => Self::Update { using, with_check },
            Command::Delete => Self::Delete { using },
        }
    }
}

/// A policy on one table. `E` is the type of its expressions: desired ones, or those that the
/// server prints. They are different types, so that no code compares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy<E = Expression> {
    /// The name, unique on the table.
    pub name: Identifier,
    /// Permissive or restrictive.
    pub kind: PolicyKind,
    /// The command and its conditions.
    pub rule: Rule<E>,
    /// The roles that it holds for; empty means `PUBLIC`.
    pub roles: BTreeSet<Identifier>,
    /// The text of `COMMENT ON POLICY`, without the fingerprint that this library adds.
    pub comment: Option<String>,
}

impl Policy {
    /// Starts a permissive policy.
    pub fn permissive(name: impl Into<String>) -> PolicyDraft {
        PolicyDraft::new(name.into(), PolicyKind::Permissive)
    }

    /// Starts a restrictive policy.
    pub fn restrictive(name: impl Into<String>) -> PolicyDraft {
        PolicyDraft::new(name.into(), PolicyKind::Restrictive)
    }
}

impl<E> Policy<E> {
    /// The command that it holds for.
    #[must_use]
    pub fn command(&self) -> Command {
        match self.rule {
            Rule::All { .. } => Command::All,
            Rule::Select { .. } => Command::Select,
            Rule::Insert { .. } => Command::Insert,
            Rule::Update { .. } => Command::Update,
            Rule::Delete { .. } => Command::Delete,
        }
    }

    /// The condition on existing rows.
    #[must_use]
    pub fn using(&self) -> Option<&E> {
        match &self.rule {
            Rule::All { using, .. }
            | Rule::Select { using }
            | Rule::Update { using, .. }
            | Rule::Delete { using } => using.as_ref(),
            Rule::Insert { .. } => None,
        }
    }

    /// The condition on written rows.
    #[must_use]
    pub fn with_check(&self) -> Option<&E> {
        match &self.rule {
            Rule::All { with_check, .. }
            | Rule::Insert { with_check }
            | Rule::Update { with_check, .. } => with_check.as_ref(),
            Rule::Select { .. } | Rule::Delete { .. } => None,
        }
    }

    /// Whether it holds for `command`.
    #[must_use]
    pub fn covers(&self, command: Command) -> bool {
        self.command() == Command::All || self.command() == command
    }

    /// Whether `ALTER POLICY` can make `other` of it: the kind, the command, and which of the two
    /// conditions there are must be the same.
    #[must_use]
    pub fn is_alterable_to<T>(&self, other: &Policy<T>) -> bool {
        self.kind == other.kind
            && self.command() == other.command()
            && self.using().is_some() == other.using().is_some()
            && self.with_check().is_some() == other.with_check().is_some()
    }

    /// The same policy with other expressions.
    pub(crate) fn map<T>(&self, mut expression: impl FnMut(&E) -> T) -> Policy<T> {
        let using = self.using().map(&mut expression);
        let with_check = self.with_check().map(&mut expression);

        Policy {
            name: self.name.clone(),
            kind: self.kind,
            rule: Rule::new(self.command(), using, with_check),
            roles: self.roles.clone(),
            comment: self.comment.clone(),
        }
    }
}
