//! Privileges on tables.

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
    /// `REFERENCES`: a foreign key of one's own tells whether a hidden row exists.
    References,
    /// `TRIGGER`: a trigger of one's own sees every row written.
    Trigger,
    /// `MAINTAIN` (`VACUUM`, `CLUSTER` and the like; since PostgreSQL 17).
    Maintain,
}

impl Privilege {
    /// What the two roles get on a scoped table.
    pub const READ_WRITE: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// The privilege that a command needs; all commands together need [`Privilege::Select`] at
    /// least.
    #[must_use]
    pub fn of(command: Command) -> Self {
        match command {
            Command::All | Command::Select => Self::Select,
            Command::Insert => Self::Insert,
            Command::Update => Self::Update,
            Command::Delete => Self::Delete,
        }
    }

    /// PostgreSQL's word.
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

    /// From PostgreSQL's word.
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

/// The commands a policy holds for.
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

    /// PostgreSQL's word.
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
