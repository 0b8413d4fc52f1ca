//! The statements that write rows of a user.

use crate::model::privilege::{Command, Privilege};
use crate::name::Identifier;
use crate::sql;

use super::super::draft::{Draft, insert};
use super::super::expect::Bound;
use super::super::schema::{Column, Filled};
use super::super::shape::{Anchor, Subject};
use super::super::{Actor, Attempt, value};
use super::{Expects, Foreign, How, Row, Step, Target};

impl<'a> Target<'a> {
    /// `INSERT` of a row; with a column that is not granted, the server refuses it.
    pub(super) fn write(&self, draft: &Draft, rest: &str, expects: Expects) -> Step<'a> {
        let mut columns = draft.keys();
        let denied = columns.find(|column| !self.grants(Privilege::Insert, column));
        let expects = denied.map_or(expects, |column| Expects::NoColumn(column.clone()));
        let sql = format!("{}{rest}", insert(&self.scope.table, draft));
        Step {
            sql,
            how: How::Write,
            expects,
            third: Vec::new(),
        }
    }

    /// What the policies do with the actor's own row.
    pub(super) fn own_passes(&self, actor: Actor) -> Expects {
        let passes = self
            .reach
            .is_none_or(|reach| reach.has(actor, true, Command::Insert));
        if passes {
            Expects::Passes
        } else {
            Expects::Refused
        }
    }

    pub(super) fn insert(&self, actor: Actor) -> Vec<Step<'a>> {
        let expects = self.own_passes(actor);

        let own = self.drafts.own.iter().filter(|(of, _)| *of == actor);
        let reads = self.scope.privileges.contains(&Privilege::Select)
            && self
                .reach
                .is_none_or(|reach| reach.has(actor, true, Command::Select));

        let rests: &[&str] = if reads { &["", " RETURNING 1"] } else { &[""] };
        let third: Vec<_> = self.third.iter().map(|(setting, _)| *setting).collect();

        own.flat_map(|(_, draft)| {
            rests
                .iter()
                .map(|rest| self.write(&self.sendable(draft), rest, expects.clone()))
        })
        .map(|step| Step {
            third: third.clone(),
            ..step
        })
        .collect()
    }

    pub(super) fn forge(&self, actor: Actor) -> Vec<Step<'a>> {
        let passes = self
            .reach
            .is_some_and(|reach| reach.has(actor, false, Command::Insert));
        let expects = if passes {
            Expects::Passes
        } else {
            Expects::Refused
        };

        let forged = self.drafts.forged.iter().filter(|(of, _)| *of == actor);

        // Without `RETURNING`, which would apply the `SELECT` policies to the new row too.
        let forged =
            forged.map(|(_, draft)| self.write(&self.forgeable(draft), "", expects.clone()));

        // A key may be checked only at the end of the transaction.
        let foreign = self.foreign(actor).map(|foreign| {
            let now = "; SET CONSTRAINTS ALL IMMEDIATE";
            self.write(&foreign.draft, now, Expects::Unreferred)
        });

        forged.chain(foreign).collect()
    }

    fn foreign(&self, actor: Actor) -> impl Iterator<Item = &Foreign> {
        let drafts = self.drafts.foreign.iter();
        drafts
            .filter(move |(of, _)| *of == actor)
            .map(|(_, foreign)| foreign)
    }

    /// Lets the actor's own rows refer to a row of the other user.
    fn refer(&self, actor: Actor) -> impl Iterator<Item = Step<'a>> {
        let table = sql::table(&self.scope.table);
        self.foreign(actor).filter_map(move |foreign| {
            let value = foreign.draft.get(&foreign.column)?;
            let column = sql::identifier(&foreign.column);

            Some(Step {
                sql: format!(
                    "UPDATE {table} SET {column} = {value}; SET CONSTRAINTS ALL IMMEDIATE"
                ),
                how: How::Write,
                expects: Expects::Unreferred,
                third: Vec::new(),
            })
        })
    }

    /// Inserts the actor's own row so that it conflicts with another's.
    pub(super) fn onto_others(&self, attempt: Attempt, actor: Actor) -> Vec<Step<'a>> {
        let key = &self.table.primary_key;
        let own = self
            .drafts
            .own
            .iter()
            .chain(&self.drafts.forged)
            .find(|(of, _)| *of == actor);

        let allowed = self
            .reach
            .is_some_and(|reach| reach.has(actor, false, Command::Update));
        let (Some((_, own)), Some(set), false) =
            (own, self.change(actor), key.is_empty() || allowed)
        else {
            return Vec::new();
        };

        let columns: Vec<String> = key.iter().map(sql::identifier).collect();
        let (rest, expects) = if attempt == Attempt::Upsert {
            (
                format!(" ON CONFLICT ({}) DO UPDATE SET {set}", columns.join(", ")),
                Expects::Refused,
            )
        } else {
            (" ON CONFLICT DO NOTHING".to_owned(), Expects::Nothing)
        };

        let others = self
            .rows
            .iter()
            .filter(|row| row.spec.is_plain() && !row.spec.is_own(actor));

        let onto = others.filter_map(|other| {
            let mut draft = self.sendable(own);
            for column in key {
                draft.insert(column.clone(), self.value_of(other, column)?);
            }

            Some(self.write(&draft, &rest, expects.clone()))
        });

        onto.collect()
    }

    /// Gives the actor's own rows to the other user, by each column that says whose they are. It
    /// has no condition, which would apply the `SELECT` policies to the new row too.
    pub(super) fn moves(&self, actor: Actor, bounds: &[Bound]) -> Vec<Step<'a>> {
        if self.reach.is_some() {
            return Vec::new();
        }

        let expects = if actor == Actor::Nobody {
            Expects::Rows(bounds.to_vec())
        } else {
            Expects::Refused
        };

        let other = self.plain(if actor == Actor::Second {
            Subject::First
        } else {
            Subject::Second
        });

        let moved = Anchor::of(self.scope).into_iter().filter_map(|anchor| {
            let column = anchor.column();
            let expects = if self.grants(Privilege::Update, column) {
                expects.clone()
            } else {
                Expects::NoColumn(column.clone())
            };
            let set = match &self.third {
                _ if self.table.is_generated(column) => self.sources(other?)?,
                Some((_, key)) if anchor.is_identity() => {
                    format!("{} = {key}", sql::identifier(column))
                }
                _ => {
                    let value = self.value_of(other?, column)?;
                    format!("{} = {value}", sql::identifier(column))
                }
            };

            let sql = format!("UPDATE {} SET {set}", sql::table(&self.scope.table));

            Some(Step {
                sql,
                how: How::Write,
                expects,
                third: Vec::new(),
            })
        });

        moved.chain(self.refer(actor)).collect()
    }

    /// What gives every column that may be written another row's value, for one that the server
    /// computes from them; `None` if there is no such column.
    fn sources(&self, other: &Row) -> Option<String> {
        let columns = self.table.columns.iter().filter(|column| {
            matches!(column.filled, Filled::Nobody | Filled::Default)
                && self.grants(Privilege::Update, &column.name)
                && !self.table.unique.contains(&column.name)
        });

        let sets: Option<Vec<String>> = columns
            .map(|column| {
                let value = self.value_of(other, &column.name)?;
                Some(format!("{} = {value}", sql::identifier(&column.name)))
            })
            .collect();

        sets.filter(|sets| !sets.is_empty())
            .map(|sets| sets.join(", "))
    }

    fn plain(&self, subject: Subject) -> Option<&Row> {
        self.rows
            .iter()
            .find(|row| row.spec.is_plain() && row.spec.ties.are(subject))
    }

    fn value_of(&self, row: &Row, column: &Identifier) -> Option<String> {
        let column = self.table.column(column)?;
        Some(value::cast(
            row.made.values.get(&column.name)?.as_deref(),
            &column.sql_type,
        ))
    }

    /// `column = value`, of a column that can have the same value in all rows; otherwise of one
    /// that makes a row the actor's.
    pub(super) fn change(&self, actor: Actor) -> Option<String> {
        let own = self.plain(if actor == Actor::Second {
            Subject::Second
        } else {
            Subject::First
        })?;

        let anchors: Vec<&Identifier> = Anchor::of(self.scope)
            .into_iter()
            .map(Anchor::column)
            .collect();

        let refers = |column: &Column| {
            self.table
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&column.name))
        };

        let is_marker = |column: &Column| {
            self.scope.soft_delete.as_ref() == Some(&column.name)
                || self
                    .scope
                    .shared
                    .values()
                    .any(|shared| *shared == column.name)
        };

        let written = |column: &&Column| {
            matches!(column.filled, Filled::Nobody | Filled::Default)
                && self.grants(Privilege::Update, &column.name)
        };

        let free = self.table.columns.iter().filter(|column| {
            written(column)
                && !anchors.contains(&&column.name)
                && !self.table.unique.contains(&column.name)
                && !is_marker(column)
        });

        let free: Vec<&Column> = free.collect();
        let plain = free
            .iter()
            .find(|column| !refers(column))
            .or(free.first())
            .map(|column| &column.name);

        let anchor = anchors
            .iter()
            .copied()
            .find(|name| !self.table.is_generated(name) && self.grants(Privilege::Update, name));
        let column = plain.or(anchor).or_else(|| {
            let mut columns = self.table.columns.iter();
            columns.find(written).map(|column| &column.name)
        })?;

        Some(format!(
            "{} = {}",
            sql::identifier(column),
            self.value_of(own, column)?
        ))
    }
}
