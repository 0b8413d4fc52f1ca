//! Asks, before anything else, whether a pooler between gives one client's prepared statements to
//! another.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::open;
use crate::error::RlsError;
use crate::gate::database_error;
use crate::request::sessions::Sessions;
use crate::sqlstate;

/// What sqlx calls the statements that it prepares. A pooler that keeps those of its clients apart
/// gives them names of its own.
const DRIVERS_NAME: &str = "sqlx_s_";

/// Refuses a pooler that shares sessions of the server, and passes on the names of prepared
/// statements as they are: every program that uses sqlx calls its first one alike.
///
/// A direct login is told by one statement. Behind a pooler, a first connection asks a question
/// twice and is closed; then a second one asks another, which the pool logs in for.
///
/// # Errors
///
/// [`RlsError::SharedStatements`]; those of [`open::first`]; the server's.
pub(super) async fn check(sessions: &Sessions) -> Result<(), RlsError> {
    let mut first = open::first(sessions).await?;
    if is_direct(first.connection())
        .await
        .map_err(database_error)?
    {
        return Ok(());
    }

    let mark = format!("{:032x}", rand::random::<u128>());
    let asked: Result<_, RlsError> = async {
        let once = Answer::of(first.connection(), &mark, 1).await?;
        let again = Answer::of(first.connection(), &mark, 1).await?;
        // The second one must find the session that this one leaves.
        first.close_and_wait().await.map_err(database_error)?;

        let mut second = open::first(sessions).await?;
        let other = Answer::of(second.connection(), &mark, 2).await?;
        Ok([once, again, other])
    }
    .await;

    judge(&asked.map_err(explained)?).map_or(Ok(()), |seen| {
        let seen = seen.to_owned();
        Err(RlsError::SharedStatements { seen })
    })
}

/// Refuses Pgpool-II if it balances reads, for a login whose context travels in the begin message:
/// Pgpool-II does not see a transaction there, and would send what follows to a standby, without a
/// context.
///
/// A server answers the question with a syntax error.
///
/// # Errors
///
/// [`RlsError::BalancedReads`]; those of [`open::first`]; the server's.
pub(super) async fn check_balance(sessions: &Sessions) -> Result<(), RlsError> {
    const SYNTAX_ERROR: &str = "42601";

    let mut connection = open::first(sessions).await?;
    let asked = sqlx::raw_sql("PGPOOL SHOW load_balance_mode");
    match asked.fetch_one(connection.connection()).await {
        Ok(row) if row.try_get::<&str, _>(0).map_err(database_error)? == "off" => Ok(()),
        Ok(_) => Err(RlsError::BalancedReads),
        Err(error) if sqlstate::code(&error).as_deref() == Some(SYNTAX_ERROR) => Ok(()),
        Err(error) => Err(database_error(error)),
    }
}

/// Whether the session has what sqlx sent when it logged in. A pooler logs in by itself: PgBouncer
/// refuses or ignores this setting, and what else it knows of a client it sets later.
///
/// The question is not prepared.
async fn is_direct(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let source = "SELECT s.source OPERATOR(pg_catalog.=) 'client' FROM pg_catalog.pg_settings s
                  WHERE s.name OPERATOR(pg_catalog.=) 'extra_float_digits'";
    let row = sqlx::raw_sql(source).fetch_one(connection).await?;
    row.try_get(0)
}

/// What one execution of a prepared question tells of the session that answered.
struct Answer {
    asked: i32,
    answered: i32,
    /// The names of the questions with the same mark that the session has prepared.
    names: Vec<String>,
}

impl Answer {
    async fn of(connection: &mut PgConnection, mark: &str, asked: i32) -> Result<Self, RlsError> {
        let question = format!(
            "SELECT {asked}, ARRAY(SELECT s.name FROM pg_catalog.pg_prepared_statements s
                          WHERE pg_catalog.strpos(s.statement, '{mark}')
                                OPERATOR(pg_catalog.>) 0)"
        );
        let row = sqlx::query(AssertSqlSafe(question))
            .fetch_one(connection)
            .await
            .map_err(database_error)?;

        Ok(Self {
            asked,
            answered: row.try_get(0).map_err(database_error)?,
            names: row.try_get(1).map_err(database_error)?,
        })
    }
}

/// What of the answers shows that statements are shared: the second connection found what the
/// closed one had prepared, under the names that sqlx gave.
fn judge(answers: &[Answer; 3]) -> Option<&'static str> {
    if answers.iter().any(|answer| answer.answered != answer.asked) {
        return Some("a prepared statement was answered with another's row");
    }

    let [_, _, second] = answers;
    let passed_on = second
        .names
        .iter()
        .any(|name| name.starts_with(DRIVERS_NAME));

    (passed_on && second.names.len() > 1)
        .then_some("a session had the statements of a connection that was closed")
}

/// Tells what an error at `connect` says of a pooler: the server does not know a statement that was
/// prepared (26000), or has another of its name (42P05); or PgBouncer refuses a transaction (08P01
/// is its code for much, and it has its words in no other language).
pub(super) fn explained(error: RlsError) -> RlsError {
    let seen = match error.sqlstate().as_deref() {
        Some("26000") => "a prepared statement was gone when it was executed",
        Some("42P05") => "a session had another's prepared statement of the same name",
        Some("08P01") if error.to_string().contains("statement pooling") => {
            let message = error.to_string();
            return RlsError::TransactionsRefused { message };
        }
        _ => return error,
    };

    RlsError::SharedStatements {
        seen: seen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(last: (i32, &[&str])) -> [Answer; 3] {
        let answer = |asked, (answered, names): (i32, &[&str])| Answer {
            asked,
            answered,
            names: names.iter().map(ToString::to_string).collect(),
        };
        let first = || answer(1, (1, &["sqlx_s_7"]));
        [first(), first(), answer(2, last)]
    }

    #[test]
    fn sessions_of_ones_own_and_names_of_the_poolers_are_accepted() {
        for names in [&["sqlx_s_1"][..], &["PGBOUNCER_1", "PGBOUNCER_2"]] {
            assert_eq!(judge(&answers((2, names))), None);
        }
    }

    #[test]
    fn statements_of_another_connection_are_refused() {
        for last in [(2, &["sqlx_s_7", "sqlx_s_1"][..]), (1, &["sqlx_s_7"])] {
            assert!(judge(&answers(last)).is_some());
        }
    }
}
