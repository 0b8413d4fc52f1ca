//! SQLSTATEs, and what this crate makes of them.
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use std::io::ErrorKind;

use sea_orm::{DbErr, RuntimeErr, sqlx};
use sqlx::postgres::{PgDatabaseError, PgSeverity};

pub(crate) const INSUFFICIENT_PRIVILEGE: &str = "42501";
pub(crate) const LOCK_NOT_AVAILABLE: &str = "55P03";
pub(crate) const OUT_OF_MEMORY: &str = "53200";
pub(crate) const DEADLOCK_DETECTED: &str = "40P01";
pub(crate) const NOT_NULL_VIOLATION: &str = "23502";
pub(crate) const FOREIGN_KEY_VIOLATION: &str = "23503";
pub(crate) const CHECK_VIOLATION: &str = "23514";
/// Policies ask each other, or one asks its own table (`invalid_object_definition`).
pub(crate) const RECURSION: &str = "42P17";
pub(crate) const UNDEFINED_FUNCTION: &str = "42883";

/// The object does not exist: a column, a table, a function, or a type and the like; or a column has
/// another type.
pub(crate) const UNDEFINED: [&str; 5] = ["42703", "42P01", "42883", "42704", "42804"];

pub(crate) const READ_ONLY_SQL_TRANSACTION: &str = "25006";
const FEATURE_NOT_SUPPORTED: &str = "0A000";
pub(crate) const UNIQUE_VIOLATION: &str = "23505";
const DUPLICATE_OBJECT: &str = "42710";

/// The name is in use: of a table or index, of a constraint, policy or type, of a column, of a
/// function.
pub(crate) const DUPLICATE: [&str; 4] = ["42P07", DUPLICATE_OBJECT, "42701", "42723"];

/// `tuple concurrently updated` has no code of its own.
const INTERNAL_ERROR: &str = "XX000";

/// The SQLSTATE, if the error came from the server.
pub(crate) fn of(error: &DbErr) -> Option<String> {
    sqlx_error(error).and_then(code)
}

pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()?
        .code()
        .map(std::borrow::Cow::into_owned)
}

/// A statement would have written in a `READ ONLY` transaction; it did not run.
pub(crate) fn is_read_only_violation(error: &sqlx::Error) -> bool {
    code(error).as_deref() == Some(READ_ONLY_SQL_TRANSACTION)
}

/// The server has no such feature, or not in the state that it is in.
pub(crate) fn is_not_supported(error: &DbErr) -> bool {
    of(error).as_deref() == Some(FEATURE_NOT_SUPPORTED)
}

/// Class 23: an integrity constraint refused a row.
#[cfg(feature = "testing")]
pub(crate) fn is_constraint(state: &str) -> bool {
    state.starts_with("23")
}

/// The server did not run a statement for a reason that lies in the moment: a conflict with other
/// transactions (class 40), too few resources (53), a lock (55P03), or someone who ended it (57).
pub(crate) fn is_of_the_moment(state: &str) -> bool {
    ["40", "53", "57", LOCK_NOT_AVAILABLE]
        .iter()
        .any(|of_the_moment| state.starts_with(of_the_moment))
}

/// Another session created or altered the same role at the same time.
pub(crate) fn is_concurrent_change(state: &str) -> bool {
    [UNIQUE_VIOLATION, DUPLICATE_OBJECT, INTERNAL_ERROR].contains(&state)
}

/// The server rejected the login.
pub(crate) fn is_login_refused(error: &sqlx::Error) -> bool {
    let refused =
        |code: &str| code.starts_with("28") || matches!(code, "3D000" | INSUFFICIENT_PRIVILEGE);
    database_error(error)
        .is_some_and(|error| error.severity() == PgSeverity::Fatal && refused(error.code()))
}

/// The connection is lost: an I/O error, a broken protocol, or an error that ends the session
/// (`pg_terminate_backend` and the like send 57P01 with severity FATAL).
pub(crate) fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        error => is_fatal(error),
    }
}

