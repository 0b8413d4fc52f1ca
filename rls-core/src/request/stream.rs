//! Streams of rows, and the transaction that each runs in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_stream::try_stream;
use futures_util::{Stream, StreamExt, stream};
use sea_orm::{DbErr, QueryResult, Statement};
use sqlx::{Either, Executor, PgConnection};

use crate::request::alone::Outcome;
use crate::request::borrowed::Borrowed;
use crate::request::carrier::{Around, Carrier};
use crate::request::lease::Lease;
use crate::request::operation::{Sending, query_error};
use crate::request::pool::Pool;
use crate::request::statement::Classified;
use crate::sqlstate;

/// The rows of a statement, as the server sends them.
///
/// On a [`ScopedConnection`](crate::ScopedConnection), the statement is a transaction of its own, and
/// is committed even if the stream is dropped. On a [`ScopedTransaction`](crate::ScopedTransaction), a stream
/// occupies the transaction's connection: other statements fail with
/// [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) until the stream ends or is dropped.
///
/// Statements sent: the statement, when the first row is requested. If a stream is dropped early, the server still runs the whole statement,
/// and the next user of the connection first reads the remaining rows. Give such a statement a
/// `LIMIT`.
pub struct RowStream<'a> {
    rows: Pin<Box<dyn Stream<Item = Result<QueryResult, DbErr>> + Send + 'a>>,
}

impl<'a> RowStream<'a> {
    pub(crate) fn new(rows: impl Stream<Item = Result<QueryResult, DbErr>> + Send + 'a) -> Self {
        Self {
            rows: Box::pin(rows),
        }
    }

    /// A stream of rows that are here.
    pub(crate) fn of(rows: Vec<QueryResult>) -> Self {
        Self::new(stream::iter(rows.into_iter().map(Ok)))
    }

    /// A stream that has no transaction around it.
    pub(crate) async fn open(
        pool: Pool,
        carrier: Carrier,
        statement: Statement,
        classified: Classified,
    ) -> Result<RowStream<'a>, DbErr> {
        pool.announce().await?;

        let mut held = Held::take(&pool, &carrier, classified, &statement).await?;
        let mut attempts = pool.attempts();

        Ok(RowStream::new(try_stream! {
            loop {
                let around = held.around();
                let mut sending = Sending::new(&carrier, around, classified, Some(&statement));
                let query = sending.query(&statement).map_err(query_error)?;
                let mut observed = pool.observer().observe_rows(&statement);
                let mut answers = held.connection().fetch_many(query);
                let failed = loop {
                    match observed.next(&mut answers).await {
                        Some(Ok(Either::Right(row))) => {
                            yield QueryResult::from(row);
                        }
                        Some(Ok(Either::Left(_))) => sending.completed = true,
                        Some(Err(error)) => break Some(error),
                        None => break None,
                    }
                };
                drop(answers);

                let Some(error) = failed else {
                    break;
                };
                held.note(&error);
                if attempts > 0 && held.may_run_again(&error) {
                    attempts -= 1;

                    // A pool of one would wait for this one.
                    drop(held);
                    held = Held::Connection(pool.acquire().await?);
                    continue;
                }

                Err(held.failure(error, sending.completed, &carrier, &statement.sql))?;
                return;
            }

            if let Held::Transaction(lease) = held {
                pool.commit(lease).await?;
            }
        }))
    }
}

/// What a stream holds: a connection, with a transaction if the statement cannot carry the context.
enum Held {
    Connection(Borrowed),
    Transaction(Lease),
}

impl Held {
    async fn take(
        pool: &Pool,
        carrier: &Carrier,
        classified: Classified,
        statement: &Statement,
    ) -> Result<Self, DbErr> {
        if Sending::new(carrier, Around::Nothing, classified, Some(statement)).is_carried() {
            return pool.acquire().await.map(Self::Connection);
        }

        let mut lease = pool.begin_unannounced(carrier.begin_for_one()).await?;
        let signed = carrier.sign_after_begin(&mut lease).await;
        signed.map_err(query_error)?;
        Ok(Self::Transaction(lease))
    }

    fn around(&self) -> Around {
        match self {
            Self::Connection(_) => Around::Nothing,
            Self::Transaction(_) => Around::Transaction,
        }
    }

    fn connection(&mut self) -> &mut PgConnection {
        match self {
            Self::Connection(borrowed) => borrowed.connection(),
            Self::Transaction(lease) => lease.connection(),
        }
    }

    fn note(&mut self, error: &sqlx::Error) {
        match self {
            Self::Connection(borrowed) if borrowed.is_spent_by(error) => borrowed.close(),
            Self::Connection(_) => {}
            Self::Transaction(lease) => lease.note(error),
        }
    }

    fn may_run_again(&self, error: &sqlx::Error) -> bool {
        matches!(self, Self::Connection(_)) && sqlstate::is_unwritten(error)
    }

    fn failure(&self, error: sqlx::Error, completed: bool, carrier: &Carrier, sql: &str) -> DbErr {
        let outcome = match self {
            Self::Connection(_) => Outcome::of(&error, completed, carrier),
            // Without a commit nothing is stored.
            Self::Transaction(_) => Outcome::Failed,
        };

        outcome.explain(query_error(error), carrier, sql)
    }
}

impl Stream for RowStream<'_> {
    type Item = Result<QueryResult, DbErr>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.rows.poll_next_unpin(context)
    }
}

impl fmt::Debug for RowStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}
