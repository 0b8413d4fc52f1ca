//! The policies of scoped tables, and the functions that they call.

use std::collections::BTreeMap;

use crate::doctor::case::{Case, Table};
use crate::doctor::expression::{checks_membership_per_row, reads_setting_per_row};
use crate::doctor::facts::{Call, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::model::policy::Canonical;
use crate::model::policy::PolicyKind;
use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, PolicyChange, TableChange};
use crate::schema::table::{ActualPolicy, DesiredPolicy};
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        policies(case, (oid, relation), registered, findings);
    }

    for call in &case.facts.calls {
        if let Some((relation, _)) = case.scoped_table(call.relation) {
            findings.extend(self::call(relation, call));
        }
    }
}

fn policies(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    registered: &Table<'_>,
    findings: &mut Vec<Finding>,
) {
    let none = BTreeMap::new();
    let actual = case.facts.policies.get(&oid).unwrap_or(&none);
    let desired = &registered.desired.policies;

    for desired in desired {
        let object = of(&relation.name, &desired.policy.name);
        let (rule, why) = match actual.get(&desired.policy.name) {
            None => (
                &rules::RLS105,
                "rows are hidden or shown that should not be, and the application does not start",
            ),
            Some(actual) if !is_as_desired(desired, actual) => (
                &rules::RLS106,
                "it was altered by hand, or its entity has changed since the last migration",
            ),
            Some(_) => continue,
        };

        findings.push(Finding::new(rule, object, why, Remedy::Migrate));
    }

    for (name, policy) in actual {
        let is_desired = desired.iter().any(|desired| desired.policy.name == *name);
        if policy.policy.kind == PolicyKind::Permissive
            && !is_desired
            && !is_planned(case, &relation.name, name)
        {
            findings.push(stray(case, relation, policy));
        }

        let is_distributed = registered.desired.distribution.is_some();
        speed(&relation.name, policy, is_distributed, findings);
    }
}

/// Whether the migrations drop or rename it, which is a finding of RLS107. Its comment proves
/// nothing: anyone can write one.
fn is_planned(case: &Case<'_>, on: &TableName, policy: &Identifier) -> bool {
    case.plan
        .iter()
        .flat_map(|plan| plan.changes())
        .any(|change| match change {
            Change::Table(table, TableChange::Policy(change)) if table == on => match change {
                PolicyChange::Drop {
                    policy: dropped, ..
                } => dropped.name == *policy,
                PolicyChange::Rename { was, .. } => was == policy,
                _ => false,
            },
            _ => false,
        })
}

fn stray(case: &Case<'_>, relation: &Relation, actual: &ActualPolicy) -> Finding {
    let (on, policy) = (&relation.name, &actual.policy);
    let is_guarded = policy.roles.is_empty() || policy.roles.contains(case.config.app_role());
    let why = if is_guarded {
        "no entity declares it: only the restrictive guard keeps out what it lets through"
    } else {
        "no entity declares it, and no guard restricts its roles"
    };

    let drop = format!("DROP POLICY {} ON {}", identifier(&policy.name), table(on));
    let remedy = Remedy::sql(relation.owned(), drop);

    Finding::new(&rules::RLS108, of(on, &policy.name), why, remedy)
}

/// Conditions that cost more than they need.
fn speed(on: &TableName, actual: &ActualPolicy, is_distributed: bool, findings: &mut Vec<Finding>) {
    let policy = &actual.policy;
    let object = of(on, &policy.name);
    let conditions = || {
        policy
            .using()
            .into_iter()
            .chain(policy.with_check())
            .map(Canonical::as_str)
    };

    // Citus takes no subquery in a policy.
    if !is_distributed && conditions().any(reads_setting_per_row) {
        let why = "a full scan is several times slower, and an index may not be used";
        let remedy = Remedy::words(
            "put the call in a subquery: `owner_id = (SELECT current_setting(…)::uuid)`",
        );
        findings.push(Finding::new(&rules::RLS109, &object, why, remedy));
    }

    // A signed policy has both forms: this one stands first, the other uses the index.
    let is_signed = |condition: &str| condition.contains(signed_context::VIEW);
    if conditions().any(|condition| checks_membership_per_row(condition) && !is_signed(condition)) {
        let why = "the subquery is searched for each row, and the column's index is not used";
        let remedy = Remedy::words(
            "write `column = ANY (ARRAY(SELECT …))`, which runs once and uses the column's index",
        );
        findings.push(Finding::new(&rules::RLS110, &object, why, remedy));
    }
}

fn call(on: &Relation, call: &Call) -> Option<Finding> {
    let function = &call.function;
    let (rule, why) = match call.volatility {
        'i' if call.varies => (
            &rules::RLS111,
            format!(
                "the server may compute `{function}` when it makes a plan, and use the plan for \
                 the next user"
            ),
        ),
        'v' => (
            &rules::RLS112,
            format!("`{function}` is called once per row, and no index is used for its result"),
        ),
        _ => return None,
    };

    let run_as = RunAs::Role(call.owner_name.clone());
    let remedy = Remedy::sql(run_as, format!("ALTER FUNCTION {function} STABLE"));

    Some(Finding::new(rule, of(&on.name, &call.policy), why, remedy))
}

/// The gate compares the same way.
fn is_as_desired(desired: &DesiredPolicy, actual: &ActualPolicy) -> bool {
    actual.is_applied(desired)
        && actual.policy.kind == desired.policy.kind
        && actual.policy.command() == desired.policy.command()
        && actual.policy.roles == desired.policy.roles
}

fn of(table: &TableName, policy: &Identifier) -> String {
    format!("{table}.{policy}")
}
