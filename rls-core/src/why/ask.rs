//! Asks the server: as the application's login in the context what a condition says of a row, and
//! as the administrator what the rows are.

use std::collections::BTreeMap;
use std::sync::Arc;

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, QueryResult, Statement, TransactionTrait, Value as Bound,
};

use super::error::WhyError;
use super::table::{Column, Row, Table};
use super::value::Truth;
use crate::config::RlsConfig;
use crate::connection::RlsConnection;
use crate::entity::registry::Registry;
use crate::error::RlsError;
use crate::model::context::{AdminContext, RlsContext, Settings};
use crate::name::{Identifier, Schemas, TableName};
use crate::request::scoped::{ReadOnlyAdminTransaction, ScopedTransaction};
use crate::schema::catalog::SearchPath;
use crate::schema::catalog::names::path_schemas;
use crate::sql;

/// Two transactions: one as the application's login in a context, one as the administrator.
pub(super) struct Asking<'a> {
    db: &'a RlsConnection,
    pub(super) context: Settings,
    app: ScopedTransaction,
    admin: ReadOnlyAdminTransaction,
    pub(super) schemas: Schemas,
    tables: BTreeMap<TableName, Arc<Table>>,
}

impl<'a> Asking<'a> {
    /// Begins. Both transactions are recorded: that of the context before it begins, the
    /// administrator's in itself.
    pub(super) async fn begin(
        db: &'a RlsConnection,
        admin: &AdminContext,
        context: Settings,
    ) -> Result<Self, RlsError> {
        let app = db.admin_as_user(admin.clone(), context.clone());
        let app = app.begin().await?;
        let admin = db.admin_read_only(admin.clone()).begin().await?;
        let schemas = path_schemas(&admin).await?.found(&admin).await?;

        Ok(Self {
            db,
            context,
            app,
            admin,
            schemas,
            tables: BTreeMap::new(),
        })
    }

    /// Goes on in another context. Rows are read as the administrator already, which is recorded.
    pub(super) async fn goes_on_in(mut self, context: Settings) -> Result<Self, RlsError> {
        self.app.rollback().await?;
        self.app = self.db.scope(context.clone()).begin().await?;
        self.context = context;
        Ok(self)
    }

    /// Ends. The administrator's transaction only read, and its record is kept by a commit.
    pub(super) async fn end(self) -> Result<(), RlsError> {
        self.app.rollback().await?;
        self.admin.commit().await?;
        Ok(())
    }

