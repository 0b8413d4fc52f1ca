//! Changes that migrations apply without entities: written by hand, or as statements of a generated
//! file, and the two roles.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::lock::{begin_alone, despite_deadlocks};
use super::role::{apply_roles, role_changes};
use super::run::{run, statement_failure};
use crate::config::RlsConfig;
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, TableName};
use crate::schema::catalog::{self, SearchPath, Session};
use crate::schema::fingerprint::{self, Fingerprint};
use crate::schema::plan::{Change, Plan, PolicyChange, RowSecurityChange, TableChange};
use crate::sql;

/// The fingerprint of what is desired of each policy, by its table and name; `None` for a policy
/// that this library did not make.
type Fingerprints = BTreeMap<(TableName, Identifier), Option<String>>;

/// Applies changes in order, all or none, and writes the fingerprints of the policies they create
/// or alter. A table without a schema is found by `search_path`.
///
/// Statements sent: one message a change, and one for each fingerprint. Locks taken: this library's
/// advisory one, and `ACCESS EXCLUSIVE` on each table that changes, waited for at most 5 s; after a
/// deadlock all is tried again, up to five times. Privilege needed: to own the tables.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Schema`]; nothing was changed then.
pub async fn apply_changes<C>(db: &C, changes: &[Change]) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    if let Some(table) = lifted_for_good(changes) {
        return Err(SchemaError::LiftedForGood {
            table: table.to_string(),
        }
        .into());
    }

    despite_deadlocks(|| apply_changes_once(db, changes)).await
}

async fn apply_changes_once<C>(db: &C, changes: &[Change]) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let transaction = begin_alone(db).await?;
    let session = Session::enter(&transaction).await?;

    // The changes with a schema, each with the fingerprint of its policy as it was given.
    let changes: Vec<(Change, Option<String>)> = changes
        .iter()
        .map(|change| (change.in_schema(&session.schemas), desired_by(change)))
        .collect();

    let tables: BTreeSet<&TableName> = changes
        .iter()
        .filter_map(|(change, _)| change.table())
        .collect();

    let tables: Vec<&TableName> = tables.into_iter().collect();

    // The fingerprints that are there, which the changes then update.
    let mut fingerprints = read_fingerprints(&transaction, &tables).await?;

    transaction
        .execute_unprepared(&session.path.creating())
        .await?;
    for (change, by) in &changes {
        run(&transaction, change).await?;
        follow(&mut fingerprints, change, by.as_ref());
    }

    // What the server then grants and prints.
    transaction.execute_unprepared(SearchPath::PRINTING).await?;
    let applied: Vec<Change> = changes.iter().map(|(change, _)| change.clone()).collect();
    catalog::verify_grants(&transaction, &applied).await?;
    write_fingerprints(&transaction, &tables, |table, policy, _| {
        fingerprints
            .get(&(table.clone(), policy.clone()))
            .cloned()
            .flatten()
    })
    .await?;
    session.leave(&transaction).await?;
    transaction.commit().await?;

    Ok(())
}

/// Runs the statements of a file that `rls generate` wrote, all or none, and completes its
/// fingerprints with those of the policies that this server prints.
///
/// Statements sent: these, each a message, and one for each fingerprint. Locks taken: this
/// library's advisory one, and those of the statements, each waited for at most 5 s; after a deadlock
/// all is tried again, up to five times. Privilege needed: to own the tables.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Schema`]; nothing was changed then.
pub async fn apply_statements<C>(db: &C, statements: &[&str]) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    despite_deadlocks(|| apply_statements_once(db, statements)).await
}

async fn apply_statements_once<C>(db: &C, statements: &[&str]) -> Result<(), RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let transaction = begin_alone(db).await?;
    let session = Session::enter(&transaction).await?;
    transaction
        .execute_unprepared(&session.path.creating())
        .await?;

    for statement in statements {
        tracing::info!(statement, "applying");
        let run = transaction.execute_unprepared(statement).await;
        run.map_err(|error| statement_failure((*statement).to_owned(), error))?;
    }

    transaction.execute_unprepared(SearchPath::PRINTING).await?;

    let pending = catalog::pending(&transaction).await?;
    write_fingerprints(
        &transaction,
        &pending.iter().collect::<Vec<_>>(),
        |_, _, fingerprint| {
            fingerprint
                .filter(|fingerprint| fingerprint.is_pending())
                .map(|fingerprint| fingerprint.desired.clone())
        },
    )
    .await?;
    session.leave(&transaction).await?;
    transaction.commit().await?;

    Ok(())
}

