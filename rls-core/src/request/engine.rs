//! How a context reaches all that runs a statement, on PostgreSQL and on Citus.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::request::carrier::Parameters;

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

/// The messages that begin a transaction with a context, in their order.
#[derive(Clone)]
pub(crate) struct Begin {
    /// The first, which contains `BEGIN`.
    pub(crate) first: SqlStr,
    /// The parameters of a statement that follows, and does nothing else.
    pub(crate) carried: Option<Parameters>,
    /// Those that follow then, each after the answer to the one before.
    pub(crate) then: Vec<SqlStr>,
}

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

    /// The messages for `begin` and the statements that follow it in its transaction.
    pub(crate) fn messages(self, begin: String, following: Vec<String>) -> Begin {
        let message = |text: String| AssertSqlSafe(text).into_sql_str();
        match self {
            Self::PostgreSql => {
                let all: Vec<String> = std::iter::once(begin).chain(following).collect();
                Begin {
                    first: message(all.join("; ")),
                    carried: None,
                    then: Vec::new(),
                }
            }
            Self::Citus => Begin {
                first: message([&begin, "; ", PROPAGATE].concat()),
                carried: None,
                then: following.into_iter().map(message).collect(),
            },
        }
    }
}
