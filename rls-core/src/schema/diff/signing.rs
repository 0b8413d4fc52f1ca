use std::collections::BTreeSet;

use crate::config::{RlsConfig, SignedContexts};
use crate::error::SchemaError;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, PrivilegeChange, SigningChange};
use crate::schema::render;
use crate::schema::snapshot::{ActualObject, Snapshot};

/// The changes that make the table of the keys, which nobody else may read, and the view that
/// verifies contexts by them, which both roles may read and nobody may change. Policies name the view, so it comes before
/// them.
pub(super) fn changes(
    verified: &TableName,
    snapshot: &Snapshot,
    config: &RlsConfig,
    changes: &mut Vec<Change>,
) -> Result<(), SchemaError> {
    let Some(actual) = &snapshot.signing else {
        return Ok(());
    };
    if config.signs_contexts() == SignedContexts::Required && !actual.has_key {
        return Err(SchemaError::NoSigningKey);
    }

    let by_default = &snapshot.by_default.tables;
    let keys = render::keys_beside(verified);
    let mut of_keys = |change: SigningChange| changes.push(Change::on(keys.clone(), change));
    match &actual.keys {
        ActualObject::Missing => {
            of_keys(SigningChange::CreateKeys);
            let both = [config.app_role(), config.admin_role()];
            let roles: BTreeSet<&Identifier> = by_default.keys().chain(both).collect();
            for role in roles {
                let role = role.clone();
                of_keys(SigningChange::CloseKeys { role });
            }
        }
        ActualObject::Other => return Err(taken(&keys)),
        ActualObject::There {
            is_owned, grantees, ..
        } => {
            if *is_owned {
                of_keys(SigningChange::Own);
            }

            for role in grantees.keys() {
                let role = role.clone();
                of_keys(SigningChange::CloseKeys { role });
            }
        }
    }

    let mut of_view = |change: SigningChange| changes.push(Change::on(verified.clone(), change));
    let grantees = match &actual.verified {
        ActualObject::Missing => {
            of_view(SigningChange::CreateVerified);
            by_default
        }
        ActualObject::Other => return Err(taken(verified)),
        ActualObject::There {
            definition,
            fits,
            is_owned,
            grantees,
        } => {
            if *is_owned {
                of_view(SigningChange::Own);
            }

            if !fits {
                let was = definition.clone();
                of_view(SigningChange::ReplaceVerified { was });
            }

            grantees
        }
    };

    for (role, privileges) in grantees {
        let mut surplus = privileges.clone();
        surplus.remove(&Privilege::Select);

        if !surplus.is_empty() {
            let revoke = PrivilegeChange::Revoke {
                role: role.clone(),
                privileges: surplus,
            };
            changes.push(Change::on(verified.clone(), revoke));
        }
    }

    for role in [config.app_role(), config.admin_role()] {
        let reads = grantees.get(role);
        if !reads.is_some_and(|privileges| privileges.contains(&Privilege::Select)) {
            let grant = PrivilegeChange::Grant {
                role: role.clone(),
                privileges: [Privilege::Select].into(),
            };
            changes.push(Change::on(verified.clone(), grant));
        }
    }

    Ok(())
}

fn taken(object: &TableName) -> SchemaError {
    SchemaError::SigningObjectTaken {
        object: object.to_string(),
    }
}
