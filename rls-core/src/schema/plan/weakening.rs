//! Which changes let more rows be reached.

use super::Change;
use crate::model::expression::Expression;
use crate::model::policy::{Policy, PolicyKind};

impl Change {
    /// How it lets more rows be reached than before, where that is certain and was not asked for
    /// before. Whether another condition is wider is not for a program to say: those changes are
    /// shown with both conditions.
    #[must_use]
    pub fn weakens(&self) -> Option<&'static str> {
        match self {
            Self::EnableRowSecurity { enable: false, .. } => {
                Some("every role with a grant sees every row")
            }
            Self::ForceRowSecurity { force: false, .. } => Some("the table's owner sees every row"),
            Self::DropPolicy {
                policy,
                replaced: false,
                ..
            } if policy.kind == PolicyKind::Restrictive => {
                Some("a restrictive policy goes, and what it kept out may pass")
            }
            Self::AlterPolicy { mends: true, .. } => None,
            Self::AlterPolicy { was, policy, .. } if is_opened(was, policy) => {
                Some("a condition is true of every row now")
            }
            Self::AlterPolicy { was, policy, .. } if policy.kind == PolicyKind::Permissive => {
                let wider = !was.roles.is_empty()
                    && (policy.roles.is_empty() || !policy.roles.is_subset(&was.roles));
                wider.then_some("a permissive policy holds for more roles")
            }
            Self::AlterPolicy { was, policy, .. } => {
                let narrower = !policy.roles.is_empty()
                    && (was.roles.is_empty() || !was.roles.is_subset(&policy.roles));
                narrower.then_some("a restrictive policy holds for fewer roles")
            }
            _ => None,
        }
    }
}

/// Whether a condition has become `true`.
fn is_opened(was: &Policy, policy: &Policy) -> bool {
    type Side = fn(&Policy) -> Option<&Expression>;

    let sides: [Side; 2] = [Policy::using, Policy::with_check];
    sides.into_iter().any(|side| {
        side(policy) == Some(&Expression::True)
            && side(was).is_some_and(|was| was.to_string() != "true")
    })
}
