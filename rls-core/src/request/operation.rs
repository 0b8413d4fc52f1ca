//! The four things SeaORM asks of a connection, as values: every path runs them through the same
//! lanes.

use futures_util::TryStreamExt;
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgQueryResult, PgRow};
use sqlx::{AssertSqlSafe, Either, Executor, PgConnection, Postgres};

use crate::request::begin::ContextText;
use crate::request::question::still_holds;
use crate::request::statement::Protocol;

/// One statement and what is wanted of its answer.
pub(crate) trait Operation: Send + Sync {
    type Output: Send;

    fn sql(&self) -> &str;

    /// The statement, for SeaORM's metric callback; none for unprepared text, as in SeaORM.
    fn statement(&self) -> Option<&Statement> {
        None
    }

    fn protocol(&self) -> Protocol {
        Protocol::Extended
    }

    fn run(
        &self,
        connection: &mut PgConnection,
        context: &ContextText,
    ) -> impl Future<Output = Result<Self::Output, sqlx::Error>> + Send;

    /// SeaORM's variant for a failure of this operation.
    fn error(&self, error: sqlx::Error) -> DbErr;
}

pub(crate) struct Execute(pub(crate) Statement);
pub(crate) struct QueryOne(pub(crate) Statement);
pub(crate) struct QueryAll(pub(crate) Statement);
pub(crate) struct ExecuteUnprepared<'a>(pub(crate) &'a str);

impl Operation for Execute {
    type Output = ExecResult;

    fn sql(&self) -> &str {
        &self.0.sql
    }

    fn statement(&self) -> Option<&Statement> {
        Some(&self.0)
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        _context: &ContextText,
    ) -> Result<ExecResult, sqlx::Error> {
        connection
            .execute(query(&self.0))
            .await
            .map(ExecResult::from)
    }

    fn error(&self, error: sqlx::Error) -> DbErr {
        exec_error(error)
    }
}

impl Operation for QueryOne {
    type Output = Option<QueryResult>;

    fn sql(&self) -> &str {
        &self.0.sql
    }

    fn statement(&self) -> Option<&Statement> {
        Some(&self.0)
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        _context: &ContextText,
    ) -> Result<Option<QueryResult>, sqlx::Error> {
        Ok(connection
            .fetch_optional(query(&self.0))
            .await?
            .map(QueryResult::from))
    }

    fn error(&self, error: sqlx::Error) -> DbErr {
        query_error(error)
    }
}

impl Operation for QueryAll {
    type Output = Vec<QueryResult>;

    fn sql(&self) -> &str {
        &self.0.sql
    }

    fn statement(&self) -> Option<&Statement> {
        Some(&self.0)
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        _context: &ContextText,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let rows = connection.fetch_all(query(&self.0)).await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    fn error(&self, error: sqlx::Error) -> DbErr {
        query_error(error)
    }
}

impl Operation for ExecuteUnprepared<'_> {
    type Output = ExecResult;

    fn sql(&self) -> &str {
        self.0
    }

    fn protocol(&self) -> Protocol {
        Protocol::Simple
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        context: &ContextText,
    ) -> Result<ExecResult, sqlx::Error> {
        let question = context.question();

        // The line break ends a comment at the end of the text; a string left open there is a
        // syntax error.
        let sql = [question.as_str(), ";", self.0, "\n;", question.as_str()].concat();
        let mut answers = connection.fetch_many(AssertSqlSafe(sql));
        let (mut before, mut after, mut results) = (None, None, Vec::new());

        while let Some(answer) = answers.try_next().await? {
            match answer {
                Either::Right(row) if before.is_none() => before = Some(row),
                Either::Right(row) => after = Some(row),
                Either::Left(result) => results.push(result),
            }
        }

        drop(answers);

        let answer = |row: Option<PgRow>| row.map(|row| context.answer(&row));
        still_holds(answer(before), answer(after))?;

        // The first and the last are the answers to the two questions.
        results.pop();

        let mut total = PgQueryResult::default();
        total.extend(results.into_iter().skip(1));

        Ok(ExecResult::from(total))
    }

    fn error(&self, error: sqlx::Error) -> DbErr {
        exec_error(error)
    }
}

/// The prepared query of a statement, with its values bound.
pub(crate) fn query(statement: &Statement) -> sqlx::query::Query<'_, Postgres, SqlxValues> {
    let values = statement
        .values
        .clone()
        .unwrap_or_else(|| Values(Vec::<Value>::new()));
    sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), SqlxValues(values))
}

pub(crate) fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

pub(crate) fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
