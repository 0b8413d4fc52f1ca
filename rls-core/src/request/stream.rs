//! Streams of rows, and the transaction that each runs in.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_stream::try_stream;
use futures_util::{Stream, StreamExt, stream};
use sea_orm::{DbErr, QueryResult, Statement};
use sqlx::Executor;

use crate::request::begin::ContextText;
use crate::request::operation::{query, query_error};
use crate::request::pool::{Pool, explain};
use crate::request::statement::{Classified, Effect};
use crate::sqlstate;

/// The rows of a statement, as the server sends them.
///
/// On a [`ScopedConnection`](crate::ScopedConnection), a stream has its own transaction. If the
/// stream is read to its end and the statement may have written, the transaction is committed;
/// otherwise it is rolled back. On a [`ScopedTransaction`](crate::ScopedTransaction), a stream
/// occupies the transaction's connection: other statements fail with
/// [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) until the stream ends or is dropped.
///
/// Statements sent: the statement, when the first row is requested; then the `COMMIT` or `ROLLBACK`
/// of its own transaction. If a stream is dropped early, the server still runs the whole statement,
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

    /// A stream without rows.
    pub(crate) fn empty() -> Self {
        Self::new(stream::empty())
    }

    /// A stream in a transaction of its own.
    pub(crate) async fn open(
        pool: Pool,
        context: ContextText,
        statement: Statement,
        classified: Classified,
    ) -> Result<RowStream<'a>, DbErr> {
        let (effect, message) = context.begin_for(classified);
        let mut lease = pool.begin(message).await?;

        Ok(RowStream::new(try_stream! {
            let mut effect = effect;
            loop {
                let mut observed = pool.observer().observe_rows(&statement);
                let mut rows = lease.connection().fetch(query(&statement));
                let mut first = observed.next(&mut rows).await;
                if effect == Effect::Read
                    && let Some(Err(error)) = &first
                    && sqlstate::is_read_only_violation(error)
                    && let Some(message) = context.begin_again()
                {
                    drop(rows);
                    effect = Effect::Unknown;
                    lease.begin_again(message).await.map_err(query_error)?;
                    continue;
                }
                while let Some(row) = first.take() {
                    match row {
                        Ok(row) => yield QueryResult::from(row),
                        Err(error) => {
                            drop(rows);
                            lease.note(&error);
                            Err(explain(query_error(error), context.is_anonymous()))?;
                            return;
                        }
                    }
                    first = observed.next(&mut rows).await;
                }
                break;
            }
            if effect == Effect::Unknown {
                pool.commit(lease).await?;
            } else {
                lease.end();
            }
        }))
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
