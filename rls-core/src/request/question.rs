//! The question whether a scope still holds: the same transaction, the same role, the same context.
//!
//! Servers log statements, so the question names the settings and holds no value. The answers are
//! compared here.

use std::fmt::Write as _;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::error::RlsError;
use crate::request::carrier::Carrier;
use crate::request::lease::Lease;
use crate::sql;

/// The text may set `DateStyle` and `TimeZone`; neither changes the answer to this.
const QUESTION: &str = "SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), \
                        'YYYYMMDDHH24MISSUS'), \
                        CURRENT_USER::pg_catalog.text";

/// The server's answer. It may hold values of the context.
pub(crate) struct Answer {
    /// `now()` is the start of the transaction, so it differs after any `COMMIT`.
    transaction: String,
    role: String,
    context_holds: bool,
}

impl Carrier {
    /// Writes the question as one statement. All names are qualified, since the text may change
    /// `search_path`.
    pub(crate) fn question(&self) -> String {
        let mut question = String::from(QUESTION);
        for (name, _) in self.expected() {
            let name = sql::literal(name).unwrap_or_default();
            let _infallible = write!(question, ", pg_catalog.current_setting({name}, true)");
        }

        question
    }

    /// Reads the answer to [`Carrier::question`].
    pub(crate) fn answer(&self, row: &PgRow) -> Answer {
        // Unchecked: in simple messages sqlx does not know the types. A setting that was reset is
        // NULL, which policies read as they do the empty text.
        let text = |column| {
            row.try_get_unchecked::<Option<String>, _>(column)
                .ok()
                .flatten()
                .unwrap_or_default()
        };

        let mut settings = self.expected().zip(2..);

        Answer {
            transaction: text(0),
            role: text(1),
            context_holds: settings.all(|((_, value), column)| text(column) == value),
        }
    }

    /// Sends the signed context, if there is one, in a message of its own.
    pub(crate) async fn sign(&self, lease: &mut Lease) -> Result<(), sqlx::Error> {
        match self.signature() {
            Some(parameters) => parameters.send(lease.connection()).await,
            None => Ok(()),
        }
    }

    /// As [`Carrier::sign`], where a transaction has just begun: if it left a record, it sent the signed
    /// context too.
    pub(crate) async fn sign_after_begin(&self, lease: &mut Lease) -> Result<(), sqlx::Error> {
        if self.signed_record().is_some() {
            return Ok(());
        }

        self.sign(lease).await
    }

    /// Sets the context again, before a statement in a transaction, if the statement's message cannot:
    /// what a function of an earlier statement set lasts no longer than that statement.
    pub(crate) async fn set_again(&self, lease: &mut Lease) -> Result<(), sqlx::Error> {
        if !self.engine().sets_in_any_message() {
            for assignment in self.engine().again(self.context()) {
                lease
                    .connection()
                    .execute(AssertSqlSafe(assignment))
                    .await?;
            }
        }

        Ok(())
    }

    /// Sets the context, and asks, in one message.
    pub(crate) async fn set_and_ask(&self, lease: &mut Lease) -> Result<Answer, sqlx::Error> {
        let mut statements = self.assignments();
        statements.push(self.question());
        let sql = statements.join(";");
        let row = lease.connection().fetch_one(AssertSqlSafe(sql)).await?;
        Ok(self.answer(&row))
    }

    pub(crate) async fn ask(&self, lease: &mut Lease) -> Result<Answer, sqlx::Error> {
        let sql = self.question();
        let row = lease.connection().fetch_one(AssertSqlSafe(sql)).await?;
        Ok(self.answer(&row))
    }
}

/// Compares the answers before and after SQL text that may hold more than it shows.
///
/// # Errors
///
/// [`RlsError::ScopeLost`] if the second answer is from another transaction, role or context.
pub(crate) fn still_holds(
    before: Option<Answer>,
    after: Option<Answer>,
) -> Result<(), sqlx::Error> {
    let lost = match (before, after) {
        (Some(before), Some(after)) if before.transaction == after.transaction => {
            if after.context_holds && before.role == after.role {
                return Ok(());
            }

            "SQL text changed the context"
        }
        _ => "SQL text ended the transaction",
    };

    Err(scope_lost(lost))
}

pub(crate) fn scope_lost(reason: &str) -> sqlx::Error {
    sqlx::Error::Configuration(Box::new(RlsError::ScopeLost {
        reason: reason.to_owned(),
    }))
}
