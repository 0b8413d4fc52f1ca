//! What can be observed of statements: SeaORM's metric callback, and spans that hold no value.

use std::sync::Arc;
use std::time::Instant;

use futures_util::{Stream, StreamExt};
use sea_orm::Statement;
use sea_orm::metric::Info;
use tracing::{Instrument, Span, field};

use crate::sqlstate;

type Callback = dyn Fn(&Info<'_>) + Send + Sync;

/// Reports each statement to a callback and to `tracing`.
#[derive(Clone)]
pub(crate) struct Observer {
    callback: Option<Arc<Callback>>,
    /// As SeaORM's `record_stmt_in_spans`: whether spans hold the SQL text, which has placeholders
    /// for values.
    record_statements: bool,
}

impl Observer {
    pub(crate) fn new(record_statements: bool) -> Self {
        Self {
            callback: None,
            record_statements,
        }
    }

    pub(crate) fn with_callback(
        &self,
        callback: impl Fn(&Info<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self {
            callback: Some(Arc::new(callback)),
            ..self.clone()
        }
    }

    /// Runs a statement: in a span at DEBUG with the fields of SeaORM's, and timed for the
    /// callback. Unprepared text may hold values, so it is in no span; and only a failure's
    /// SQLSTATE is, since messages quote values.
    pub(crate) async fn observe<T>(
        &self,
        sql: &str,
        statement: Option<&Statement>,
        running: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let mut observed = self.begin(sql, statement);
        let result = running.instrument(observed.span.clone()).await;
        observed.end(result.as_ref().err());

        result
    }

    /// As [`Observer::observe`], for rows: until they end, fail or are dropped.
    pub(crate) fn observe_rows<'a>(&'a self, statement: &'a Statement) -> ObservedRows<'a> {
        ObservedRows(self.begin(&statement.sql, Some(statement)))
    }

    fn begin<'a>(&'a self, sql: &str, statement: Option<&'a Statement>) -> Observed<'a> {
        let span = tracing::debug_span!(
            "sea_orm_rls.statement",
            otel.kind = "client",
            db.system = "postgresql",
            db.operation = field::Empty,
            db.statement = field::Empty,
            otel.status_code = field::Empty,
            db.response.status_code = field::Empty,
        );

        if !span.is_disabled() {
            span.record("db.operation", first_word(sql));
            if let Some(statement) = statement.filter(|_| self.record_statements) {
                span.record("db.statement", statement.sql.as_str());
            }
        }

        let callback = self.callback.as_deref().zip(statement);

        Observed {
            span,
            told: callback.map(|(callback, statement)| (callback, statement, Instant::now())),
        }
    }
}

struct Observed<'a> {
    span: Span,
    told: Option<(&'a Callback, &'a Statement, Instant)>,
}

impl Observed<'_> {
    fn end(&mut self, error: Option<&sqlx::Error>) {
        record(&self.span, error);
        self.tell(error.is_some());
    }

    fn tell(&mut self, failed: bool) {
        if let Some((callback, statement, started)) = self.told.take() {
            callback(&Info {
                elapsed: started.elapsed(),
                statement,
                failed,
            });
        }
    }
}

/// A statement that returns its rows one by one.
pub(crate) struct ObservedRows<'a>(Observed<'a>);

impl ObservedRows<'_> {
    /// The next row. The observation ends with the last row or the first failure.
    pub(crate) async fn next<T>(
        &mut self,
        rows: &mut (impl Stream<Item = Result<T, sqlx::Error>> + Unpin),
    ) -> Option<Result<T, sqlx::Error>> {
        let next = rows.next().instrument(self.0.span.clone()).await;
        match &next {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.0.end(Some(error)),
            None => self.0.end(None),
        }

        next
    }
}

impl Drop for ObservedRows<'_> {
    /// A stream that is dropped early is no failure, as in SeaORM.
    fn drop(&mut self) {
        self.0.tell(false);
    }
}

fn record(span: &Span, error: Option<&sqlx::Error>) {
    if span.is_disabled() {
        return;
    }

    let Some(error) = error else {
        span.record("otel.status_code", "OK");
        return;
    };

    span.record("otel.status_code", "ERROR");

    if let Some(state) = sqlstate::code(error) {
        span.record("db.response.status_code", state.as_str());
    }
}

fn first_word(sql: &str) -> &str {
    let sql = sql.trim_start();
    &sql[..sql
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(sql.len())]
}
