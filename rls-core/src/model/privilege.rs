//! Privileges on tables, and the commands of policies.

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
