//! The statements of each attempt, with what must come of them, as pure text and data.

mod write;

use crate::model::scope::Scope;
use crate::name::SettingName;
use crate::sql;

use super::draft::{Draft, Made, place};
use super::expect::{Bound, Reach, RowSpec, bound};
use super::schema::Table;
use super::{Actor, Attempt};

/// How a statement is played, and how its answer is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Read,
    /// As a prepared statement that another context has used before.
    Cached,
    Count,
    /// As `COPY (…) TO STDOUT`.
    Copy,
    Write,
}

/// What must come of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    /// Of each row that was made.
    Rows(Vec<Bound>),
    /// This many rows.
    Count(i64),
    /// It is let through, whatever a key says then.
    Passes,
    /// A policy refuses it.
    Refused,
    /// Nothing is written, by a refusal or without one.
    Nothing,
    /// It is refused for want of a privilege.
    NoGrant,
}

#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    pub(super) sql: String,
    pub(super) how: How,
    pub(super) expects: Expects,
    /// The settings that are the third's, who has no row yet.
    pub(super) third: Vec<&'a SettingName>,
}

/// A row that is there, with what it was meant to be.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) spec: RowSpec,
    pub(super) made: Made,
}

/// The rows that are inserted: one's own, and those in another's name.
#[derive(Clone, Debug, Default)]
pub(super) struct Drafts {
    pub(super) own: Vec<(Actor, Draft)>,
    pub(super) forged: Vec<(Actor, Draft)>,
}

/// A table with all that is played against it.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) scope: &'a Scope,
    pub(super) reach: Option<&'a Reach>,
    pub(super) table: &'a Table,
    pub(super) rows: Vec<Row>,
    pub(super) drafts: Drafts,
    /// The identity's key of the third, where there is one: as setting and as SQL.
    pub(super) third: Option<(&'a SettingName, String)>,
}

impl<'a> Target<'a> {
    /// What is played; empty where it has no meaning here.
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

    fn granted_steps(&self, attempt: Attempt, actor: Actor) -> Vec<Step<'a>> {
        let table = sql::table(&self.scope.table);
        let at = place("t");
        let made = self.made();
        let bounds = self
            .rows
            .iter()
            .map(|row| bound(self.scope, self.reach, attempt, actor, &row.spec));

        let bounds: Vec<Bound> = bounds.collect();
        let step = |how, sql| Step {
            sql,
            how,
            expects: Expects::Rows(bounds.clone()),
            third: Vec::new(),
        };

        let read = |sql| vec![step(How::Read, sql)];
        let write = |sql| vec![step(How::Write, sql)];

        match attempt {
            Attempt::Select => read(format!("SELECT {at} FROM {table} AS t")),
            Attempt::SelectOne => {
                let one = |(row, bound): (&Row, &Bound)| {
                    // Rows of other partitions may have the same place in theirs.
                    let id = super::draft::text(&row.made.id);
                    let sql = format!("SELECT {at} FROM {table} AS t WHERE {at} = {id}");
                    let only = self.rows.iter().map(|other| {
                        if other.made.id == row.made.id {
                            *bound
                        } else {
                            Bound::Never
                        }
                    });

                    Step {
                        expects: Expects::Rows(only.collect()),
                        ..step(How::Read, sql)
                    }
                };

                self.rows.iter().zip(&bounds).map(one).collect()
            }
            Attempt::Count => {
                let reached = bounds.iter().filter(|bound| **bound == Bound::Must).count();
                let sql = format!("SELECT pg_catalog.count(*) FROM {table} AS t WHERE {made}");
                let expects = Expects::Count(i64::try_from(reached).unwrap_or(i64::MAX));

                vec![Step {
                    expects,
                    ..step(How::Count, sql)
                }]
            }
            Attempt::Query => read(format!(
                "WITH seen AS (SELECT {at} AS id, t.tableoid AS of, t.ctid AS at FROM {table} AS t \
                 WHERE {made})
                 SELECT seen.id FROM seen JOIN {table} AS j ON j.tableoid = seen.of AND j.ctid = \
                 seen.at
                 WHERE seen.id IN (SELECT {at} FROM {table} AS t WHERE {made})"
            )),
            Attempt::Cursor => read(format!(
                "DECLARE proof CURSOR FOR SELECT {at} FROM {table} AS t WHERE {made}; FETCH ALL \
                 FROM proof"
            )),
            Attempt::Copy => {
                vec![step(
                    How::Copy,
                    format!("SELECT {at} FROM {table} AS t WHERE {made}"),
                )]
            }
            Attempt::Lock => read(format!(
                "SELECT {at} FROM {table} AS t WHERE {made} FOR UPDATE"
            )),
            Attempt::Cached => vec![step(
                How::Cached,
                format!(
                    "SELECT {at} FROM {table} AS t WHERE \
                                                            {made}"
                ),
            )],
            Attempt::Nested => read(format!(
                "SAVEPOINT inside; SELECT FROM {table} LIMIT 0; ROLLBACK TO SAVEPOINT inside;
                 SELECT {at} FROM {table} AS t WHERE {made}"
            )),
            Attempt::Insert => self.insert(actor),
            Attempt::Forge => self.forge(actor),
            Attempt::Upsert | Attempt::Ignore => self.onto_others(attempt, actor),
            Attempt::Update => match self.change(actor) {
                Some(set) => write(format!(
                    "UPDATE {table} AS t SET {set} WHERE {made} RETURNING \
                                            {at}"
                )),
                None => Vec::new(),
            },
            Attempt::UpdateAll => self.change(actor).map_or_else(Vec::new, |set| {
                write(format!(
                    "UPDATE {table} SET \
                                                            {set}"
                ))
            }),
            Attempt::Move => self.moves(actor, &bounds),
            Attempt::Delete => write(format!(
                "DELETE FROM {table} AS t WHERE {made} RETURNING \
                                              {at}"
            )),
            Attempt::DeleteAll => write(format!("DELETE FROM {table}")),
            Attempt::Truncate => {
                vec![Step {
                    expects: Expects::NoGrant,
                    ..step(
                        How::Write,
                        format!(
                            "TRUNCATE \
                                                            {table}"
                        ),
                    )
                }]
            }
            Attempt::Login => Vec::new(),
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
            place("t"),
            ids.join(", ")
        )
    }

    /// Asks which of the rows that were made are as they were.
    pub(super) fn present(&self) -> String {
        format!(
            "SELECT {} FROM {} AS t WHERE {}",
            place("t"),
            sql::table(&self.scope.table),
            self.made()
        )
    }
}
