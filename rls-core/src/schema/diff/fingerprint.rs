use std::collections::BTreeMap;

use crate::name::{Identifier, TableName};
use crate::schema::fingerprint::{self, Fingerprint};
use crate::schema::table::{ActualPolicy, DesiredPolicy, DesiredTable};

/// The comment that a policy should have: what a person wrote, and the fingerprints.
pub(crate) struct StaleFingerprint<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) policy: &'a Identifier,
    pub(crate) comment: String,
}

/// The policies, read after all changes, that lack fingerprints or have outdated ones.
pub(crate) fn stale<'a>(
    desired: &'a DesiredTable,
    actual: &BTreeMap<Identifier, ActualPolicy>,
) -> Vec<StaleFingerprint<'a>> {
    let mut stale = Vec::new();
    for DesiredPolicy {
        policy,
        fingerprint: desired_fingerprint,
    } in &desired.policies
    {
        let Some(actual) = actual.get(&policy.name) else {
            continue;
        };
        let current = Fingerprint {
            desired: desired_fingerprint.clone(),
            actual: fingerprint::actual(&actual.policy),
            version: actual.version.clone(),
        };

        if actual.fingerprint.as_ref() != Some(&current) {
            let comment = current.comment(policy.comment.as_deref());
            stale.push(StaleFingerprint {
                table: &desired.table,
                policy: &policy.name,
                comment,
            });
        }
    }

    stale
}
