//! Rows as they come, each stream with the transaction it runs in.

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
/// On a [`ScopedConnection`](crate::ScopedConnection) a stream has a transaction of its own, which
/// ends when the stream ends, fails, or is dropped. Read to its end, it is committed if the statement
/// may have written. Dropped before, it is rolled back. On a
/// [`ScopedTransaction`](crate::ScopedTransaction) it keeps the transaction's one connection: other
/// statements are refused with [`RlsError::StreamOpen`](crate::RlsError::StreamOpen) until it ends
/// or is dropped.
///
/// Statements sent: the one, when the first row is asked for, and what ends its own transaction.
/// Dropped before its end, the server still runs it, and whoever uses the connection next first
/// reads what was left: give it a `LIMIT`.
pub struct RowStream<'a> {
    rows: Pin<Box<dyn Stream<Item = Result<QueryResult, DbErr>> + Send + 'a>>,
}

impl<'a> RowStream<'a> {
    pub(crate) fn new(rows: impl Stream<Item = Result<QueryResult, DbErr>> + Send + 'a) -> Self {
        Self {
            rows: Box::pin(rows),
        }
    }

    /// Of a statement without rows.
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
