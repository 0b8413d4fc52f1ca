//! The desired policies of a scope.

use std::collections::BTreeSet;

use super::{Bound, Scope};
use crate::config::{RlsConfig, SignedContexts};
use crate::model::expression::Expression;
use crate::model::key::Holder;
use crate::model::policy::{Policy, PolicyKind, Rule};
use crate::model::privilege::{Command, Privilege};
use crate::model::signed_context;
use crate::name::{Identifier, TableName};

impl Scope {
    /// The desired policies of the table, for the roles of `config`, in the order in which they are
    /// created.
    #[must_use]
    pub fn desired_policies(&self, config: &RlsConfig) -> Vec<Policy> {
        of(self, config)
    }
}

/// The application's role gets one policy for each command, the policies that the entity declares
/// itself, and restrictive guards, so that a stray permissive policy opens nothing. The
/// administrator gets one that lets all rows through. An unscoped table has no policies.
pub(crate) fn of(scope: &Scope, config: &RlsConfig) -> Vec<Policy> {
    if scope.unscoped.is_some() {
        return Vec::new();
    }

    let mut policies = owners(scope, config);

    // The registry has built each without an error.
    policies.extend(
        scope
            .policies
            .iter()
            .flat_map(|draft| draft.build(config).unwrap_or_default()),
    );

    let guards = guards(scope, &policies, config);
    policies.extend(guards);
    policies.extend(bound(scope, config));

    if config.signs_contexts() == SignedContexts::Required {
        let verified = config.signing_object(signed_context::VIEW);
        sign(&mut policies, config.app_role(), &verified);
    }

    if scope.distribution.is_some() {
        for policy in &mut policies {
            *policy = policy.map(Expression::distributed);
        }
    }

    policies.push(Policy {
        name: Identifier::joined(&scope.table.table, "admin"),
        kind: PolicyKind::Permissive,
        rule: Rule::All {
            using: Some(Expression::True),
            with_check: Some(Expression::True),
        },
        roles: BTreeSet::from([config.admin_role().clone()]),
        comment: None,
    });

    policies
}

/// Lets policies read the signed context, and puts them before the conditions of a statement.
///
/// The server takes the restrictive policies in the order of their names, each condition that differs as a
/// level of its own, and what leaks nothing before all levels but the first (`add_security_quals` in
/// `src/backend/rewrite/rowsecurity.c`, `order_qual_clauses` in
/// `src/backend/optimizer/plan/createplan.c`). So each of them has the conditions of all, which makes one
/// level; only those for other roles too, or for commands whose conditions differ, keep their own.
fn sign(policies: &mut [Policy], app: &Identifier, verified: &TableName) {
    let alone = |policy: &Policy| policy.map(|condition| condition.signed_alone(verified));
    let is_of_app = |policy: &Policy| policy.roles == BTreeSet::from([app.clone()]);

    // The guard, which is the last of them, first.
    let restrictive: Vec<Policy> = policies
        .iter()
        .rev()
        .filter(|policy| policy.kind == PolicyKind::Restrictive)
        .filter(|policy| policy.roles.is_empty() || policy.roles.contains(app))
        .map(alone)
        .collect();
    let all_of = |command| {
        let covering = restrictive.iter().filter(|policy| policy.covers(command));
        Expression::all(covering.filter_map(Policy::using).cloned())
    };

    for policy in policies {
        if policy.kind == PolicyKind::Permissive {
            *policy = policy.map(|condition| condition.signed(verified));
            continue;
        }

        *policy = alone(policy);
        let mut commands = [Command::Select, Command::Update, Command::Delete]
            .into_iter()
            .filter(|command| policy.covers(*command));
        let all = commands.next().map(all_of);
        let is_one = commands.all(|command| all.as_ref() == Some(&all_of(command)));

        if policy.using().is_some() && is_of_app(policy) && is_one {
            // Without a condition on written rows, the server takes the other, which gets longer here.
            let with_check = match policy.command() {
                Command::All | Command::Update => policy.with_check().or(policy.using()).cloned(),
                _ => None,
            };
            policy.rule = Rule::new(policy.command(), all, with_check);
        }
    }
}

/// The names that the guards of a table can have.
pub(crate) fn guards_of(table: &Identifier) -> Vec<Identifier> {
    let each = Command::EACH.map(|command| format!("guard_{}", command.as_sql().to_lowercase()));
    std::iter::once("guard".to_owned())
        .chain(each)
        .map(|suffix| Identifier::joined(table, &suffix))
        .collect()
}

