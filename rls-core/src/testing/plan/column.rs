//! The statements that try each column of a privilege that is limited to columns.

use crate::model::privilege::Privilege;
use crate::name::Identifier;
use crate::sql;

use super::super::Actor;
use super::super::draft::Draft;
use super::super::expect::Bound;
use super::super::schema::{Column, Filled};
use super::super::shape::Anchor;
use super::{Expects, How, Step, Target};

impl<'a> Target<'a> {
    /// Whether the privilege, if the login has it, holds for the column.
    pub(super) fn grants(&self, privilege: Privilege, column: &Identifier) -> bool {
        let limit = self.scope.columns.get(&privilege);
        limit.is_none_or(|columns| columns.contains(column))
    }

    /// What the application would send of a row: the columns that it may write.
    pub(super) fn sendable(&self, draft: &Draft) -> Draft {
        let mut draft = draft.clone();
        draft.retain(|column, _| self.grants(Privilege::Insert, column));
        draft
    }

    /// The same, with the columns that say whose the row is.
    pub(super) fn forgeable(&self, draft: &Draft) -> Draft {
        let anchors = Anchor::of(self.scope);
        let mut draft = draft.clone();
        draft.retain(|name, _| {
            let is_anchor = anchors.iter().any(|anchor| anchor.column() == name);
            is_anchor || self.grants(Privilege::Insert, name)
        });

        draft
    }

    /// Inserts into each column: with the actor's own row into those that are granted, and alone into
    /// the others, which the server refuses before it looks at a row.
    pub(super) fn insert_columns(&self, actor: Actor) -> Vec<Step<'a>> {
        let own = self.drafts.own.iter().find(|(of, _)| *of == actor);
        let limited = self.scope.columns.contains_key(&Privilege::Insert);
        let (Some((_, own)), true) = (own, limited) else {
            return Vec::new();
        };

        let third: Vec<_> = self.third.iter().map(|(setting, _)| *setting).collect();
        let columns = self.table.columns.iter().filter_map(|column| {
            let name = &column.name;
            if !self.grants(Privilege::Insert, name) {
                let draft = Draft::from([(name.clone(), "DEFAULT".to_owned())]);
                let refused = Expects::NoColumn(name.clone());
                return Some(self.write(&draft, "", refused));
            }

            let mut draft = self.sendable(own);
            if draft.contains_key(name) || !may_default(column) {
                return None;
            }

            draft.insert(name.clone(), "DEFAULT".to_owned());
            Some(Step {
                third: third.clone(),
                ..self.write(&draft, "", self.own_passes(actor))
            })
        });

        columns.collect()
    }

    /// Updates each column: of every row those that are granted, and of none the others.
    pub(super) fn update_columns(&self, actor: Actor, bounds: &[Bound]) -> Vec<Step<'a>> {
        if actor == Actor::Nobody || !self.scope.columns.contains_key(&Privilege::Update) {
            return Vec::new();
        }

        let table = sql::table(&self.scope.table);
        let made = self.made();
        let columns = self.table.columns.iter().filter_map(|column| {
            let name = sql::identifier(&column.name);
            let granted = self.grants(Privilege::Update, &column.name);
            let is_written = matches!(column.filled, Filled::Nobody | Filled::Default);
            let value = if is_written {
                format!("t.{name}")
            } else {
                "DEFAULT".to_owned()
            };

            let expects = match (granted, is_written) {
                (true, true) => Expects::Rows(bounds.to_vec()),
                // A new number would change the row for good, and proves no more.
                (true, false) => return None,
                (false, _) => Expects::NoColumn(column.name.clone()),
            };

            Some(Step {
                sql: format!("UPDATE {table} AS t SET {name} = {value} WHERE {made}"),
                how: How::Write,
                expects,
                third: Vec::new(),
            })
        });

        columns.collect()
    }
}

/// Whether an insert may leave the column to its default.
fn may_default(column: &Column) -> bool {
    column.filled != Filled::Nobody || !column.not_null
}