    pub(super) fn registry(&self) -> &'a Registry {
        self.db.registry()
    }

    pub(super) fn config(&self) -> &'a RlsConfig {
        self.db.config()
    }

    /// The table of this name.
    pub(super) async fn table(&mut self, named: &TableName) -> Result<Arc<Table>, WhyError> {
        let named = named.found_in(&self.schemas);
        if let Some(table) = self.tables.get(&named) {
            return Ok(Arc::clone(table));
        }

        let nested = self.admin.begin().await?;
        nested.execute_unprepared(SearchPath::PRINTING).await?;
        let (registry, config) = (self.registry(), self.config());
        let table = Table::read(&nested, &named, registry, config, &self.schemas).await;
        nested.rollback().await?;

        let table = Arc::new(table?);
        self.tables.insert(named, Arc::clone(&table));
        Ok(table)
    }

    /// What the conditions say of a row, in the context.
    pub(super) async fn truths(
        &self,
        table: &Table,
        row: &Row,
        conditions: &[String],
    ) -> Result<Vec<Truth>, WhyError> {
        if conditions.is_empty() {
            return Ok(Vec::new());
        }

        let columns: Vec<String> = conditions
            .iter()
            .enumerate()
            .map(|(at, condition)| format!("CAST(({condition}\n) AS boolean) AS c{at}"))
            .collect();
        let (sql, values) = of_row(table, &columns.join(", "), row);

        match self.in_context(sql, values).await {
            Ok(answer) => (0..conditions.len())
                .map(|at| {
                    let value: Option<bool> = answer.try_get("", &format!("c{at}"))?;
                    Ok(Truth::of(value))
                })
                .collect(),
            Err(error) => {
                let Some(sqlstate) = RlsError::from(&error).sqlstate() else {
                    return Err(error.into());
                };
                if conditions.len() == 1 {
                    return Ok(vec![Truth::Failed { sqlstate }]);
                }

                // One at a time, to tell which it is.
                let mut truths = Vec::new();
                for condition in conditions {
                    let one = std::slice::from_ref(condition);
                    truths.extend(Box::pin(self.truths(table, row, one)).await?);
                }
                Ok(truths)
            }
        }
    }

    /// A new row of the table with these values, and the defaults that the context gives. What the
    /// server counts is NULL.
    pub(super) async fn new_row(&self, table: &Table, given: &Row) -> Result<Row, WhyError> {
        let no_row = || WhyError::Values {
            table: table.name.to_string(),
        };
        let known = |name: &String| {
            let mut columns = table.columns.iter();
            columns.any(|column| column.name.as_str() == name)
        };
        if !given.names().all(known) {
            return Err(no_row());
        }

        let is_left_out = |column: &&Column| {
            let name = column.name.as_str();
            column.generated.is_some() || !given.names().any(|given| given == name)
        };
        let left_out = || table.columns.iter().filter(is_left_out);
        let with_defaults = with(table, left_out(), |column| column.default.as_deref());
        let row = self.computed(table, given, &with_defaults).await?;

        // What is generated depends on the rest.
        let mut generated = left_out()
            .filter(|column| column.generated.is_some())
            .peekable();
        if generated.peek().is_none() {
            return Ok(row);
        }
        let with_generated = with(table, generated, |column| column.generated.as_deref());
        self.computed(table, &row, &with_generated).await
    }

    /// A row as the server computes it from another one; a value that does not fit is no row.
    async fn computed(&self, table: &Table, row: &Row, select: &str) -> Result<Row, WhyError> {
        let no_row = || WhyError::Values {
            table: table.name.to_string(),
        };
        let (sql, values) = of_row(table, select, row);
        let row = match self.in_context(sql, values).await {
            Ok(row) => row,
            Err(error) if RlsError::from(&error).sqlstate().is_some() => return Err(no_row()),
            Err(error) => return Err(error.into()),
        };

        Row::parse(row.try_get("", "row")?).ok_or_else(no_row)
    }

    /// The rows of a table in which these columns have these values, as the administrator sees them.
    pub(super) async fn rows(
        &self,
        table: &Table,
        by: &[(Identifier, String)],
        limit: usize,
    ) -> Result<Vec<Row>, WhyError> {
        if !self.sees(table) {
            return Err(WhyError::Blind {
                role: self.config().admin_role().clone(),
                table: table.name.to_string(),
            });
        }

        let conditions: Vec<String> = (1..)
            .zip(by)
            .filter_map(|(at, (name, _))| {
                let sql_type = &table.column(name)?.sql_type;
                let name = sql::identifier(name);
                Some(format!("r.{name} = CAST(${at} AS {sql_type})"))
            })
            .collect();
        let sql = format!(
            "SELECT CAST(pg_catalog.to_json(r.*) AS text) AS \"row\" FROM {} AS r WHERE {} LIMIT {limit}",
            sql::table(&table.root),
            conditions.join(" AND ")
        );
        let values: Vec<Bound> = by.iter().map(|(_, value)| value.as_str().into()).collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);

        let nested = self.admin.begin().await?;
        let answer = nested.query_all_raw(statement).await;
        nested.rollback().await?;

        let rows = answer.map_err(|error| key_error(table, by, error))?;
        rows.iter()
            .map(|row| {
                let json: String = row.try_get("", "row")?;
                Row::parse(json).ok_or_else(|| WhyError::Values {
                    table: table.name.to_string(),
                })
            })
            .collect()
    }

    /// The values of a column, as the administrator sees them, as text, in their order.
    pub(super) async fn values(
        &self,
        table: &Table,
        column: &Identifier,
        limit: usize,
    ) -> Result<Vec<String>, WhyError> {
        let column = sql::identifier(column);
        let sql = format!(
            "SELECT CAST(r.{column} AS text) AS value FROM {} AS r ORDER BY r.{column} LIMIT {limit}",
            sql::table(&table.root)
        );
        let statement = Statement::from_string(DbBackend::Postgres, sql);
        let rows = self.admin.query_all_raw(statement).await?;
        let values = rows.iter().map(|row| Ok(row.try_get("", "value")?));
        values.collect()
    }

    /// Runs a query of the catalog.
    pub(super) async fn catalog(&self, query: String) -> Result<Vec<QueryResult>, WhyError> {
        let nested = self.admin.begin().await?;
        nested.execute_unprepared(SearchPath::PRINTING).await?;
        let statement = Statement::from_string(DbBackend::Postgres, query);
        let rows = nested.query_all_raw(statement).await;
        nested.rollback().await?;
        Ok(rows?)
    }

    fn sees(&self, table: &Table) -> bool {
        table.administered
            || self
                .tables
                .get(&table.root)
                .is_some_and(|root| root.administered)
    }

    async fn in_context(&self, sql: String, values: Vec<Bound>) -> Result<QueryResult, DbErr> {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let nested = self.app.begin().await?;
        let answer = nested.query_one_raw(statement).await;
        nested.rollback().await?;

        answer?.ok_or_else(|| DbErr::RecordNotFound("no answer".to_owned()))
    }
}

/// The row as JSON, with what is computed for these columns.
fn with<'a>(
    table: &Table,
    columns: impl Iterator<Item = &'a Column>,
    expression: impl Fn(&Column) -> Option<&str>,
) -> String {
    let alias = sql::identifier(&table.name.table);
    let computed: String = columns
        .filter_map(|column| {
            let name = sql::known_literal(column.name.as_str());
            let sql = expression(column)?;
            Some(format!(
                " || pg_catalog.jsonb_build_object({name}, ({sql}))"
            ))
        })
        .collect();
    format!("CAST(pg_catalog.to_jsonb({alias}.*){computed} AS text) AS \"row\"")
}

/// `SELECT …` of one row of the table's type, under the table's name. The row need not be in it.
fn of_row(table: &Table, select: &str, row: &Row) -> (String, Vec<Bound>) {
    let sql = format!(
        "SELECT {select} FROM pg_catalog.json_populate_record(CAST(NULL AS {}), CAST($1 AS json)) AS {}",
        sql::table(&table.name),
        sql::identifier(&table.name.table)
    );
    (sql, vec![row.json.as_str().into()])
}

/// What the server says of a value that is not of its column's type holds the value.
fn key_error(table: &Table, by: &[(Identifier, String)], error: DbErr) -> WhyError {
    let error = RlsError::from(error);
    if error
        .sqlstate()
        .is_some_and(|state| state.starts_with("22"))
    {
        return WhyError::KeyValue {
            table: table.name.to_string(),
            columns: by.iter().map(|(column, _)| column.clone()).collect(),
        };
    }

    error.into()
}

/// The settings of a context.
pub(super) fn settings(context: &impl RlsContext) -> Result<Settings, WhyError> {
    Ok(context.settings().map_err(RlsError::from)?)
}
