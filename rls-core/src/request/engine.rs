//! How a context reaches all that runs a statement, on PostgreSQL and on Citus.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The engine that answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Engine {
    /// One server, which runs all of a statement.
    #[default]
    PostgreSql,
    /// A coordinator that has its workers run parts of a statement, in sessions of their own.
    ///
    /// It repeats to them each `SET LOCAL` of a transaction, and nothing that a function or a
    /// parameter sets. What it repeats is the text of the whole message
    /// (`PostprocessVariableSetStmt` in `src/backend/distributed/commands/variableset.c`), so each
    /// `SET LOCAL` needs a message of its own.
    Citus,
}

/// Before the first setting of a transaction or a statement. Citus does not repeat this one itself, so
/// it may stand in the message of the begin; beside a setting, workers set it too.
const PROPAGATE: &str = "SET LOCAL citus.propagate_set_commands = 'local'";

impl Engine {
    /// Whether parameters that are domains reach all that runs a statement.
    pub(crate) fn takes_parameters(self) -> bool {
        self == Self::PostgreSql
    }

    /// Whether the message of unprepared text may set the context too.
    pub(crate) fn sets_in_any_message(self) -> bool {
        self == Self::PostgreSql
    }

    /// The messages that set a context again, in their order. An earlier statement may have stopped
    /// Citus from repeating what is set.
    pub(crate) fn again(self, mut context: Vec<String>) -> Vec<String> {
        if let (Self::Citus, Some(first)) = (self, context.first_mut()) {
            *first = [PROPAGATE, "; ", first].concat();
        }

        context
    }

    /// The message for `begin`, and those for the statements that follow it in its transaction, each
    /// after the answer to the one before.
    pub(crate) fn messages(self, begin: String, following: Vec<String>) -> (SqlStr, Vec<SqlStr>) {
        let message = |text: String| AssertSqlSafe(text).into_sql_str();
        match self {
            Self::PostgreSql => {
                let all: Vec<String> = std::iter::once(begin).chain(following).collect();
                (message(all.join("; ")), Vec::new())
            }
            Self::Citus => (
                message([&begin, "; ", PROPAGATE].concat()),
                following.into_iter().map(message).collect(),
            ),
        }
    }
}
