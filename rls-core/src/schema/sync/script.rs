//! A plan as statements for a file, to be reviewed; independent of the entities, and reversible.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::RlsSchema;
use crate::error::RlsError;
use crate::model::policy::Policy;
use crate::name::{Identifier, TableName};
use crate::schema::diff::{Table, comparable, diff};
use crate::schema::fingerprint::Fingerprint;
use crate::schema::plan::{Change, Plan, PolicyChange, TableChange};
use crate::schema::table::DesiredPolicy;
use crate::sql;

/// A plan as statements to keep in a file, for [`apply_statements`](crate::apply_statements).
///
/// Names in them are qualified. Changes of roles are left out: the configuration has the roles'
/// names and passwords.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MigrationScript {
    /// The plan.
    pub plan: Plan,
    /// The statements that apply it; each policy's comment has the fingerprint of the desired
    /// policy.
    pub up: Vec<String>,
    /// The statements that undo it; each policy is as the server printed it.
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
    /// Makes a script of [`RlsSchema::plan`], with the statements that undo it.
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
        let (desired, snapshot) = self.read(db).await?;
        let plan = diff(&desired, &snapshot)?;
        let tables = comparable(&desired, &snapshot)?;

        Ok(script(plan, &tables))
    }
}

fn script(plan: Plan, tables: &[Table<'_>]) -> MigrationScript {
    let mut up: Vec<String> = plan.changes.iter().flat_map(statements).collect();
    let mut down: Vec<String> = plan.reverse().changes.iter().flat_map(statements).collect();

    let touched: BTreeSet<(&TableName, &Identifier)> =
        plan.changes.iter().flat_map(touched).collect();
    for Table {
        desired, actual, ..
    } in tables
    {
        let (table, quoted) = (&desired.table, sql::table(&desired.table));
        let is_touched = |name: &Identifier| touched.contains(&(table, name));
        let is_stale = |desired: &DesiredPolicy| {
            let name = &desired.policy.name;
            let stands = actual
                .policies
                .get(name)
                .is_some_and(|actual| actual.is_applied(desired));

            !stands || is_touched(name)
        };

        for policy in desired.policies.iter().filter(|policy| is_stale(policy)) {
            let text = policy.policy.comment.as_deref();
            let comment = Fingerprint::pending(&policy.fingerprint).comment(text);
            up.push(sql::comment_on_policy(
                &quoted,
                &policy.policy.name,
                Some(&comment),
            ));
        }

        for (name, policy) in &actual.policies {
            if is_touched(name) || desired.policy(name).is_some_and(is_stale) {
                let comment = policy.comment();
                down.push(sql::comment_on_policy(&quoted, name, comment.as_deref()));
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

/// The policies of a change that creates or drops a comment, or leaves one outdated.
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
