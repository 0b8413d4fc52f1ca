use crate::model::expression::Expression;
use crate::model::policy::{Policy, PolicyKind};
use crate::model::signed_context;
use crate::name::{Identifier, Schemas};

/// A change of a policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a plan is short, and is read more than it is moved"
)]
pub enum PolicyChange {
    /// Create a policy.
    Create {
        /// The policy.
        policy: Policy,
    },
    /// Drop a policy that is no longer desired, or that cannot be altered to the desired one.
    Drop {
        /// The policy, as the server prints it.
        policy: Policy,
        /// Whether other policies of its kind hold for its commands afterwards.
        replaced: bool,
    },
    /// Alter the roles and conditions of a policy.
    Alter {
        /// The policy, as the server prints it.
        was: Policy,
        /// The policy.
        policy: Policy,
        /// Whether the change only puts back a policy that was applied before and altered by hand
        /// since.
        repairs: bool,
    },
    /// Rename a policy.
    Rename {
        /// Its name.
        was: Identifier,
        /// Its new name.
        name: Identifier,
    },
    /// Comment on a policy.
    Comment {
        /// The policy.
        name: Identifier,
        /// The comment, without fingerprints.
        comment: Option<String>,
        /// The comment it has now.
        was: Option<String>,
    },
}

impl PolicyChange {
    pub(super) fn reverse(&self) -> Self {
        match self.clone() {
            Self::Create { policy } => Self::Drop {
                policy,
                replaced: false,
            },
            Self::Drop { policy, .. } => Self::Create { policy },
            Self::Alter { was, policy, .. } => Self::Alter {
                was: policy,
                policy: was,
                repairs: false,
            },
            Self::Rename { was, name } => Self::Rename {
                was: name,
                name: was,
            },
            Self::Comment { name, comment, was } => Self::Comment {
                name,
                comment: was,
                was: comment,
            },
        }
    }

    pub(super) fn in_schema(&self, schemas: &Schemas) -> Self {
        let mut change = self.clone();
        if let Self::Create { policy } | Self::Alter { policy, .. } = &mut change {
            *policy = policy.map(|expression| expression.in_schema(schemas));
        }

        change
    }

    pub(super) fn weakens(&self) -> Option<&'static str> {
        match self {
            Self::Drop {
                policy,
                replaced: false,
            } if policy.kind == PolicyKind::Restrictive => {
                Some("a restrictive policy goes, and what it kept out may pass")
            }
            Self::Alter {
                was,
                policy,
                repairs: false,
            } => alter_weakens(was, policy),
            _ => None,
        }
    }
}

fn alter_weakens(was: &Policy, policy: &Policy) -> Option<&'static str> {
    if is_opened(was, policy) {
        return Some("a condition is true of every row now");
    }

    if is_signed(was) && !is_signed(policy) {
        return Some("the context need not be signed any more");
    }

    match policy.kind {
        PolicyKind::Permissive => (!holds_for_all_roles_of(was, policy))
            .then_some("a permissive policy holds for more roles"),
        PolicyKind::Restrictive => (!holds_for_all_roles_of(policy, was))
            .then_some("a restrictive policy holds for fewer roles"),
    }
}

/// Whether `policy` holds for every role that `other` holds for. A policy without roles is for
/// `PUBLIC`.
fn holds_for_all_roles_of(policy: &Policy, other: &Policy) -> bool {
    policy.roles.is_empty() || !other.roles.is_empty() && other.roles.is_subset(&policy.roles)
}

/// Whether a condition reads the signed context, by its view.
fn is_signed(policy: &Policy) -> bool {
    let sides = policy.using().into_iter().chain(policy.with_check());
    let mut sides = sides.map(ToString::to_string);
    sides.any(|side| side.contains(signed_context::VIEW))
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
