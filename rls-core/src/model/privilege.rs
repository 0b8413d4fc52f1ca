//! Privileges on tables and columns, and the commands of policies.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::Identifier;

/// The columns to which privileges are limited. A privilege that is not in it holds for the whole
/// table.
pub type Columns = BTreeMap<Privilege, BTreeSet<Identifier>>;

/// Privileges on a table and on its columns, as PostgreSQL keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    pub(crate) table: BTreeSet<Privilege>,
    pub(crate) columns: Columns,
}

impl Grants {
    /// The privileges, each on the columns to which it is limited, if it is.
    pub(crate) fn limited(privileges: &BTreeSet<Privilege>, columns: &Columns) -> Self {
        let table = privileges.iter().copied();
        let table = table.filter(|privilege| !columns.contains_key(privilege));

        Self {
            table: table.collect(),
            columns: columns.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty() && self.columns.is_empty()
    }

    /// Whether the privilege holds for the table, or for some of its columns.
    pub(crate) fn has(&self, privilege: Privilege) -> bool {
        self.table.contains(&privilege) || self.columns.contains_key(&privilege)
    }

    /// The columns for which the privilege holds beside the table.
    pub(crate) fn on_columns(&self, privilege: Privilege) -> BTreeSet<Identifier> {
        self.columns.get(&privilege).cloned().unwrap_or_default()
    }

    /// Adds a privilege on the table, or on a column of it.
    pub(crate) fn add(&mut self, privilege: Privilege, column: Option<Identifier>) {
        match column {
            Some(column) => drop(self.columns.entry(privilege).or_default().insert(column)),
            None => drop(self.table.insert(privilege)),
        }
    }
}

/// A privilege on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// `SELECT`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
    /// `TRUNCATE`, which no policy stops.
    Truncate,
    /// `REFERENCES`: by a foreign key to the table, a role learns whether a hidden row exists.
    References,
    /// `TRIGGER`: a role's trigger on the table sees every row that is written.
    Trigger,
    /// `MAINTAIN` (`VACUUM`, `CLUSTER` and the like; since PostgreSQL 17).
    Maintain,
}

impl Privilege {
    /// The privileges of both roles on a scoped table.
    pub const READ_WRITE: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The privilege that a command needs; for [`Command::All`] it is [`Privilege::Select`].
    #[must_use]
    pub fn of(command: Command) -> Self {
        match command {
            Command::All | Command::Select => Self::Select,
            Command::Insert => Self::Insert,
            Command::Update => Self::Update,
            Command::Delete => Self::Delete,
        }
    }

    /// The word in SQL.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::References => "REFERENCES",
            Self::Trigger => "TRIGGER",
            Self::Maintain => "MAINTAIN",
        }
    }

    /// Finds a privilege by its word in SQL.
    #[must_use]
    pub fn from_sql(word: &str) -> Option<Self> {
        let all = [
            Self::Select,
            Self::Insert,
            Self::Update,
            Self::Delete,
            Self::Truncate,
            Self::References,
            Self::Trigger,
            Self::Maintain,
        ];

        all.into_iter().find(|privilege| privilege.as_sql() == word)
    }
}

/// The command that a policy holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// All of them.
    All,
    /// `SELECT`, and the rows other commands read.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
}

impl Command {
    /// The four commands that [`Command::All`] stands for.
    pub const EACH: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The word in SQL.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}