/// Creates the configuration's two roles if they are missing, gives them the attributes and
/// passwords that they lack, and returns what was changed.
///
/// Statements sent: catalog queries, and one message a change, with passwords as bound verifiers.
/// Lock taken: this library's advisory one. Privilege needed: `CREATEROLE` if a role is missing or
/// differs.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Schema`]; nothing was changed then.
pub async fn ensure_roles<C>(db: &C, config: &RlsConfig) -> Result<Plan, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let transaction = begin_alone(db).await?;
    let session = Session::enter(&transaction).await?;
    let changes = role_changes(&transaction, config).await?;
    let changes = apply_roles(&transaction, config, changes).await?;

    session.leave(&transaction).await?;
    transaction.commit().await?;

    Ok(Plan {
        changes,
        ..Plan::default()
    })
}

/// A table for which force is lifted and not restored afterwards.
fn lifted_for_good<'a>(changes: &'a [Change]) -> Option<&'a TableName> {
    let of = |change: &'a Change, what| match change {
        Change::Table(table, TableChange::RowSecurity(change)) if *change == what => Some(table),
        _ => None,
    };

    changes.iter().enumerate().find_map(|(at, change)| {
        let table = of(change, RowSecurityChange::LiftForce)?;
        let is_restored = changes[at..]
            .iter()
            .any(|later| of(later, RowSecurityChange::RestoreForce) == Some(table));

        (!is_restored).then_some(table)
    })
}

/// The fingerprint of the policy that a change creates or alters; of the change as it was given,
/// before names got a schema.
fn desired_by(change: &Change) -> Option<String> {
    match change {
        Change::Table(
            _,
            TableChange::Policy(
                PolicyChange::Create { policy } | PolicyChange::Alter { policy, .. },
            ),
        ) => Some(fingerprint::desired(policy)),
        _ => None,
    }
}

async fn read_fingerprints(
    db: &DatabaseTransaction,
    tables: &[&TableName],
) -> Result<Fingerprints, RlsError> {
    let mut fingerprints = Fingerprints::new();
    for (table, policies) in tables.iter().zip(catalog::policies(db, tables).await?) {
        for (policy, actual) in policies {
            let desired = actual.fingerprint.map(|fingerprint| fingerprint.desired);
            fingerprints.insert(((*table).clone(), policy), desired);
        }
    }

    Ok(fingerprints)
}

/// Keeps the fingerprints up to date with a change that was applied.
fn follow(fingerprints: &mut Fingerprints, change: &Change, by: Option<&String>) {
    let Change::Table(table, TableChange::Policy(change)) = change else {
        return;
    };

    match change {
        PolicyChange::Create { policy } | PolicyChange::Alter { policy, .. } => {
            fingerprints.insert((table.clone(), policy.name.clone()), by.cloned());
        }
        PolicyChange::Rename { was, name } => {
            let desired = fingerprints.remove(&(table.clone(), was.clone())).flatten();
            fingerprints.insert((table.clone(), name.clone()), desired);
        }
        PolicyChange::Drop { .. } | PolicyChange::Comment { .. } => {}
    }
}

/// Writes the fingerprints of those policies of the tables for which `desired` returns the
/// fingerprint of what is desired.
async fn write_fingerprints(
    db: &DatabaseTransaction,
    tables: &[&TableName],
    desired: impl Fn(&TableName, &Identifier, Option<&Fingerprint>) -> Option<String>,
) -> Result<(), RlsError> {
    for (table, policies) in tables.iter().zip(catalog::policies(db, tables).await?) {
        for (name, actual) in &policies {
            let Some(desired) = desired(table, name, actual.fingerprint.as_ref()) else {
                continue;
            };
            let current = Fingerprint {
                desired,
                actual: fingerprint::actual(&actual.policy),
                version: actual.version.clone(),
            };

            if actual.fingerprint.as_ref() != Some(&current) {
                let comment = current.comment(actual.policy.comment.as_deref());
                let sql = sql::comment_on_policy(&sql::table(table), name, Some(&comment));
                db.execute_unprepared(&sql)
                    .await
                    .map_err(|error| statement_failure(sql, error))?;
            }
        }
    }

    Ok(())
}
