//! A plan as statements for a file: reviewed, independent of the entities, and reversible.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::RlsSchema;
use crate::error::RlsError;
use crate::model::policy::Policy;
use crate::name::{Identifier, TableName};
use crate::schema::catalog;
use crate::schema::catalog::Place;
use crate::schema::fingerprint::{self, Fingerprint};
use crate::schema::plan::{Change, Plan, PolicyChange, TableChange};
use crate::schema::table::{ActualPolicy, Desired};
use crate::sql;

/// A plan as statements to keep in a file, for [`apply_statements`](crate::apply_statements). Names
/// in them are qualified; roles are in none of them, since the configuration names them and their
/// passwords.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MigrationScript {
    /// The plan.
    pub plan: Plan,
    /// The statements that apply it, each policy's comment with the fingerprint of what was asked.
    pub up: Vec<String>,
    /// The statements that restore what was there, each policy as the server printed it.
    pub down: Vec<String>,
}

impl MigrationScript {
    /// Whether there is nothing to apply, not even a fingerprint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plan.is_empty() && self.up.is_empty()
    }
}

impl RlsSchema {
    /// [`RlsSchema::plan`] as statements, with those that take it back.
    ///
    /// Statements sent, lock taken, privilege needed: as [`RlsSchema::plan`].
    ///
    /// # Errors
    ///
    /// As [`RlsSchema::plan`].
    pub async fn script<C>(&self, db: &C) -> Result<MigrationScript, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, place) = Place::reading(db).await?;
        let (plan, desired) = self.planned(&transaction, &place).await?;
        let names: Vec<&TableName> = desired.iter().map(|desired| &desired.table).collect();
        let policies = catalog::policies(&transaction, &names).await?;

        transaction.rollback().await?;
        Ok(script(plan, &desired, &policies))
    }
}

/// `policies` is what the catalog holds of each table of `desired`.
fn script(
    plan: Plan,
    desired: &[Desired],
    policies: &[BTreeMap<Identifier, ActualPolicy>],
) -> MigrationScript {
    let mut up: Vec<String> = plan.changes.iter().flat_map(statements).collect();
    let mut down: Vec<String> = plan
        .changes
        .iter()
        .rev()
        .filter_map(Change::reverse)
        .flat_map(|c| statements(&c))
        .collect();

    let touched: BTreeSet<(&TableName, &Identifier)> =
        plan.changes.iter().flat_map(touched).collect();
    for (desired, policies) in desired.iter().zip(policies) {
        let (table, quoted) = (&desired.table, sql::table(&desired.table));
        let stale = |name: &Identifier| {
            let asked = desired
                .policies
                .iter()
                .find(|asked| asked.policy.name == *name)?;

            let stands = policies.get(name).is_some_and(|found| {
                found.fingerprint.as_ref().is_some_and(|fingerprint| {
                    fingerprint.asked == asked.asked
                        && fingerprint.held == fingerprint::held(&found.policy)
                })
            });

            (!stands || touched.contains(&(table, name))).then_some(asked)
        };

        for name in desired.policies.iter().map(|asked| &asked.policy.name) {
            let Some(asked) = stale(name) else { continue };
            let comment =
                Fingerprint::pending(&asked.asked).comment(asked.policy.comment.as_deref());
            up.push(sql::comment_on_policy(&quoted, name, Some(&comment)));
        }

        for (name, found) in policies {
            if touched.contains(&(table, name)) || stale(name).is_some() {
                down.push(sql::comment_on_policy(
                    &quoted,
                    name,
                    found.comment().as_deref(),
                ));
            }
        }
    }

    MigrationScript { plan, up, down }
}

/// The statements of a change. Roles have none here, since they belong to the configuration; the
/// comments of policies come last.
fn statements(change: &Change) -> Vec<String> {
    match change {
        Change::Role(..) | Change::Table(_, TableChange::Policy(PolicyChange::Comment { .. })) => {
            Vec::new()
        }
        Change::Table(table, TableChange::Policy(PolicyChange::Create { policy })) => {
            let policy = Policy {
                comment: None,
                ..policy.clone()
            };
            Change::on(table.clone(), PolicyChange::Create { policy }).sql()
        }
        other => other.sql(),
    }
}

/// The policies whose comments a change makes, drops or leaves out of date.
fn touched(change: &Change) -> Vec<(&TableName, &Identifier)> {
    let Change::Table(table, TableChange::Policy(change)) = change else {
        return Vec::new();
    };

    match change {
        PolicyChange::Create { policy }
        | PolicyChange::Drop { policy, .. }
        | PolicyChange::Alter { policy, .. } => vec![(table, &policy.name)],
        PolicyChange::Rename { was, name } => vec![(table, was), (table, name)],
        PolicyChange::Comment { name, .. } => vec![(table, name)],
    }
}
