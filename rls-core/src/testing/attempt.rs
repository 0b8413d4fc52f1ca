//! The actors and their attempts, as plain data.

use std::fmt;

use crate::model::privilege::Privilege;

/// The user on whose behalf a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The first user.
    First,
    /// The second user.
    Second,
    /// No user: every setting of the context is empty.
    Nobody,
}

impl Actor {
    /// All of them, in the order in which a cell prints them.
    pub const EACH: [Self; 3] = [Self::First, Self::Second, Self::Nobody];
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first user",
            Self::Second => "the second user",
            Self::Nobody => "nobody",
        })
    }
}

/// A command that the proof tries on a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attempt {
    /// `SELECT` without a condition.
    Select,
    /// `SELECT` of each row by its `ctid`.
    SelectOne,
    /// `count(*)`.
    Count,
    /// A `WITH` query, a join of the table with itself and a subquery, in one.
    Query,
    /// A cursor, as a stream reads.
    Cursor,
    /// `COPY … TO STDOUT`.
    Copy,
    /// `SELECT … FOR UPDATE`.
    Lock,
    /// A prepared statement with a plan that was made for the other user.
    Cached,
    /// A `SELECT` after a savepoint was rolled back.
    Nested,
    /// `INSERT` of the actor's own row, with and without `RETURNING`.
    Insert,
    /// `INSERT` of a row of the other user, or of one with a bound reference to such a row.
    Forge,
    /// `INSERT … ON CONFLICT DO UPDATE` that conflicts with the other's row.
    Upsert,
    /// `INSERT … ON CONFLICT DO NOTHING` that conflicts with the other's row.
    Ignore,
    /// `UPDATE … WHERE … RETURNING`.
    Update,
    /// `UPDATE` without a condition, for which `SELECT` policies do not hold.
    UpdateAll,
    /// `UPDATE` of the actor's own row that gives it to the other user, or lets a bound reference lead
    /// to a row of the other.
    Move,
    /// `DELETE … WHERE … RETURNING`.
    Delete,
    /// `DELETE` without a condition.
    DeleteAll,
    /// `TRUNCATE`, which no policy stops.
    Truncate,
    /// The application's login itself: row-level security is active for it, and it reads no row
    /// that was there before.
    Login,
}

impl Attempt {
    /// All of them, in the order in which they are run.
    pub const EACH: [Self; 20] = [
        Self::Select,
        Self::SelectOne,
        Self::Count,
        Self::Query,
        Self::Cursor,
        Self::Copy,
        Self::Lock,
        Self::Cached,
        Self::Nested,
        Self::Insert,
        Self::Forge,
        Self::Upsert,
        Self::Ignore,
        Self::Update,
        Self::UpdateAll,
        Self::Move,
        Self::Delete,
        Self::DeleteAll,
        Self::Truncate,
        Self::Login,
    ];

    /// The privileges without which the server refuses it. `WHERE`, `RETURNING` and the column of a
    /// conflict need `SELECT`.
    pub(super) fn needs(self) -> &'static [Privilege] {
        use Privilege::{Delete, Insert, Select, Truncate, Update};

        match self {
            Self::Login => &[],
            Self::Lock | Self::Update => &[Select, Update],
            Self::Insert | Self::Forge | Self::Ignore => &[Insert],
            Self::Upsert => &[Insert, Select, Update],
            Self::UpdateAll | Self::Move => &[Update],
            Self::Delete => &[Select, Delete],
            Self::DeleteAll => &[Delete],
            Self::Truncate => &[Truncate],
            _ => &[Select],
        }
    }

    /// The heading of its column.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::SelectOne => "one",
            Self::Count => "count",
            Self::Query => "query",
            Self::Cursor => "cursor",
            Self::Copy => "copy",
            Self::Lock => "lock",
            Self::Cached => "cached",
            Self::Nested => "nested",
            Self::Insert => "insert",
            Self::Forge => "forge",
            Self::Upsert => "upsert",
            Self::Ignore => "ignore",
            Self::Update => "update",
            Self::UpdateAll => "update*",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::DeleteAll => "delete*",
            Self::Truncate => "truncate",
            Self::Login => "login",
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
