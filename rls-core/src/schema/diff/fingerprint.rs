use std::collections::BTreeMap;

use crate::name::{Identifier, TableName};
use crate::schema::fingerprint::{self, Fingerprint};
use crate::schema::table::{ActualPolicy, DesiredTable};

/// A comment that a policy should carry: what a person wrote, and the fingerprints of what is asked
/// and held.
pub(crate) struct StaleFingerprint<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) policy: &'a Identifier,
    pub(crate) comment: String,
}

/// The policies, as they are after all changes, whose fingerprints are missing or of another time.
pub(crate) fn stale<'a>(
    desired: &'a DesiredTable,
    actual: &BTreeMap<Identifier, ActualPolicy>,
) -> Vec<StaleFingerprint<'a>> {
    let mut stale = Vec::new();
    for asked in &desired.policies {
        let Some(found) = actual.get(&asked.policy.name) else {
            continue;
        };
        let fingerprint = Fingerprint {
            asked: asked.asked.clone(),
            held: fingerprint::held(&found.policy),
            version: found.version.clone(),
        };

        if found.fingerprint.as_ref() != Some(&fingerprint) {
            let comment = fingerprint.comment(asked.policy.comment.as_deref());
            stale.push(StaleFingerprint {
                table: &desired.table,
                policy: &asked.policy.name,
                comment,
            });
        }
    }

    stale
}
