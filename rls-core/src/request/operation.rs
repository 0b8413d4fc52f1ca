//! The four things SeaORM asks of a connection, as values: every path runs them through the same
//! lanes.

use std::borrow::Cow;

use futures_util::TryStreamExt;
use sea_orm::{DbErr, ExecResult, QueryResult, RuntimeErr, Statement, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow};
use sqlx::{
    Arguments as _, AssertSqlSafe, Either, Executor, IntoArguments, PgConnection, Postgres,
    SqlSafeStr,
};

use crate::request::carrier::{Around, Carrier, Parameters};
use crate::request::question::still_holds;
use crate::request::statement::Classified;

/// One statement and what is wanted of its answer.
pub(crate) trait Operation: Send + Sync {
    type Output: Send;

    fn sql(&self) -> &str;

    /// The statement, for SeaORM's metric callback; none for unprepared text, as in SeaORM.
    fn statement(&self) -> Option<&Statement> {
        None
    }

    fn run(
        &self,
        connection: &mut PgConnection,
        sending: &mut Sending<'_>,
    ) -> impl Future<Output = Result<Self::Output, sqlx::Error>> + Send;

    /// SeaORM's variant for a failure of this operation.
    fn error(&self, error: sqlx::Error) -> DbErr;
}

/// How a statement is sent, and how far its answer has come.
pub(crate) struct Sending<'a> {
    pub(crate) carrier: &'a Carrier,
    /// `None` if the statement cannot have parameters that carry the context.
    parameters: Option<&'a Parameters>,
    /// Whether the server has said that the statement is complete.
    pub(crate) completed: bool,
}

impl<'a> Sending<'a> {
    pub(crate) fn new(
        carrier: &'a Carrier,
        around: Around,
        classified: Classified,
        statement: Option<&Statement>,
    ) -> Self {
        let parameters = statement
            .and_then(|statement| carrier.parameters(around, classified, values(statement)));

        Self {
            carrier,
            parameters,
            completed: false,
        }
    }

    /// Whether the statement's message sets the context.
    pub(crate) fn is_carried(&self) -> bool {
        self.parameters.is_some()
    }

    /// Whether a message of its own must set the context, since neither the statement does nor the
    /// begin of its transaction did.
    pub(crate) fn is_left_out(&self) -> bool {
        self.parameters.is_none() && self.carrier.has_parameters()
    }

    /// The prepared query of a statement, with its values bound, and the context.
    pub(crate) fn query<'q>(
        &self,
        statement: &'q Statement,
    ) -> Result<sqlx::query::Query<'q, Postgres, PgArguments>, sqlx::Error> {
        let bound = SqlxValues(
            statement
                .values
                .clone()
                .unwrap_or_else(|| Values(Vec::new())),
        );
        // For this database, or a program with drivers of others too does not compile.
        let mut arguments = IntoArguments::<Postgres>::into_arguments(bound);

        // It leaves out what it cannot encode, and the context must not take the place of a value.
        if arguments.len() != values(statement) {
            let error = "a value of the statement cannot be encoded";
            return Err(sqlx::Error::Encode(error.into()));
        }

        let Some(parameters) = self.parameters else {
            let sql = AssertSqlSafe(statement.sql.as_str());
            return Ok(sqlx::query_with(sql, arguments));
        };

        parameters.add_to(&mut arguments)?;
        let sql = match parameters.text(&statement.sql) {
            Cow::Borrowed(sql) => AssertSqlSafe(sql).into_sql_str(),
            Cow::Owned(sql) => AssertSqlSafe(sql).into_sql_str(),
        };

        Ok(sqlx::query_with(sql, arguments))
    }

    /// Runs a prepared statement, and gives each part of its answer to `each`.
    async fn answers<T: Default>(
        &mut self,
        connection: &mut PgConnection,
        statement: &Statement,
        each: impl Fn(&mut T, Either<PgQueryResult, PgRow>),
    ) -> Result<T, sqlx::Error> {
        let mut output = T::default();
        let mut answers = connection.fetch_many(self.query(statement)?);
        while let Some(answer) = answers.try_next().await? {
            self.completed |= answer.is_left();
            each(&mut output, answer);
        }

        Ok(output)
    }
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
        sending: &mut Sending<'_>,
    ) -> Result<ExecResult, sqlx::Error> {
        let total = |total: &mut PgQueryResult, answer| {
            if let Either::Left(result) = answer {
                total.extend([result]);
            }
        };

        let total = sending.answers(connection, &self.0, total).await?;
        Ok(ExecResult::from(total))
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
        sending: &mut Sending<'_>,
    ) -> Result<Option<QueryResult>, sqlx::Error> {
        let first = |first: &mut Option<PgRow>, answer| {
            if let Either::Right(row) = answer {
                first.get_or_insert(row);
            }
        };

        let first = sending.answers(connection, &self.0, first).await?;
        Ok(first.map(QueryResult::from))
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
        sending: &mut Sending<'_>,
    ) -> Result<Vec<QueryResult>, sqlx::Error> {
        let all = |rows: &mut Vec<QueryResult>, answer: Either<_, PgRow>| {
            rows.extend(answer.right().map(QueryResult::from));
        };

        sending.answers(connection, &self.0, all).await
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

    /// The text in one message, after the context and between two questions whether the scope
    /// holds.
    async fn run(
        &self,
        connection: &mut PgConnection,
        sending: &mut Sending<'_>,
    ) -> Result<ExecResult, sqlx::Error> {
        let carrier = sending.carrier;
        let assignments = carrier.assignments();
        let question = carrier.question();

        // The line break ends a comment at the end of the text; a string left open there is a
        // syntax error.
        let mut sql: String = assignments
            .iter()
            .flat_map(|set| [set.as_str(), ";"])
            .collect();
        for part in [question.as_str(), ";", self.0, "\n;", &question] {
            sql.push_str(part);
        }

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

        let answer = |row: Option<PgRow>| row.map(|row| carrier.answer(&row));
        still_holds(answer(before), answer(after))?;

        // Those of the context and the first question stand before, that of the second question
        // after.
        results.pop();

        let mut total = PgQueryResult::default();
        total.extend(results.into_iter().skip(assignments.len() + 1));

        Ok(ExecResult::from(total))
    }

    fn error(&self, error: sqlx::Error) -> DbErr {
        exec_error(error)
    }
}

/// How many values a statement has.
pub(crate) fn values(statement: &Statement) -> usize {
    statement
        .values
        .as_ref()
        .map_or(0, |Values(values)| values.len())
}

pub(crate) fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

pub(crate) fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}
