//! The policies that stand in a database while something else changes its tables: a migration may
//! drop or alter what they read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, TransactionTrait};

use super::apply::apply_changes;
use super::lock::{begin_alone, despite_deadlocks};
use super::run::statement_failure;
use crate::error::{RlsError, SchemaError};
use crate::model::expression::Expression;
use crate::model::policy::{Canonical, Policy, PolicyKind, Rule};
use crate::model::privilege::Privilege;
use crate::model::scope::guards_of;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::{self, Dropped, SearchPath, Session, Standing};
use crate::schema::plan::{Change, PolicyChange, PrivilegeChange};
use crate::{sql, sqlstate};

/// The policies of a database before something changes its tables.
///
/// PostgreSQL neither drops nor retypes a column that a policy reads. So this library's policies
/// that stand in the way are dropped and, after the change, created again as they were. A table that
/// then lacks one of its policies is closed: a restrictive policy lets no row through for the roles
/// that the missing policy held for, and their privileges are revoked. [`RlsSchema::sync`] opens it.
///
/// All of it belongs into the transaction of the change, so that no other session sees a table
/// without its policies.
///
/// [`RlsSchema::sync`]: crate::RlsSchema::sync
#[derive(Clone, Debug)]
pub struct StandingPolicies(Vec<Standing>);

/// Policies that stand in the way of a change. None at first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obstacles(BTreeSet<i64>);

/// Policies that were dropped, and are to be created again.
#[derive(Debug, Default)]
#[must_use = "`StandingPolicies::restore` creates them again"]
pub struct DroppedPolicies {
    policies: Vec<Dropped>,
    /// The tables that are not forced meanwhile.
    lifted: Vec<i64>,
}

impl StandingPolicies {
    /// Reads the policies of the database.
    ///
    /// Statements sent: one. Lock taken: none. Privilege needed: none.
    ///
    /// # Errors
    ///
    /// [`RlsError::Database`], [`SchemaError::Catalog`].
    pub async fn read(db: &impl ConnectionTrait) -> Result<Self, RlsError> {
        Ok(Self(catalog::standing(db).await?))
    }

    /// Whether this library made none of them.
    #[must_use]
    pub fn none_of_ours(&self) -> bool {
        !self.0.iter().any(|policy| policy.ours)
    }

    /// The policies of this library to drop, after `error` and without `dropped`; `None` if the
    /// error is of something else.
    ///
    /// The server's message is translated, but the policies' names in its detail are not. With the
    /// policies that it names go all that read one of the same tables, and on the next error all.
    #[must_use]
    pub fn in_the_way(&self, error: &DbErr, dropped: &Obstacles) -> Option<Obstacles> {
        let ours = || self.0.iter().filter(|policy| policy.ours);
        let all = || Obstacles(ours().map(|policy| policy.oid).collect());
        let is_first = dropped.0.is_empty();

        // A foreign key of a table that is still forced is checked again.
        if let RlsError::RowsHidden { .. } = RlsError::from(error) {
            return (!is_first && all() != *dropped).then(all);
        }

        let detail = sqlstate::in_the_way(error)?;
        let tables: BTreeSet<i64> = ours()
            .filter(|policy| !dropped.0.contains(&policy.oid))
            .filter(|policy| detail.contains(policy.name.as_str()))
            .flat_map(|policy| policy.reads.iter().copied())
            .collect();

        if tables.is_empty() {
            return None;
        }

        let of_tables = ours().filter(|policy| !policy.reads.is_disjoint(&tables));
        Some(if is_first {
            Obstacles(of_tables.map(|policy| policy.oid).collect())
        } else {
            all()
        })
    }

    /// The error that names the policies which stand in the way, if that is what `error` is about,
    /// with what to do.
    #[must_use]
    pub fn explain(&self, error: &DbErr, dropped: &Obstacles, remedy: &str) -> Option<SchemaError> {
        let detail = sqlstate::in_the_way(error)?;
        let policies: Vec<String> = self
            .0
            .iter()
            .filter(|policy| !dropped.0.contains(&policy.oid))
            .filter(|policy| detail.contains(policy.name.as_str()))
            .map(|policy| format!("`{}` on table `{}`", policy.name, policy.table))
            .collect();

        (!policies.is_empty()).then(|| SchemaError::PoliciesInTheWay {
            policies,
            remedy: remedy.to_owned(),
            source: std::sync::Arc::new(error.clone()),
        })
    }

