//! Makes rows, and the rows that they refer to, from the catalog's description of their tables.

mod reference;

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Row};

use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::sql;
use crate::sqlstate;

use super::draft::{Draft, Made, insert, row_id};
use super::error::{ProofError, Trouble};
use super::expect::RowSpec;
use super::hook::{Hooks, RowFor};
use super::lane::Lane;
use super::schema::{Column, Filled, Schema, Table};
use super::shape::{Anchor, Scopes, Subject, Tie, Ties};
use super::user::Users;
use super::value;

/// Makes rows as the login that sees all of them.
pub(super) struct Maker<'a, 'l> {
    pub(super) lane: &'l mut Lane,
    pub(super) schema: &'a Schema,
    pub(super) scopes: &'a Scopes,
    pub(super) users: &'a Users,
    pub(super) hooks: &'a Hooks,
    /// Whether a row keeps the parent that a hook gives it.
    pub(super) keeps_parents: bool,
    pub(super) number: i64,
    /// The rows that others refer to, each made once.
    pub(super) parents: BTreeMap<(TableName, Ties, Draft), Made>,
    /// The rows that wait for those that they refer to.
    pub(super) pending: Vec<(TableName, Draft)>,
}

impl Maker<'_, '_> {
    /// Makes a row, and checks its keys: a trigger may have changed them.
    pub(super) async fn make(
        &mut self,
        table: &TableName,
        spec: &RowSpec,
    ) -> Result<Made, Trouble> {
        self.make_with(table, spec, Draft::new()).await
    }

    /// Makes a row with these values.
    async fn make_with(
        &mut self,
        table: &TableName,
        spec: &RowSpec,
        draft: Draft,
    ) -> Result<Made, Trouble> {
        let draft = self.draft_with(table, spec, draft).await?;
        let made = self.insert(table, spec.ties.subject, &draft).await?;

        if let (Some(scope), Some(known)) = (self.scopes.get(table), self.schema.tables.get(table))
        {
            self.check(known, scope, spec, &made)?;
        }

        Ok(made)
    }

    /// Checks that a row that was made says of itself what it should.
    fn check(
        &self,
        known: &Table,
        scope: &Scope,
        spec: &RowSpec,
        made: &Made,
    ) -> Result<(), Trouble> {
        let value = |column: &Identifier| {
            let value = made.values.get(column).and_then(Option::as_deref);
            value.map(str::trim_end)
        };

        for (anchor, tie) in Anchor::of(scope).into_iter().zip(&spec.ties.ties) {
            let (Anchor::Key(key), Tie::Key(subject)) = (anchor, tie) else {
                continue;
            };
            let actual = value(&key.column);
            if actual.is_some() && actual == self.users.value(&key.setting, *subject) {
                continue;
            }

            return Err(Trouble::Table(if known.is_generated(&key.column) {
                generated(&key.column)
            } else {
                format!(
                    "the row made for a user is stored under another `{}`: a trigger or the \
                     column's type changes it",
                    key.column
                )
            }));
        }

        let shared = scope.shared.iter().map(|(holder, column)| {
            let is_shared = spec.shared.contains(holder).to_string();
            (column, value(column) == Some(&is_shared))
        });
        let deleted = scope.soft_delete.iter();
        let deleted = deleted.map(|column| (column, value(column).is_some() == spec.deleted));
        let wrong = shared
            .chain(deleted)
            .find(|(column, is_right)| !is_right && known.is_generated(column));

        match wrong {
            Some((column, _)) => Err(Trouble::Table(generated(column))),
            None => Ok(()),
        }
    }

    /// The values of a row; makes the rows that it refers to.
    pub(super) async fn draft(
        &mut self,
        table: &TableName,
        spec: &RowSpec,
    ) -> Result<Draft, Trouble> {
        self.draft_with(table, spec, Draft::new()).await
    }