/// What the server says of the objects that stand in the way of a change: something depends on what
/// was to be dropped (2BP01), or on the type of a column (0A000).
pub(crate) fn in_the_way(error: &DbErr) -> Option<&str> {
    const DEPENDENT_OBJECTS_STILL_EXIST: &str = "2BP01";

    let error = database_error(sqlx_error(error)?)?;

    [DEPENDENT_OBJECTS_STILL_EXIST, FEATURE_NOT_SUPPORTED]
        .contains(&error.code())
        .then(|| error.detail())
        .flatten()
}

/// The message was not written whole, because the connection is dead. Its end, `Sync` or the end of
/// the text, is what commits: nothing was stored.
pub(crate) fn is_unwritten(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == ErrorKind::BrokenPipe)
}

/// The server itself has ended the session: it was told to (57P01), another session of it crashed
/// (57P02), or it was idle for too long (57P05). A pooler's errors have other codes, and do not tell
/// what the server did.
pub(crate) fn is_session_ended(error: &sqlx::Error) -> bool {
    is_fatal(error)
        && code(error).is_some_and(|code| matches!(code.as_str(), "57P01" | "57P02" | "57P05"))
}

fn is_fatal(error: &sqlx::Error) -> bool {
    database_error(error)
        .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

/// The server ended the session because its transaction was idle (25P03) or took (25P04) too long,
/// and so rolled it back.
pub(crate) fn is_transaction_timeout(error: &sqlx::Error) -> bool {
    is_fatal(error) && code(error).is_some_and(|code| matches!(code.as_str(), "25P03" | "25P04"))
}

/// The error arose in this function of SQL, or in the right to call it. The server translates its
/// words, and no names; what stands first is the innermost place.
pub(crate) fn is_of_function(error: &sqlx::Error, function: &str) -> bool {
    database_error(error).is_some_and(|error| {
        let place = error
            .r#where()
            .and_then(|place| place.lines().next())
            .unwrap_or_default();
        place.contains(function) || is_denied(error, function)
    })
}

/// The context could not be set: a domain that carries it is gone, or its right to call
/// `set_config`.
pub(crate) fn is_context_not_set(error: &DbErr) -> bool {
    sqlx_error(error)
        .and_then(database_error)
        .is_some_and(|error| {
            // The server does not translate this one, which has no code of its own.
            let is_gone = error.code() == INTERNAL_ERROR
                && error.message().starts_with("cache lookup failed for type ");
            is_gone || is_denied(error, "set_config")
        })
}

/// The key of a signed context that the server refused. The text stands in the value of a failed
/// cast, which no server translates.
pub(crate) fn refused_context(error: &DbErr) -> Option<String> {
    const INVALID_TEXT_REPRESENTATION: &str = "22P02";

    let error = database_error(sqlx_error(error)?)?;
    let (before, _) = error.message().split_once(REFUSED)?;
    let key = before
        .trim_end()
        .rsplit(|c: char| !c.is_ascii_alphanumeric());

    (error.code() == INVALID_TEXT_REPRESENTATION)
        .then(|| key.into_iter().next().unwrap_or_default().to_owned())
}

/// The word by which the view of signed contexts refuses one.
pub(crate) const REFUSED: &str = "rls_context_refused";

fn is_denied(error: &PgDatabaseError, function: &str) -> bool {
    error.code() == INSUFFICIENT_PRIVILEGE
        && error.routine() == Some("aclcheck_error")
        && error.message().contains(function)
}

pub(crate) fn database_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Why the server refused with 42501.
pub(crate) enum Denied {
    /// A row-level security policy.
    ByPolicy {
        table: Option<String>,
        message: String,
    },
    /// A missing privilege.
    ByGrant {
        table: Option<String>,
        message: String,
    },
    /// Row-level security, which `row_security = off` does not switch off for this login.
    Hidden {
        table: Option<String>,
        message: String,
    },
}

impl Denied {
    /// Tells them apart by the server's routine, which is never translated, unlike the message:
    /// policies are checked in `ExecWithCheckOptions` (`src/backend/executor/execMain.c`), grants
    /// in `aclcheck_error` (`catalog/aclchk.c`), those of sequences by [`OF_SEQUENCES`] too,
    /// `row_security` in `check_enable_rls` (`utils/misc/rls.c`). On Citus, what a worker refused
    /// comes from the coordinator's [`CITUS_ROUTINE`]; grants have been checked on the coordinator
    /// before.
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        let error = database_error(error)?;
        if error.code() != INSUFFICIENT_PRIVILEGE {
            return None;
        }

        let message = error.message().to_owned();

        match error.routine() {
            Some("check_enable_rls") => Some(Self::Hidden {
                table: last_quoted(&message),
                message,
            }),
            Some("ExecWithCheckOptions") => Some(Self::ByPolicy {
                table: last_quoted(&message),
                message,
            }),
            Some(routine)
                if routine.starts_with("aclcheck_error") || OF_SEQUENCES.contains(&routine) =>
            {
                let table = denied_object(&message);
                Some(Self::ByGrant { table, message })
            }
            Some(CITUS_ROUTINE) => Some(Self::ByPolicy {
                table: last_quoted(&message).map(|shard| table_of_shard(&shard).to_owned()),
                message,
            }),
            _ => None,
        }
    }
}

