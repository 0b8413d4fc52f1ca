//! The answer, as data.

use super::cause::Cause;
use super::part::Part;
use super::value::{Truth, Value};
use crate::entity::Place;
use crate::model::policy::PolicyKind;
use crate::model::privilege::Command;
use crate::name::{Identifier, SettingName, TableName};
use crate::schema::read::Origin;

/// Why a row is shown, hidden or refused, for each command. Its `Debug` shows no value.
///
/// [`Answer::text`] prints it for people, [`Answer::json`] for programs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The table, with its schema.
    pub table: TableName,
    /// The columns that name the row, with their values: its key, or what is to be inserted.
    pub row: Vec<(Identifier, Value)>,
    /// The login that would send the statement: the application's.
    pub login: Identifier,
    /// The context.
    pub context: Vec<(SettingName, Value)>,
    /// The lines of Rust that declare the table; none if no entity is registered for it.
    pub declared: Vec<Place>,
    /// Whether row security holds for the login.
    pub security: Security,
    /// The answer for each command that was asked for.
    pub commands: Vec<CommandAnswer>,
}

impl Answer {
    /// The answer for a command, if it was asked for.
    #[must_use]
    pub fn command(&self, command: Command) -> Option<&CommandAnswer> {
        self.commands
            .iter()
            .find(|answer| answer.command == command)
    }
}

/// Whether row security holds for the login on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Security {
    /// It does.
    Holds,
    /// It is disabled on the table.
    Disabled,
    /// The login owns the table, or is a member of its owner, and row security is not forced.
    OwnerUnforced,
    /// The login is a superuser or has `BYPASSRLS`.
    Bypassed,
    /// The context cannot be sent, so nothing was asked.
    Unasked,
}

impl Security {
    /// The word for programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Disabled => "disabled",
            Self::OwnerUnforced => "owner_unforced",
            Self::Bypassed => "bypassed",
            Self::Unasked => "unasked",
        }
    }

    /// Why no policy is asked, in words.
    pub(super) fn says(self) -> Option<&'static str> {
        match self {
            Self::Holds | Self::Unasked => None,
            Self::Disabled => Some("row security is disabled on the table: every row is reached"),
            Self::OwnerUnforced => Some(
                "the login owns the table, and row security is not forced: every row is reached",
            ),
            Self::Bypassed => Some(
                "the login is a superuser or has BYPASSRLS: every row is reached, whatever the policies say",
            ),
        }
    }
}

/// What becomes of a statement with this row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It reaches the row.
    Passes,
    /// It does not find the row, and is no error.
    Hidden,
    /// It is an error.
    Refused,
}

impl Outcome {
    /// `passes`, `hidden` or `refused`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Hidden => "hidden",
            Self::Refused => "refused",
        }
    }
}

/// The answer for one command.
///
/// `SELECT`, `UPDATE` and `DELETE` are asked of the row as it is, found by its key; an `UPDATE` leaves
/// its values. `INSERT` is asked of a row with the same values, or with those that are given, and
/// with `RETURNING`, as SeaORM sends it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CommandAnswer {
    /// The command.
    pub command: Command,
    /// What becomes of it.
    pub outcome: Outcome,
    /// What stands in the way, the first of which names it best; none if it passes.
    pub causes: Vec<Cause>,
    /// The policies that the server asks for this command.
    pub policies: Vec<PolicyAnswer>,
}

/// A policy that is asked, and what it says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PolicyAnswer {
    /// The policy.
    pub name: Identifier,
    /// Permissive or restrictive.
    pub kind: PolicyKind,
    /// Which of its conditions.
    pub side: Side,
    /// Who made it.
    pub origin: Origin,
    /// What the whole condition says.
    pub value: Truth,
    /// The condition, in parts if this library made it.
    pub part: Part,
}

/// A condition of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `USING`, on rows that are there.
    Using,
    /// `WITH CHECK`, on rows that are written.
    WithCheck,
}

impl Side {
    /// The words in SQL.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Using => "USING",
            Self::WithCheck => "WITH CHECK",
        }
    }
}