    async fn draft_with(
        &mut self,
        table: &TableName,
        spec: &RowSpec,
        mut draft: Draft,
    ) -> Result<Draft, Trouble> {
        let schema = self.schema;
        let Some(known) = schema.tables.get(table) else {
            return Err(Trouble::Table(
                "there is no such table: run the migrations".to_owned(),
            ));
        };

        self.number += 1;
        self.call_hook(table, known, spec, &mut draft)?;

        let scopes = self.scopes;
        if let Some(scope) = scopes.get(table) {
            self.tie(known, scope, &spec.ties, &mut draft).await?;
            mark(known, scope, spec, &mut draft);
        }

        for column in known
            .primary_key
            .iter()
            .filter_map(|name| known.column(name))
        {
            let refers = known
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&column.name));
            if !refers && self.must_fill(column) {
                self.fill(table, column, &mut draft)?;
            }
        }

        self.pending.push((table.clone(), draft));

        let referred = reference::resolve(self, table, known, &spec.ties).await;
        let (_, mut draft) = self
            .pending
            .pop()
            .unwrap_or_else(|| unreachable!("pushed above"));

        referred?;
        for column in &known.columns {
            if self.must_fill(column) {
                self.fill(table, column, &mut draft)?;
            }
        }

        // The rows that it refers to are made. What the server computes is looked at when the row
        // is made (`check`).
        draft.retain(|column, _| !known.is_generated(column));
        Ok(draft)
    }

    /// Puts the values that the caller gives, unless the row must have others.
    fn call_hook(
        &self,
        table: &TableName,
        known: &Table,
        spec: &RowSpec,
        draft: &mut Draft,
    ) -> Result<(), Trouble> {
        let Some(hook) = self.hooks.get(table, &self.lane.schema) else {
            return Ok(());
        };

        let row = RowFor::new(self.number, spec, self.users);
        let values = hook(&row).map_err(|source| ProofError::Name {
            table: table.to_string(),
            source,
        })?;

        for (column, value) in values {
            if known.is_generated(&column) {
                continue;
            }

            let sql_type = known.column(&column).map(|column| column.sql_type.as_str());
            draft.entry(column).or_insert_with(|| match sql_type {
                Some(sql_type) => format!("({value})::{sql_type}"),
                None => value,
            });
        }

        Ok(())
    }

    /// Writes the columns that say whose the row is.
    async fn tie(
        &mut self,
        known: &Table,
        scope: &Scope,
        ties: &Ties,
        draft: &mut Draft,
    ) -> Result<(), Trouble> {
        for (anchor, tie) in Anchor::of(scope).into_iter().zip(&ties.ties) {
            let Some(column) = known.column(anchor.column()) else {
                return Err(Trouble::Table(format!(
                    "column `{}` is missing: run the migrations",
                    anchor.column()
                )));
            };

            let is_through = matches!(anchor, Anchor::Through(_));
            if is_through && self.keeps_parents && draft.contains_key(&column.name) {
                continue;
            }

            if is_through && column.filled == Filled::Generated {
                return Err(Trouble::Table(generated(&column.name)));
            }

            let value = match (anchor, tie) {
                (Anchor::Key(key), Tie::Key(subject)) => {
                    self.users.value(&key.setting, *subject).map(str::to_owned)
                }
                (Anchor::Through(through), Tie::Row(ties)) => {
                    let parent =
                        Box::pin(self.parent(&through.parent, ties.clone(), Draft::new())).await?;
                    parent.values.get(&through.parent_column).cloned().flatten()
                }
                _ => None,
            };

            let Some(value) = value else {
                return Err(Trouble::Table(format!(
                    "nothing is known to put into `{}`: give the two users' contexts with `users`",
                    column.name
                )));
            };

            draft.insert(
                column.name.clone(),
                value::cast(Some(&value), &column.sql_type),
            );
        }

        Ok(())
    }

    /// The row with these ties and values that other rows refer to; makes it once.
    pub(super) async fn parent(
        &mut self,
        table: &TableName,
        ties: Ties,
        mut values: Draft,
    ) -> Result<Made, Trouble> {
        for anchor in self.scopes.get(table).map(Anchor::of).unwrap_or_default() {
            values.remove(anchor.column());
        }

        let key = (table.clone(), ties, values);
        if let Some(made) = self.parents.get(&key) {
            return Ok(made.clone());
        }

        // It is marked as shared: reading a row must not mean owning the rows that refer to it.
        let shared = self
            .scopes
            .get(table)
            .map(|scope| scope.shared.keys().copied().collect())
            .unwrap_or_default();

        let spec = RowSpec {
            shared,
            ..RowSpec::plain(key.1.clone())
        };

        let made = self.make_with(table, &spec, key.2.clone()).await;
        let refers =
            |reason| format!("it refers to `{table}`, of which no row could be made: {reason}");
        let made = made.map_err(|trouble| match trouble {
            Trouble::Table(reason) => Trouble::Table(refers(reason)),
            Trouble::Constraint(reason) => Trouble::Constraint(refers(reason)),
            fatal @ Trouble::Fatal(_) => fatal,
        })?;

        self.parents.insert(key, made.clone());
        Ok(made)
    }

    /// Whether an insert that leaves the column out would fail.
    fn must_fill(&self, column: &Column) -> bool {
        let of_type = self
            .schema
            .types
            .get(&column.type_id)
            .is_some_and(|known| known.not_null);
        column.filled == Filled::Nobody && (column.not_null || of_type)
    }

    /// Makes up a value for the column if it has none.
    pub(super) fn fill(
        &mut self,
        table: &TableName,
        column: &Column,
        draft: &mut Draft,
    ) -> Result<(), Trouble> {
        if draft.contains_key(&column.name) {
            return Ok(());
        }

        self.number += 1;

        let value = value::of(column, self.schema, self.number).ok_or_else(|| {
            Trouble::Table(format!(
                "no value is known for column `{}` of type `{}`: give one with \
                 `IsolationProof::rows::<Entity>(…)`, or with `fixture_with`, for the entity of \
                 `{table}`",
                column.name, column.sql_type
            ))
        })?;

        draft.insert(column.name.clone(), value);
        Ok(())
    }

    async fn insert(
        &mut self,
        table: &TableName,
        subject: Subject,
        draft: &Draft,
    ) -> Result<Made, Trouble> {
        let columns: Vec<&Identifier> = self
            .schema
            .tables
            .get(table)
            .into_iter()
            .flat_map(|known| &known.columns)
            .map(|column| &column.name)
            .collect();

        let values: Vec<String> = columns
            .iter()
            .map(|column| format!(", made.{}::pg_catalog.text", sql::identifier(column)))
            .collect();

        let values = values.concat();
        let actor = if subject == Subject::Second {
            super::Actor::Second
        } else {
            super::Actor::First
        };

        // Defaults and triggers may read the context.
        let before = format!("SAVEPOINT make{}", self.users.context(actor, &[]));
        self.lane.run(&before).await?;

        let insert = format!(
            "{} RETURNING {}{values}",
            insert(table, draft),
            row_id("made")
        );

        let rows = sqlx::raw_sql(AssertSqlSafe(insert))
            .fetch_all(&mut *self.lane.connection)
            .await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return Err(self.refused(table, error).await?),
        };

        let Some(row) = rows.first() else {
            return Err(Trouble::Table(
                "an insert stores nothing: a trigger or rule takes it away".to_owned(),
            ));
        };

        let value =
            |(at, column): (usize, &&Identifier)| Ok(((*column).clone(), row.try_get(at + 1)?));
        let values: Result<_, sqlx::Error> = columns.iter().enumerate().map(value).collect();

        Ok(Made {
            id: row.try_get(0)?,
            values: values?,
        })
    }

    /// Undoes an insert that the server refused, and says why it did.
    async fn refused(&mut self, table: &TableName, error: sqlx::Error) -> Result<Trouble, Trouble> {
        let (Some(state), Some(answer)) = (sqlstate::code(&error), error.as_database_error())
        else {
            return Err(error.into());
        };

        let reason = format!(
            "the server refuses the made-up row ({state}: {}): give its values \
             with `IsolationProof::rows::<Entity>(…)`, or with `fixture_with`, for the entity of \
             `{table}`",
            answer.message()
        );

        self.lane.run("ROLLBACK TO SAVEPOINT make").await?;

        Ok(if sqlstate::is_constraint(&state) {
            Trouble::Constraint(reason)
        } else {
            Trouble::Table(reason)
        })
    }
}

fn generated(column: &Identifier) -> String {
    format!(
        "the server computes `{column}` from other columns: give these with \
         `IsolationProof::rows::<Entity>(…)`, so that it says of the row what `RowFor` tells"
    )
}

/// Writes whether the row is shared, and whether it is marked as deleted, unless the server computes
/// that.
fn mark(known: &Table, scope: &Scope, spec: &RowSpec, draft: &mut Draft) {
    let shared = scope.shared.iter();
    for (holder, column) in shared.filter(|(_, column)| !known.is_generated(column)) {
        draft.insert(column.clone(), spec.shared.contains(holder).to_string());
    }

    if let Some(column) = scope
        .soft_delete
        .as_ref()
        .filter(|column| !known.is_generated(column))
    {
        let deleted = if spec.deleted {
            "pg_catalog.now() - interval '1 hour'"
        } else {
            "NULL"
        };
        draft.insert(column.clone(), deleted.to_owned());
    }
}