fn owners(scope: &Scope, config: &RlsConfig) -> Vec<Policy> {
    let Some(own) = scope.ownership() else {
        return Vec::new();
    };
    let word = match scope.keys.first().map(|key| key.holder) {
        Some(Holder::Tenant) => "tenant",
        Some(Holder::User) | None => "owner",
    };

    let visible = scope.visible().unwrap_or_else(|| own.clone());
    let not_deleted = scope
        .soft_delete
        .iter()
        .cloned()
        .map(Expression::NotDeleted);

    let visible = Expression::all(std::iter::once(visible).chain(not_deleted));

    Command::EACH
        .into_iter()
        .filter(|command| scope.privileges.contains(&Privilege::of(*command)))
        .map(|command| Policy {
            name: Identifier::joined(
                &scope.table.table,
                &format!("{word}_{}", command.as_sql().to_lowercase()),
            ),
            kind: PolicyKind::Permissive,
            rule: if command == Command::Select {
                Rule::Select {
                    using: Some(visible.clone()),
                }
            } else {
                Rule::new(command, Some(own.clone()), Some(own.clone()))
            },
            roles: BTreeSet::from([config.app_role().clone()]),
            comment: None,
        })
        .collect()
}

/// Restrictive policies for the references that no key binds: whoever writes a row reaches the rows
/// that it refers to. They hold beside whatever else lets the row through.
fn bound(scope: &Scope, config: &RlsConfig) -> Vec<Policy> {
    let conditions = scope.bound.iter().filter_map(Bound::condition);
    let holds = Expression::all(conditions);
    if holds == Expression::True {
        return Vec::new();
    }

    [Command::Insert, Command::Update]
        .into_iter()
        .filter(|command| scope.privileges.contains(&Privilege::of(*command)))
        .map(|command| Policy {
            name: Identifier::joined(
                &scope.table.table,
                &format!("bound_{}", command.as_sql().to_lowercase()),
            ),
            kind: PolicyKind::Restrictive,
            // Without a condition on existing rows, which the server would ask before the owner's.
            rule: Rule::new(command, None, Some(holds.clone())),
            roles: BTreeSet::from([config.app_role().clone()]),
            comment: None,
        })
        .collect()
}

/// Guards that let through exactly what the declared permissive policies let through: one for all
/// commands if the conditions are the same, else one for each command.
///
/// The server joins permissive policies with OR in descending order of their names, and folds a
/// restrictive condition equal to the whole into it (`get_row_security_policies` and
/// `add_security_quals` in `src/backend/rewrite/rowsecurity.c`): in the same order, the guard costs
/// nothing.
fn guards(scope: &Scope, policies: &[Policy], config: &RlsConfig) -> Vec<Policy> {
    let app = config.app_role();
    let guard = |suffix: &str, rule| Policy {
        name: Identifier::joined(&scope.table.table, suffix),
        kind: PolicyKind::Restrictive,
        rule,
        roles: BTreeSet::from([app.clone()]),
        comment: None,
    };

    let rules = widest(policies, app);
    if let [
        Rule::Select { using: read },
        Rule::Insert { with_check: new },
        Rule::Update { using, with_check },
        Rule::Delete { using: deleted },
    ] = &rules
        && [new, using, with_check, deleted]
            .into_iter()
            .all(|other| other == read)
    {
        let (using, with_check) = (read.clone(), read.clone());
        return vec![guard("guard", Rule::All { using, with_check })];
    }

    Command::EACH
        .into_iter()
        .zip(rules)
        .map(|(command, rule)| guard(&format!("guard_{}", command.as_sql().to_lowercase()), rule))
        .collect()
}

/// The rule of each command that lets through what any of the permissive policies does.
fn widest(policies: &[Policy], app: &Identifier) -> [Rule; 4] {
    let mut permissive: Vec<&Policy> = policies
        .iter()
        .filter(|policy| policy.kind == PolicyKind::Permissive)
        .filter(|policy| policy.roles.is_empty() || policy.roles.contains(app))
        .collect();

    permissive.sort_by(|a, b| b.name.cmp(&a.name));

    let any = |command, side: fn(&Policy) -> Option<&Expression>| {
        Expression::any(
            permissive
                .iter()
                .filter(|policy| policy.covers(command))
                .filter_map(|policy| side(policy))
                .cloned(),
        )
    };

    Command::EACH.map(|command| {
        let using = any(command, Policy::using);
        let with_check = any(command, |policy| policy.with_check().or(policy.using()));
        Rule::new(command, Some(using), Some(with_check))
    })
}