    /// Drops the policies that stand in the way. The tables that they are on or read are not forced
    /// meanwhile: a change of a column's type checks the rows of foreign keys again.
    ///
    /// Statements sent: three queries, a lock, and one message a policy and a table. Locks taken: this library's advisory
    /// one, and `ACCESS EXCLUSIVE` on each of these tables, waited for at most 5 s. Privilege needed:
    /// to own the tables. Transaction required: that of the change.
    ///
    /// # Errors
    ///
    /// [`RlsError::Schema`], [`RlsError::Database`].
    pub async fn drop(
        &self,
        db: &DatabaseTransaction,
        obstacles: &Obstacles,
    ) -> Result<DroppedPolicies, RlsError> {
        if obstacles.0.is_empty() {
            return Ok(DroppedPolicies::default());
        }

        let transaction = begin_alone(db).await?;
        let session = Session::enter(&transaction).await?;
        let read: BTreeSet<i64> = self
            .obstacles(obstacles)
            .flat_map(|policy| policy.reads.iter().copied())
            .collect();
        let lifted = catalog::forced_on_us(&transaction, &read).await?;
        self.lock(&transaction, obstacles, &lifted).await?;

        // The server reads the rows of a table to check a foreign key whose column gets another type.
        let policies = catalog::definitions(&transaction, &obstacles.0).await?;
        force(&transaction, &lifted, false).await?;
        for policy in self.obstacles(obstacles) {
            execute(
                &transaction,
                format!(
                    "DROP POLICY {} ON {}",
                    sql::identifier(&policy.name),
                    sql::table(&policy.table)
                ),
            )
            .await?;
        }

        session.leave(&transaction).await?;
        transaction.commit().await?;
        Ok(DroppedPolicies { policies, lifted })
    }

    /// Locks the tables in the order in which statements on a scoped table lock them: first those
    /// whose policies read others. A statement in another order can still meet this one, and the
    /// server then ends one of the two; nothing was done yet, so it begins again.
    async fn lock(
        &self,
        db: &DatabaseTransaction,
        obstacles: &Obstacles,
        lifted: &[i64],
    ) -> Result<(), RlsError> {
        let mut tables: BTreeMap<i64, usize> = lifted.iter().map(|table| (*table, 0)).collect();
        for policy in self.obstacles(obstacles) {
            let reads = tables.entry(policy.relation).or_default();
            *reads = policy.reads.len().max(*reads);
        }

        let mut tables: Vec<(i64, usize)> = tables.into_iter().collect();
        tables.sort_by_key(|(table, reads)| (Reverse(*reads), *table));
        let mut names = Vec::new();
        for (table, _) in tables {
            names.extend(catalog::table_of(db, table).await?.as_ref().map(sql::table));
        }

        let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "));
        despite_deadlocks(|| async {
            let savepoint = db.begin().await?;
            execute(&savepoint, lock.clone()).await?;
            Ok(savepoint.commit().await?)
        })
        .await
    }

    fn obstacles(&self, obstacles: &Obstacles) -> impl Iterator<Item = &Standing> {
        let is_one = move |policy: &&Standing| obstacles.0.contains(&policy.oid);
        self.0.iter().filter(is_one)
    }

    /// Creates the dropped policies again, and closes each table that has lost one of this library's
    /// policies, dropped here or by the change itself. Returns the closed tables.
    ///
    /// Statements sent: one query, two messages a policy, and those of each table that is closed.
    /// Locks taken, privilege needed, transaction required: as [`StandingPolicies::drop`].
    ///
    /// # Errors
    ///
    /// [`RlsError::Schema`], [`RlsError::Database`].
    pub async fn restore<C>(
        &self,
        db: &C,
        dropped: DroppedPolicies,
    ) -> Result<Vec<TableName>, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let mut tables: BTreeMap<i64, Vec<Dropped>> = BTreeMap::new();
        for policy in dropped.policies {
            tables.entry(policy.relation).or_default().push(policy);
        }

        for (relation, policies) in tables {
            create_again(db, relation, &policies).await?;
        }

        let closed = self.close(db).await?;
        if !dropped.lifted.is_empty() {
            let transaction = db.begin().await?;
            // The server refuses to alter a table with pending checks.
            execute(&transaction, "SET CONSTRAINTS ALL IMMEDIATE".to_owned()).await?;
            force(&transaction, &dropped.lifted, true).await?;
            transaction.commit().await?;
        }

