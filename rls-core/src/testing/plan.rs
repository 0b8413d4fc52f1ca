//! The statements of each attempt, with what must come of them, as pure text and data.

use crate::name::{Identifier, SettingName};
use crate::policy::Command;
use crate::scope::Scope;
use crate::sql;

use super::expect::{Bound, Reach, RowSpec, bound};
use super::row::{Draft, Made, insert, place};
use super::schema::{Column, Filled, Table};
use super::shape::{Anchor, Party};
use super::{Actor, Attempt, value};

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
        let bounds = self.rows.iter().map(|row| bound(self.scope, self.reach, attempt, actor, &row.spec));
        let bounds: Vec<Bound> = bounds.collect();
        let step = |how, sql| Step { sql, how, expects: Expects::Rows(bounds.clone()), third: Vec::new() };
        let read = |sql| vec![step(How::Read, sql)];
        let write = |sql| vec![step(How::Write, sql)];
        match attempt {
            Attempt::Select => read(format!("SELECT {at} FROM {table} AS t")),
            Attempt::SelectOne => {
                let one = |(row, bound): (&Row, &Bound)| {
                    // Rows of other partitions may have the same place in theirs.
                    let id = super::lane::text(&row.made.id);
                    let sql = format!("SELECT {at} FROM {table} AS t WHERE {at} = {id}");
                    let only =
                        self.rows.iter().map(|other| if other.made.id == row.made.id { *bound } else { Bound::Never });
                    Step { expects: Expects::Rows(only.collect()), ..step(How::Read, sql) }
                };
                self.rows.iter().zip(&bounds).map(one).collect()
            }
            Attempt::Count => {
                let reached = bounds.iter().filter(|bound| **bound == Bound::Must).count();
                let sql = format!("SELECT pg_catalog.count(*) FROM {table} AS t WHERE {made}");
                let expects = Expects::Count(i64::try_from(reached).unwrap_or(i64::MAX));
                vec![Step { expects, ..step(How::Count, sql) }]
            }
            Attempt::Query => read(format!(
                "WITH seen AS (SELECT {at} AS id, t.tableoid AS of, t.ctid AS at FROM {table} AS t WHERE {made})
                 SELECT seen.id FROM seen JOIN {table} AS j ON j.tableoid = seen.of AND j.ctid = seen.at
                 WHERE seen.id IN (SELECT {at} FROM {table} AS t WHERE {made})"
            )),
            Attempt::Cursor => read(format!(
                "DECLARE proof CURSOR FOR SELECT {at} FROM {table} AS t WHERE {made}; FETCH ALL FROM proof"
            )),
            Attempt::Copy => {
                vec![step(How::Copy, format!("SELECT {at} FROM {table} AS t WHERE {made}"))]
            }
            Attempt::Lock => read(format!("SELECT {at} FROM {table} AS t WHERE {made} FOR UPDATE")),
            Attempt::Cached => vec![step(How::Cached, format!("SELECT {at} FROM {table} AS t WHERE {made}"))],
            Attempt::Nested => read(format!(
                "SAVEPOINT inside; SELECT FROM {table} LIMIT 0; ROLLBACK TO SAVEPOINT inside;
                 SELECT {at} FROM {table} AS t WHERE {made}"
            )),
            Attempt::Insert => self.insert(actor),
            Attempt::Forge => self.forge(actor),
            Attempt::Upsert | Attempt::Ignore => self.onto_others(attempt, actor),
            Attempt::Update => match self.change(actor) {
                Some(set) => write(format!("UPDATE {table} AS t SET {set} WHERE {made} RETURNING {at}")),
                None => Vec::new(),
            },
            Attempt::UpdateAll => {
                self.change(actor).map_or_else(Vec::new, |set| write(format!("UPDATE {table} SET {set}")))
            }
            Attempt::Move => self.moves(actor, &bounds),
            Attempt::Delete => write(format!("DELETE FROM {table} AS t WHERE {made} RETURNING {at}")),
            Attempt::DeleteAll => write(format!("DELETE FROM {table}")),
            Attempt::Truncate => {
                vec![Step { expects: Expects::NoGrant, ..step(How::Write, format!("TRUNCATE {table}")) }]
            }
            Attempt::Login => Vec::new(),
        }
    }

    /// The condition on the rows that were made.
    fn made(&self) -> String {
        let places = self.rows.iter().filter_map(|row| Some(format!("\"{}\"", &row.made.id[row.made.id.find('(')?..])));
        format!("t.ctid = ANY ('{{{}}}'::pg_catalog.tid[])", places.collect::<Vec<_>>().join(","))
    }

    /// Asks which of the rows that were made are as they were.
    pub(super) fn present(&self) -> String {
        format!("SELECT {} FROM {} AS t WHERE {}", place("t"), sql::table(&self.scope.table), self.made())
    }

    fn write(&self, draft: &Draft, rest: &str, expects: Expects) -> Step<'a> {
        let sql = format!("{}{rest}", insert(&self.scope.table, draft));
        Step { sql, how: How::Write, expects, third: Vec::new() }
    }

    fn insert(&self, actor: Actor) -> Vec<Step<'a>> {
        let passes = self.reach.is_none_or(|reach| reach.has(actor, true, Command::Insert));
        let expects = if passes { Expects::Passes } else { Expects::Refused };
        let own = self.drafts.own.iter().filter(|(of, _)| *of == actor);
        let reads = self.scope.privileges.contains(&crate::privilege::Privilege::Select)
            && self.reach.is_none_or(|reach| reach.has(actor, true, Command::Select));
        let rests: &[&str] = if reads { &["", " RETURNING 1"] } else { &[""] };
        let third: Vec<_> = self.third.iter().map(|(setting, _)| *setting).collect();
        own.flat_map(|(_, draft)| rests.iter().map(|rest| self.write(draft, rest, expects.clone())))
            .map(|step| Step { third: third.clone(), ..step })
            .collect()
    }

    fn forge(&self, actor: Actor) -> Vec<Step<'a>> {
        let passes = self.reach.is_some_and(|reach| reach.has(actor, false, Command::Insert));
        let expects = if passes { Expects::Passes } else { Expects::Refused };
        let forged = self.drafts.forged.iter().filter(|(of, _)| *of == actor);
        // Without `RETURNING`, which has `SELECT` policies hold for the new row too.
        forged.map(|(_, draft)| self.write(draft, "", expects.clone())).collect()
    }

    /// Inserts of one's own row that conflict with another's.
    fn onto_others(&self, attempt: Attempt, actor: Actor) -> Vec<Step<'a>> {
        let key = &self.table.primary_key;
        let own = self.drafts.own.iter().chain(&self.drafts.forged).find(|(of, _)| *of == actor);
        let allowed = self.reach.is_some_and(|reach| reach.has(actor, false, Command::Update));
        let (Some((_, own)), Some(set), false) = (own, self.change(actor), key.is_empty() || allowed) else {
            return Vec::new();
        };
        let columns: Vec<String> = key.iter().map(sql::identifier).collect();
        let (rest, expects) = if attempt == Attempt::Upsert {
            (format!(" ON CONFLICT ({}) DO UPDATE SET {set}", columns.join(", ")), Expects::Refused)
        } else {
            (" ON CONFLICT DO NOTHING".to_owned(), Expects::Nothing)
        };
        let others = self.rows.iter().filter(|row| row.spec.is_plain() && !row.spec.is_own(actor));
        let onto = others.filter_map(|other| {
            let mut draft = own.clone();
            for column in key {
                draft.insert(column.clone(), self.stored(other, column)?);
            }
            Some(self.write(&draft, &rest, expects.clone()))
        });
        onto.collect()
    }

    /// Gives one's own rows to the other, by each column that says whose they are. Without a condition, for which
    /// `SELECT` policies would hold for the new row too.
    fn moves(&self, actor: Actor, bounds: &[Bound]) -> Vec<Step<'a>> {
        if self.reach.is_some() {
            return Vec::new();
        }
        let expects = if actor == Actor::Nobody { Expects::Rows(bounds.to_vec()) } else { Expects::Refused };
        let other = self.plain(if actor == Actor::Second { Party::First } else { Party::Second });
        let moved = Anchor::of(self.scope).into_iter().filter_map(|anchor| {
            let value = match &self.third {
                Some((_, key)) if anchor.is_identity() => key.clone(),
                _ => self.stored(other?, anchor.column())?,
            };
            let sql =
                format!("UPDATE {} SET {} = {value}", sql::table(&self.scope.table), sql::identifier(anchor.column()));
            Some(Step { sql, how: How::Write, expects: expects.clone(), third: Vec::new() })
        });
        moved.collect()
    }

    fn plain(&self, party: Party) -> Option<&Row> {
        self.rows.iter().find(|row| row.spec.is_plain() && row.spec.ties.are(party))
    }

    fn stored(&self, row: &Row, column: &Identifier) -> Option<String> {
        let column = self.table.column(column)?;
        Some(value::cast(row.made.values.get(&column.name)?.as_deref(), &column.sql_type))
    }

    /// `column = value`, of a column that can hold one value in all rows; else of one that makes a row the actor's.
    fn change(&self, actor: Actor) -> Option<String> {
        let own = self.plain(if actor == Actor::Second { Party::Second } else { Party::First })?;
        let anchors: Vec<&Identifier> = Anchor::of(self.scope).into_iter().map(Anchor::column).collect();
        let refers = |column: &Column| self.table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
        let is_marker = |column: &Column| {
            self.scope.soft_delete.as_ref() == Some(&column.name)
                || self.scope.shared.values().any(|shared| *shared == column.name)
        };
        let free = self.table.columns.iter().filter(|column| {
            column.filled != Filled::Server
                && !anchors.contains(&&column.name)
                && !self.table.unique.contains(&column.name)
                && !is_marker(column)
        });
        let free: Vec<&Column> = free.collect();
        let plain = free.iter().find(|column| !refers(column)).or(free.first()).map(|column| &column.name);
        let column = plain.or_else(|| anchors.first().copied()).or_else(|| {
            self.table.columns.iter().find(|column| column.filled != Filled::Server).map(|column| &column.name)
        })?;
        Some(format!("{} = {}", sql::identifier(column), self.stored(own, column)?))
    }
}
