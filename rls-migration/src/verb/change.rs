use std::collections::BTreeSet;

use rls_core::schema::read::{self, TableSecurity};
use rls_core::schema::{PolicyChange, PrivilegeChange, RowSecurityChange, UsageChange};
use rls_core::{
    Change, Identifier, Policy, Privilege, RlsError, SchemaError, TableName, apply_changes,
};
use sea_orm_migration::sea_orm::{DatabaseExecutor, DbErr};

use super::identifier;
use crate::error::migration_error;

type Db<'a> = &'a DatabaseExecutor<'a>;
type Named = Result<TableName, DbErr>;

pub(super) async fn row_security(db: Db<'_>, table: Named, enable: bool) -> Result<(), DbErr> {
    apply(db, table, |found| {
        let change = if enable {
            RowSecurityChange::Enable
        } else {
            RowSecurityChange::Disable
        };

        Ok((found.enabled != enable)
            .then(|| Change::on(found.table.clone(), change))
            .into_iter()
            .collect())
    })
    .await
}

pub(super) async fn force(db: Db<'_>, table: Named, force: bool) -> Result<(), DbErr> {
    apply(db, table, |found| {
        let change = if force {
            RowSecurityChange::Force
        } else {
            RowSecurityChange::NoForce
        };

        Ok((found.forced != force)
            .then(|| Change::on(found.table.clone(), change))
            .into_iter()
            .collect())
    })
    .await
}

pub(super) async fn create_policies(
    db: Db<'_>,
    table: Named,
    policies: Result<Vec<Policy>, DbErr>,
) -> Result<(), DbErr> {
    let policies = policies?;
    apply(db, table, |found| {
        Ok(policies
            .into_iter()
            .map(|policy| Change::on(found.table.clone(), PolicyChange::Create { policy }))
            .collect())
    })
    .await
}

pub(super) async fn alter_policies(
    db: Db<'_>,
    table: Named,
    policies: Result<Vec<Policy>, DbErr>,
) -> Result<(), DbErr> {
    let policies = policies?;
    apply(db, table, |found| {
        let mut changes = Vec::new();
        for policy in policies {
            alter(found, policy, &mut changes)?;
        }

        Ok(changes)
    })
    .await
}

fn alter(found: &TableSecurity, policy: Policy, changes: &mut Vec<Change>) -> Result<(), RlsError> {
    let mut change = |change| changes.push(Change::on(found.table.clone(), change));
    let was = existing(found, &policy.name)?.clone();
    let comment = policy.comment.clone().or_else(|| was.comment.clone());

    if !was.is_alterable_to(&policy) {
        change(PolicyChange::Drop {
            policy: was,
            replaced: true,
        });
        change(PolicyChange::Create {
            policy: Policy { comment, ..policy },
        });
        return Ok(());
    }

    let (name, old) = (policy.name.clone(), was.comment.clone());
    change(PolicyChange::Alter {
        was,
        policy,
        repairs: false,
    });

    if comment != old {
        change(PolicyChange::Comment {
            name,
            comment,
            was: old,
        });
    }

    Ok(())
}

pub(super) async fn drop_policy(db: Db<'_>, table: Named, policy: String) -> Result<(), DbErr> {
    apply(db, table, |found| {
        let policy = existing(found, &identifier("a policy", &policy)?)?.clone();
        let drop = PolicyChange::Drop {
            policy,
            replaced: false,
        };

        Ok(vec![Change::on(found.table.clone(), drop)])
    })
    .await
}

pub(super) async fn rename_policy(
    db: Db<'_>,
    table: Named,
    was: String,
    name: String,
) -> Result<(), DbErr> {
    apply(db, table, |found| {
        let was = existing(found, &identifier("a policy", &was)?)?
            .name
            .clone();
        let name = identifier("a policy", &name)?;

        let rename = PolicyChange::Rename { was, name };

        Ok(vec![Change::on(found.table.clone(), rename)])
    })
    .await
}

pub(super) async fn grant(
    db: Db<'_>,
    table: Named,
    role: Result<Identifier, DbErr>,
    privileges: BTreeSet<Privilege>,
) -> Result<(), DbErr> {
    let role = role?;
    apply(db, table, |found| {
        let sequences = sequences(found, &privileges);
        let sequences = sequences.map(|sequence| {
            let role = role.clone();
            Change::Sequence(sequence, UsageChange::Grant { role })
        });

        let table = (!privileges.is_empty()).then(|| {
            let change = PrivilegeChange::Grant {
                role: role.clone(),
                privileges: privileges.clone(),
            };
            Change::on(found.table.clone(), change)
        });

        Ok(table.into_iter().chain(sequences).collect())
    })
    .await
}

pub(super) async fn revoke(
    db: Db<'_>,
    table: Named,
    role: Result<Identifier, DbErr>,
    privileges: BTreeSet<Privilege>,
) -> Result<(), DbErr> {
    let role = role?;
    apply(db, table, |found| {
        let sequences = sequences(found, &privileges);
        let sequences = sequences.map(|sequence| {
            let role = role.clone();
            Change::Sequence(sequence, UsageChange::Revoke { role })
        });

        let table = (!privileges.is_empty()).then(|| {
            let change = PrivilegeChange::Revoke {
                role: role.clone(),
                privileges: privileges.clone(),
            };
            Change::on(found.table.clone(), change)
        });

        Ok(table.into_iter().chain(sequences).collect())
    })
    .await
}

fn sequences(
    found: &TableSecurity,
    privileges: &BTreeSet<Privilege>,
) -> impl Iterator<Item = TableName> {
    let inserts = privileges.contains(&Privilege::Insert);
    found.sequences.clone().into_iter().filter(move |_| inserts)
}

fn existing<'a>(found: &'a TableSecurity, name: &Identifier) -> Result<&'a Policy, RlsError> {
    let policy = found.policy(name.as_str()).map(|found| &found.policy);
    policy.ok_or_else(|| {
        let known = found
            .policies
            .iter()
            .map(|found| found.policy.name.to_string())
            .collect();

        SchemaError::NoPolicy {
            table: found.table.to_string(),
            policy: name.to_string(),
            known,
        }
        .into()
    })
}

/// Reads the table, and applies the changes that it needs.
async fn apply(
    db: Db<'_>,
    table: Named,
    changes: impl FnOnce(&TableSecurity) -> Result<Vec<Change>, RlsError> + Send,
) -> Result<(), DbErr> {
    let table = table?;
    let run = async {
        let found = read::table(db, &table).await?;
        let changes = changes(&found)?;

        if changes.is_empty() {
            Ok(())
        } else {
            apply_changes(db, &changes).await
        }
    };

    run.await.map_err(|error: RlsError| migration_error(&error))
}