/// The functions of sequences, which check their grants themselves
/// (`src/backend/commands/sequence.c`). Since PostgreSQL 19, `do_setval` is `SetSequence`.
const OF_SEQUENCES: [&str; 6] = [
    "nextval_internal",
    "currval_oid",
    "lastval",
    "do_setval",
    "SetSequence",
    "pg_sequence_parameters",
];

/// Where the coordinator of Citus says what a worker said
/// (`src/backend/distributed/connection/remote_commands.c`).
const CITUS_ROUTINE: &str = "ReportResultError";

/// The table of a shard, `task` of `task_102008`.
fn table_of_shard(shard: &str) -> &str {
    match shard.rsplit_once('_') {
        Some((table, id)) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            table
        }
        _ => shard,
    }
}

/// Whether Citus cannot run a statement. It refuses `MERGE` with a code of internal errors
/// (`src/backend/distributed/planner/merge_planner.c`).
pub(crate) fn is_beyond_citus(error: &DbErr) -> bool {
    let of_merge = |error: &PgDatabaseError| {
        error
            .routine()
            .is_some_and(|routine| routine.starts_with("ErrorIfMerge"))
    };
    is_not_supported(error)
        || sqlx_error(error)
            .and_then(database_error)
            .is_some_and(of_merge)
}

/// `permission denied for table t`, in English. The name stands there as it is, with spaces in it.
const DENIED: &str = "permission denied for ";

/// The kinds of objects in that message that have more than one word come first.
const KINDS: [&str; 7] = [
    "materialized view",
    "foreign table",
    "table",
    "view",
    "sequence",
    "schema",
    "function",
];

/// The name in `permission denied for table t`; in another language its last word.
fn denied_object(message: &str) -> Option<String> {
    let name = message.strip_prefix(DENIED).and_then(|rest| {
        let mut names = KINDS
            .iter()
            .map(|kind| rest.strip_prefix(kind)?.strip_prefix(' '));
        names.find_map(|name| name)
    });
    let name = name.or_else(|| message.rsplit(' ').next())?;
    Some(name.trim_matches('"').to_owned())
}

/// Whether a privilege on a table is missing, and not on a sequence or schema, as far as the message
/// is in English.
pub(crate) fn is_of_table(message: &str) -> bool {
    let rest = message.strip_prefix(DENIED).unwrap_or_default();
    ["table ", "view ", "materialized view ", "foreign table "]
        .iter()
        .any(|kind| rest.starts_with(kind))
}

/// Whether a privilege on a sequence is missing, as far as the message is in English.
pub(crate) fn is_of_sequence(message: &str) -> bool {
    let rest = message.strip_prefix(DENIED).unwrap_or_default();
    rest.starts_with("sequence ")
}

/// The table in `new row violates row-level security policy "p" for table "t"`.
fn last_quoted(message: &str) -> Option<String> {
    let end = message.rfind('"')?;
    let start = message[..end].rfind('"')?;
    Some(message[start + 1..end].to_owned())
}

/// The driver's error inside SeaORM's.
pub(crate) fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}
