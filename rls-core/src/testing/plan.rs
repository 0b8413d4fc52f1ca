//! The statements of each attempt and their expected outcomes, as plain data.

mod column;
mod write;

use crate::model::scope::Scope;
use crate::name::{Identifier, SettingName};
use crate::sql;

use super::draft::{Draft, Made, row_id};
use super::expect::{Bound, Reach, RowSpec, bound};
use super::schema::Table;
use super::{Actor, Attempt};

/// How a statement is run, and how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Read,
    /// As a prepared statement that another context has run before.
    Cached,
    Count,
    /// As `COPY (…) TO STDOUT`.
    Copy,
    Write,
}

/// The expected outcome of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// For each row that was made.
    Rows(Vec<Bound>),
    /// This many rows.
    Count(i64),
    /// The policies let it through; a constraint may still refuse it.
    Passes,
    /// A policy refuses it.
    Refused,
    /// A policy or a foreign key refuses it.
    Unreferred,
    /// Nothing is written, with an error or without.
    Nothing,
    /// The server refuses it for lack of a privilege.
    NoGrant,
    /// The server refuses it, since this column is not granted.
    NoColumn(Identifier),
}

#[derive(Clone)]
pub(super) struct Step<'a> {
    pub(super) sql: String,
    pub(super) how: How,
    pub(super) expects: Expects,
    /// The settings that have the value of the third user, who has no row yet.
    pub(super) third: Vec<&'a SettingName>,
}

/// A row that was made, and its description.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) spec: RowSpec,
    pub(super) made: Made,
}

/// The rows to insert: the actor's own, and those of another.
#[derive(Clone, Default)]
pub(super) struct Drafts {
    pub(super) own: Vec<(Actor, Draft)>,
    pub(super) forged: Vec<(Actor, Draft)>,
    /// The actor's own rows, each with a bound reference to a row of the other user.
    pub(super) foreign: Vec<(Actor, Foreign)>,
}

/// A row that refers to a row of another user.
#[derive(Clone)]
pub(super) struct Foreign {
    pub(super) draft: Draft,
    /// The column that refers.
    pub(super) column: Identifier,
}

/// A table with its rows, ready for the attempts.
pub(super) struct Target<'a> {
    pub(super) scope: &'a Scope,
    pub(super) reach: Option<&'a Reach>,
    pub(super) table: &'a Table,
    pub(super) rows: Vec<Row>,
    pub(super) drafts: Drafts,
    /// The third user's key, if there is a third: its setting and its SQL.
    pub(super) third: Option<(&'a SettingName, String)>,
}

impl<'a> Target<'a> {
    /// The statements of an attempt; none if it has no meaning here.
    pub(super) fn steps(&self, attempt: Attempt, actor: Actor) -> Vec<Step<'a>> {
        let mut steps = self.granted_steps(attempt, actor);
        let granted = |privilege| self.scope.privileges.contains(privilege);

        if !attempt.needs().iter().all(granted) {
            steps.truncate(1);
            for step in &mut steps {
                step.expects = Expects::NoGrant;
            }
        }

