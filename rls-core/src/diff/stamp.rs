use std::collections::BTreeMap;

use crate::fingerprint::{self, Stamp};
use crate::name::{Identifier, TableName};
use crate::table::{Desired, Held};

/// A comment that a policy should carry: what a person wrote, and the fingerprints of what is asked
/// and held.
pub(crate) struct StaleStamp<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) policy: &'a Identifier,
    pub(crate) comment: String,
}

/// The policies, as they are after all changes, whose fingerprints are missing or of another time.
pub(crate) fn stale<'a>(
    desired: &'a Desired,
    actual: &BTreeMap<Identifier, Held>,
) -> Vec<StaleStamp<'a>> {
    let mut stale = Vec::new();
    for asked in &desired.policies {
        let Some(found) = actual.get(&asked.policy.name) else {
            continue;
        };
        let stamp = Stamp {
            asked: asked.asked.clone(),
            held: fingerprint::held(&found.policy),
            version: found.version.clone(),
        };

        if found.stamp.as_ref() != Some(&stamp) {
            let comment = stamp.comment(asked.policy.comment.as_deref());
            stale.push(StaleStamp {
                table: &desired.table,
                policy: &asked.policy.name,
                comment,
            });
        }
    }

    stale
}
