use crate::doctor::case::Case;
use crate::doctor::expression::{asks_membership_per_row, reads_setting_per_row};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::policy::Canonical;
use crate::model::policy::PolicyKind;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, PolicyChange, TableChange};
use crate::schema::table::{ActualPolicy, DesiredPolicy};
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        let none = std::collections::BTreeMap::new();
        let held = case.facts.policies.get(&oid).unwrap_or(&none);

        for asked in &registered.desired.policies {
            let name = of(&relation.name, &asked.policy.name);
            match held.get(&asked.policy.name) {
                None => {
                    let why = "rows that it lets through or keeps out are not, and the application \
                               does not start";
                    found.push(Finding::new(&rules::RLS105, name, why, Remedy::Migrate));
                }
                Some(held) if !holds(asked, held) => {
                    let why = "it was altered by hand, or its entity has changed since";
                    found.push(Finding::new(&rules::RLS106, name, why, Remedy::Migrate));
                }
                Some(_) => {}
            }
        }

        for (name, policy) in held {
            let asked = registered
                .desired
                .policies
                .iter()
                .any(|asked| asked.policy.name == *name);
            let asked = asked || is_planned(case, &relation.name, name);
            look(&relation.name, policy, asked, case.config.app_role(), found);
        }
    }

    for call in &case.facts.calls {
        let Some((relation, _)) = case.scoped_table(call.relation) else {
            continue;
        };
        let object = of(&relation.name, &call.policy);
        let function = &call.function;
        let stable = Remedy::sql(format!("ALTER FUNCTION {function} STABLE"));

        match call.volatility {
            'i' if call.varies => {
                let why = format!(
                    "`{function}` may be computed when a plan is made, and the plan used for the \
                     next user"
                );
                found.push(Finding::new(&rules::RLS111, object, why, stable));
            }
            'v' => {
                let why = format!("`{function}` is called once a row, and no index is used for it");
                found.push(Finding::new(&rules::RLS112, object, why, stable));
            }
            _ => {}
        }
    }
}

/// Whether the migrations drop or rename it, which is told as theirs. Its comment proves nothing:
/// anyone can write one.
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

fn look(
    on: &TableName,
    held: &ActualPolicy,
    asked: bool,
    app: &Identifier,
    found: &mut Vec<Finding>,
) {
    let policy = &held.policy;
    let name = of(on, &policy.name);

    if !asked && policy.kind == PolicyKind::Permissive {
        let is_guarded = policy.roles.is_empty() || policy.roles.contains(app);
        let why = if is_guarded {
            "no entity asks for it: what it lets through, the restrictive guard alone keeps out"
        } else {
            "no entity asks for it, and for its roles no guard stands beside it"
        };

        let remedy = Remedy::sql(format!(
            "DROP POLICY {} ON {}",
            identifier(&policy.name),
            table(on)
        ));

        found.push(Finding::new(&rules::RLS108, &name, why, remedy));
    }

    let sides = || {
        policy
            .using()
            .into_iter()
            .chain(policy.with_check())
            .map(Canonical::as_str)
    };

    if sides().any(reads_setting_per_row) {
        let remedy = Remedy::words(
            "put the call in a subquery: `owner_id = (SELECT current_setting(…)::uuid)`",
        );
        let why = "a full scan is several times slower, and an index may not be used";
        found.push(Finding::new(&rules::RLS109, &name, why, remedy));
    }

    if sides().any(asks_membership_per_row) {
        let remedy = Remedy::words(
            "ask `column = ANY (ARRAY(SELECT …))`, which is run once and uses the column's index",
        );
        let why = "the subquery is searched for each row, and the column's index is not used";
        found.push(Finding::new(&rules::RLS110, &name, why, remedy));
    }
}

/// As the gate compares.
fn holds(asked: &DesiredPolicy, held: &ActualPolicy) -> bool {
    held.is_applied(asked)
        && held.policy.kind == asked.policy.kind
        && held.policy.command() == asked.policy.command()
        && held.policy.roles == asked.policy.roles
}

fn of(table: &TableName, policy: &Identifier) -> String {
    format!("{table}.{policy}")
}