        steps
    }

    /// The steps as if the login had every privilege.
    fn granted_steps(&self, attempt: Attempt, actor: Actor) -> Vec<Step<'a>> {
        let bounds = self
            .rows
            .iter()
            .map(|row| bound(self.scope, self.reach, attempt, actor, &row.spec));
        let bounds: Vec<Bound> = bounds.collect();

        let step = |(how, sql)| Step {
            sql,
            how,
            expects: Expects::Rows(bounds.clone()),
            third: Vec::new(),
        };

        match attempt {
            Attempt::SelectOne => self.select_each(&bounds),
            Attempt::Count => vec![self.count(&bounds)],
            Attempt::Insert => [self.insert(actor), self.insert_columns(actor)].concat(),
            Attempt::Forge => self.forge(actor),
            Attempt::Upsert | Attempt::Ignore => self.onto_others(attempt, actor),
            Attempt::Move => self.moves(actor, &bounds),
            Attempt::Update => {
                let all = self.write_all(attempt, actor).map(step);
                all.into_iter()
                    .chain(self.update_columns(actor, &bounds))
                    .collect()
            }
            Attempt::UpdateAll | Attempt::Delete | Attempt::DeleteAll => self
                .write_all(attempt, actor)
                .map(step)
                .into_iter()
                .collect(),
            Attempt::Truncate => {
                let sql = format!("TRUNCATE {}", sql::table(&self.scope.table));
                vec![Step {
                    expects: Expects::NoGrant,
                    ..step((How::Write, sql))
                }]
            }
            _ => self.read_all(attempt).map(step).into_iter().collect(),
        }
    }

    /// The statement that reads all rows in one way.
    fn read_all(&self, attempt: Attempt) -> Option<(How, String)> {
        let table = sql::table(&self.scope.table);
        let (id, made) = (row_id("t"), self.made());
        let read = format!("SELECT {id} FROM {table} AS t WHERE {made}");

        Some(match attempt {
            Attempt::Select => (How::Read, format!("SELECT {id} FROM {table} AS t")),
            Attempt::Query => (
                How::Read,
                format!(
                    "WITH seen AS (SELECT {id} AS id, t.tableoid AS of, t.ctid AS at
                                   FROM {table} AS t WHERE {made})
                     SELECT seen.id FROM seen
                     JOIN {table} AS j ON j.tableoid = seen.of AND j.ctid = seen.at
                     WHERE seen.id IN ({read})"
                ),
            ),
            Attempt::Cursor => (
                How::Read,
                format!("DECLARE proof CURSOR FOR {read}; FETCH ALL FROM proof"),
            ),
            Attempt::Copy => (How::Copy, read),
            Attempt::Lock => (How::Read, format!("{read} FOR UPDATE")),
            Attempt::Cached => (How::Cached, read),
            Attempt::Nested => (
                How::Read,
                format!(
                    "SAVEPOINT inside; SELECT FROM {table} LIMIT 0; ROLLBACK TO SAVEPOINT inside;
                     {read}"
                ),
            ),
            _ => return None,
        })
    }

    /// The statement that updates or deletes all rows.
    fn write_all(&self, attempt: Attempt, actor: Actor) -> Option<(How, String)> {
        let table = sql::table(&self.scope.table);
        let (id, made) = (row_id("t"), self.made());

        let sql = match attempt {
            Attempt::Update => {
                let set = self.change(actor)?;
                format!("UPDATE {table} AS t SET {set} WHERE {made} RETURNING {id}")
            }
            Attempt::UpdateAll => format!("UPDATE {table} SET {}", self.change(actor)?),
            Attempt::Delete => format!("DELETE FROM {table} AS t WHERE {made} RETURNING {id}"),
            Attempt::DeleteAll => format!("DELETE FROM {table}"),
            _ => return None,
        };

        Some((How::Write, sql))
    }

    /// Reads each row by its id.
    fn select_each(&self, bounds: &[Bound]) -> Vec<Step<'a>> {
        let (table, id) = (sql::table(&self.scope.table), row_id("t"));
        let one = |(row, bound): (&Row, &Bound)| {
            let made = super::draft::text(&row.made.id);
            let only = self.rows.iter().map(|other| {
                if other.made.id == row.made.id {
                    *bound
                } else {
                    Bound::Never
                }
            });

            Step {
                sql: format!("SELECT {id} FROM {table} AS t WHERE {id} = {made}"),
                how: How::Read,
                expects: Expects::Rows(only.collect()),
                third: Vec::new(),
            }
        };

        self.rows.iter().zip(bounds).map(one).collect()
    }

    fn count(&self, bounds: &[Bound]) -> Step<'a> {
        let (table, made) = (sql::table(&self.scope.table), self.made());
        let reached = bounds.iter().filter(|bound| **bound == Bound::Must).count();

        Step {
            sql: format!("SELECT pg_catalog.count(*) FROM {table} AS t WHERE {made}"),
            how: How::Count,
            expects: Expects::Count(i64::try_from(reached).unwrap_or(i64::MAX)),
            third: Vec::new(),
        }
    }

    /// The condition on the rows that were made.
    fn made(&self) -> String {
        let places = self
            .rows
            .iter()
            .filter_map(|row| Some(format!("\"{}\"", &row.made.id[row.made.id.find('(')?..])));

        let ids: Vec<String> = self
            .rows
            .iter()
            .map(|row| super::draft::text(&row.made.id))
            .collect();

        format!(
            "t.ctid = ANY ('{{{}}}'::pg_catalog.tid[]) AND {} = ANY (ARRAY[{}]::pg_catalog.text[])",
            places.collect::<Vec<_>>().join(","),
            row_id("t"),
            ids.join(", ")
        )
    }

    /// The statement that reads which of the rows are unchanged.
    pub(super) fn present(&self) -> String {
        format!(
            "SELECT {} FROM {} AS t WHERE {}",
            row_id("t"),
            sql::table(&self.scope.table),
            self.made()
        )
    }
}
