//! The outcomes, and the proof that they make up.

use crate::error::GateFinding;
use crate::name::TableName;

use super::{Actor, Attempt};

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Only the declared rows were reached.
    Held,
    /// The server refused it for lack of a privilege, as declared.
    Refused,
    /// The table is declared to have no row-level security, and the privilege to be granted.
    Open,
    /// It has no meaning here, such as an insert of nobody's own row.
    NotApplicable,
    /// A row of another was reached.
    Leak {
        /// Which, and how.
        reason: String,
    },
    /// Nothing was proved, since the actor's own rows were not reached either.
    Vacuous {
        /// What was not reached.
        reason: String,
    },
    /// It could not be tested.
    Untested {
        /// Why, and what to do.
        reason: String,
    },
}

impl Outcome {
    /// The reason why it proves nothing, or the opposite; `None` if all is as declared.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        match self {
            Self::Held | Self::Refused | Self::Open | Self::NotApplicable => None,
            Self::Leak { reason } | Self::Vacuous { reason } | Self::Untested { reason } => {
                Some(reason)
            }
        }
    }

    /// The symbol in the matrix.
    pub(super) fn symbol(&self) -> char {
        match self {
            Self::Held => '+',
            Self::Refused => 'r',
            Self::Open => 'o',
            Self::NotApplicable => '.',
            Self::Leak { .. } => 'L',
            Self::Vacuous { .. } => 'V',
            Self::Untested { .. } => '?',
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Open => "open",
            Self::NotApplicable => "not applicable",
            Self::Leak { .. } => "LEAK",
            Self::Vacuous { .. } => "VACUOUS",
            Self::Untested { .. } => "UNTESTED",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// One attempt of one actor on one table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cell {
    /// The table, with its schema.
    pub table: TableName,
    /// The attempt.
    pub attempt: Attempt,
    /// The actor.
    pub actor: Actor,
    /// The outcome.
    pub outcome: Outcome,
}

/// A table that could not be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UntestedTable {
    /// The table, with its schema.
    pub table: TableName,
    /// Why, and what to do.
    pub reason: String,
}

/// The result of [`IsolationProof::run`](super::IsolationProof::run). Prints as a matrix, with a
/// line for each failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a proof is looked at: call `assert_isolated`"]
pub struct Proof {
    pub(super) cells: Vec<Cell>,
    pub(super) untested: Vec<UntestedTable>,
    pub(super) accepted: Vec<UntestedTable>,
    pub(super) gate: Vec<GateFinding>,
}

impl Proof {
    /// All cells, by table, attempt and actor.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells that prove nothing, or the opposite.
    pub fn failures(&self) -> impl Iterator<Item = &Cell> {
        self.cells
            .iter()
            .filter(|cell| cell.outcome.failure().is_some())
    }

    /// The outcome of an attempt on the table of this name.
    #[must_use]
    pub fn outcome(&self, table: &str, attempt: Attempt, actor: Actor) -> Option<&Outcome> {
        let found = |cell: &&Cell| {
            cell.attempt == attempt
                && cell.actor == actor
                && (cell.table.table.as_str() == table || cell.table.to_string() == table)
        };
        self.cells.iter().find(found).map(|cell| &cell.outcome)
    }

    /// The tables that could not be tested.
    #[must_use]
    pub fn untested(&self) -> &[UntestedTable] {
        &self.untested
    }

    /// The tables that [`danger_untested`](super::IsolationProof::danger_untested) leaves out.
    #[must_use]
    pub fn accepted(&self) -> &[UntestedTable] {
        &self.accepted
    }

    /// The findings of the gate at the next `connect`.
    #[must_use]
    pub fn gate(&self) -> &[GateFinding] {
        &self.gate
    }

    /// Whether every cell is as declared, every table was tested, and the gate finds nothing.
    #[must_use]
    pub fn is_isolated(&self) -> bool {
        self.failures().next().is_none()
            && self.untested.is_empty()
            && self.gate.is_empty()
            && self.cells.iter().any(|cell| cell.outcome == Outcome::Held)
    }

    /// Asserts that the users are kept apart.
    ///
    /// # Panics
    ///
    /// If [`is_isolated`](Self::is_isolated) is false, with the matrix and every reason.
    #[track_caller]
    pub fn assert_isolated(&self) {
        assert!(
            self.is_isolated(),
            "users are not kept apart, or it is not proved\n{self}"
        );
    }
}
