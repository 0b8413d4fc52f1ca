//! What is seen of statements from outside: SeaORM's metric callback, and spans that hold no value.

use std::sync::Arc;
use std::time::Instant;

use sea_orm::Statement;
use sea_orm::metric::Info;
use tracing::{Instrument, Span, field};

use crate::error::sqlstate;

type Callback = Arc<dyn Fn(&Info<'_>) + Send + Sync>;

/// Who is told of each statement.
#[derive(Clone)]
pub(crate) struct Observer {
    callback: Option<Callback>,
    /// As SeaORM's `record_stmt_in_spans`: whether spans hold the SQL text, which has placeholders for values.
    record_statements: bool,
}

impl Observer {
    pub(crate) fn new(record_statements: bool) -> Self {
        Self { callback: None, record_statements }
    }

    pub(crate) fn with_callback(&self, callback: impl Fn(&Info<'_>) + Send + Sync + 'static) -> Self {
        Self { callback: Some(Arc::new(callback)), ..self.clone() }
    }

    /// Runs a statement: in a span at DEBUG with the fields of SeaORM's, and timed for the callback. Unprepared text
    /// may hold values, so it is in no span; and only a failure's SQLSTATE is, since messages quote values.
    pub(crate) async fn observe<T>(
        &self,
        sql: &str,
        statement: Option<&Statement>,
        running: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
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
        let started = self.callback.is_some().then(Instant::now);
        let result = running.instrument(span.clone()).await;
        record(&span, &result);
        if let (Some(callback), Some(started), Some(statement)) = (&self.callback, started, statement) {
            callback(&Info { elapsed: started.elapsed(), statement, failed: result.is_err() });
        }
        result
    }
}

fn record<T>(span: &Span, result: &Result<T, sqlx::Error>) {
    if span.is_disabled() {
        return;
    }
    match result {
        Ok(_) => {
            span.record("otel.status_code", "OK");
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            if let Some(state) = sqlstate::code(error) {
                span.record("db.response.status_code", state.as_str());
            }
        }
    }
}

fn first_word(sql: &str) -> &str {
    let sql = sql.trim_start();
    &sql[..sql.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(sql.len())]
}
