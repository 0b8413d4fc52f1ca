//! Policies as data: what PostgreSQL knows of one, and nothing it would refuse.

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

/// How a policy joins with others: permissive ones with OR, restrictive ones with AND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A row passes where any permissive policy lets it.
    Permissive,
    /// A row passes only where every restrictive policy lets it.
    Restrictive,
}

/// A policy's command with its conditions: `USING` on the rows that are there, `WITH CHECK` on the
/// rows that are written. What PostgreSQL refuses, as `USING` for `INSERT`, has no form here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule<E = Expression> {
    /// For all commands.
    All {
        /// On rows that are there.
        using: Option<E>,
        /// On rows that are written.
        with_check: Option<E>,
    },
    /// For `SELECT`.
    Select {
        /// On rows that are there.
        using: Option<E>,
    },
    /// For `INSERT`.
    Insert {
        /// On rows that are written.
        with_check: Option<E>,
    },
    /// For `UPDATE`.
    Update {
        /// On rows that are there.
        using: Option<E>,
        /// On rows that are written.
        with_check: Option<E>,
    },
    /// For `DELETE`.
    Delete {
        /// On rows that are there.
        using: Option<E>,
    },
}

impl<E> Rule<E> {
    /// The rule for a command; a condition that the command does not know is dropped.
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

/// A policy on one table. `E` is how its expressions are known: as asked, or as the server prints
/// them; the two are different types, so that they cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy<E = Expression> {
    /// Its name, unique on the table.
    pub name: Identifier,
    /// Permissive or restrictive.
    pub kind: PolicyKind,
    /// Its command and conditions.
    pub rule: Rule<E>,
    /// The roles it holds for; empty is `PUBLIC`.
    pub roles: BTreeSet<Identifier>,
    /// What `COMMENT ON POLICY` says, without this family's fingerprint.
    pub comment: Option<String>,
}

impl Policy {
    /// Begins a permissive policy.
    pub fn permissive(name: impl Into<String>) -> PolicyDraft {
        PolicyDraft::new(name.into(), PolicyKind::Permissive)
    }

    /// Begins a restrictive policy.
    pub fn restrictive(name: impl Into<String>) -> PolicyDraft {
        PolicyDraft::new(name.into(), PolicyKind::Restrictive)
    }
}

impl<E> Policy<E> {
    /// The command it holds for.
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

    /// Which existing rows it lets through.
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

    /// Which new rows it lets through.
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

    /// Whether `ALTER POLICY` makes `other` of it: kind and command stay, and no condition comes or
    /// goes.
    #[must_use]
    pub fn is_alterable_to<T>(&self, other: &Policy<T>) -> bool {
        self.kind == other.kind
            && self.command() == other.command()
            && self.using().is_some() == other.using().is_some()
            && self.with_check().is_some() == other.with_check().is_some()
    }

    /// The same policy with its expressions known otherwise.
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