        Ok(closed)
    }

    /// Closes each table that lacks one of this library's policies that were there before.
    async fn close<C>(&self, db: &C) -> Result<Vec<TableName>, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let there: BTreeSet<(i64, Identifier)> = catalog::standing(db)
            .await?
            .into_iter()
            .map(|policy| (policy.relation, policy.name))
            .collect();

        let mut lost: BTreeMap<i64, Vec<&Standing>> = BTreeMap::new();
        for policy in self.0.iter().filter(|policy| policy.ours) {
            if !there.contains(&(policy.relation, policy.name.clone())) {
                lost.entry(policy.relation).or_default().push(policy);
            }
        }

        let mut closed = Vec::new();
        for (relation, lost) in lost {
            let Some(table) = catalog::table_of(db, relation).await? else {
                continue;
            };
            if let Some(closing) = self.closing(relation, &table, &lost) {
                let guard_stands = there.contains(&(relation, closing.name.clone()));
                close_table(db, relation, &table, closing, guard_stands).await?;
            }
            closed.push(table);
        }

        Ok(closed)
    }

    /// The policy that closes a table for the roles of the policies that it has lost. It has a
    /// guard's name, so that the declared guards take its place.
    fn closing(&self, relation: i64, table: &TableName, lost: &[&Standing]) -> Option<Policy> {
        let guards = guards_of(&table.table);
        let before = self
            .0
            .iter()
            .filter(|policy| policy.relation == relation && guards.contains(&policy.name));
        let held: Vec<&BTreeSet<Identifier>> = lost
            .iter()
            .copied()
            .chain(before)
            .map(|policy| &policy.roles)
            .collect();

        // Without roles a policy is for everyone.
        let roles = if held.iter().any(|roles| roles.is_empty()) {
            BTreeSet::new()
        } else {
            held.into_iter().flatten().cloned().collect()
        };

        Some(Policy {
            name: guards.into_iter().next()?,
            kind: PolicyKind::Restrictive,
            rule: Rule::All {
                using: Some(Expression::False),
                with_check: Some(Expression::False),
            },
            roles,
            comment: None,
        })
    }
}

/// Puts the policy in place, and revokes what its roles may do with the table.
async fn close_table<C>(
    db: &C,
    relation: i64,
    table: &TableName,
    closing: Policy,
    guard_stands: bool,
) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let mut revoked: BTreeMap<Identifier, BTreeSet<Privilege>> = BTreeMap::new();
    for (role, privilege) in catalog::grants_on(db, relation, &closing.roles).await? {
        revoked.entry(role).or_default().insert(privilege);
    }

    let replace = guard_stands.then(|| PolicyChange::Drop {
        policy: closing.clone(),
        replaced: true,
    });
    let policies = replace
        .into_iter()
        .chain([PolicyChange::Create { policy: closing }])
        .map(|change| Change::on(table.clone(), change));
    let revoke = revoked.into_iter().map(|(role, privileges)| {
        Change::on(table.clone(), PrivilegeChange::Revoke { role, privileges })
    });

    apply_changes(db, &policies.chain(revoke).collect::<Vec<_>>()).await
}

/// Creates the policies of one table again, all or none. None if the table is gone, or if one of
/// them cannot be as it was.
async fn create_again<C>(db: &C, relation: i64, policies: &[Dropped]) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let Some(table) = catalog::table_of(db, relation).await? else {
        return Ok(());
    };

    let transaction = begin_alone(db).await?;
    let session = Session::enter(&transaction).await?;
    transaction.execute_unprepared(SearchPath::PRINTING).await?;

    let quoted = sql::table(&table);
    for Dropped {
        policy, comment, ..
    } in policies
    {
        let name = &policy.name;
        let as_printed = policy.map(Canonical::to_expression);
        let statements = [
            sql::create_policy(&quoted, &as_printed),
            sql::comment_on_policy(&quoted, name, comment.as_deref()),
        ];

        for statement in statements {
            match execute(&transaction, statement).await {
                Ok(()) => {}
                // What it read is gone, or has another type.
                Err(error) if is_of_condition(&error) => {
                    return Ok(transaction.rollback().await?);
                }
                Err(error) => return Err(error),
            }
        }
    }

    session.leave(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Whether the server does not take a condition any more: class 42 but for a missing privilege.
fn is_of_condition(error: &RlsError) -> bool {
    error
        .sqlstate()
        .is_some_and(|state| state.starts_with("42") && state != sqlstate::INSUFFICIENT_PRIVILEGE)
}

/// Forces row security on these tables, or lifts it. Tables that are gone are passed over.
async fn force(db: &DatabaseTransaction, tables: &[i64], force: bool) -> Result<(), RlsError> {
    let word = if force { "FORCE" } else { "NO FORCE" };
    for relation in tables {
        if let Some(table) = catalog::table_of(db, *relation).await? {
            let table = sql::table(&table);
            execute(db, format!("ALTER TABLE {table} {word} ROW LEVEL SECURITY")).await?;
        }
    }

    Ok(())
}

async fn execute(db: &DatabaseTransaction, sql: String) -> Result<(), RlsError> {
    tracing::info!(statement = %sql, "applying");
    db.execute_unprepared(&sql)
        .await
        .map(drop)
        .map_err(|error| statement_failure(sql, error))
}
