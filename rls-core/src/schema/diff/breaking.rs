//! Which statements of the version that is running begin to fail by a change, as far as that is
//! certain or cannot be ruled out.

use std::collections::BTreeMap;

use super::table::Table;
use crate::model::policy::{Canonical, Policy, PolicyKind};
use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{
    Breaking, Change, ColumnChange, ForeignKeyChange, FunctionChange, PolicyChange,
    PrivilegeChange, RoleChange, RowSecurityChange, TableChange,
};
use crate::schema::snapshot::{ActualRole, StoredPassword};

/// The changes that break statements, by their positions. On a table that nobody uses yet none
/// does: neither role has a privilege on it, and it has no row.
pub(super) fn breaking(
    tables: &[Table<'_>],
    roles: &BTreeMap<Identifier, ActualRole>,
    changes: &[Change],
) -> BTreeMap<usize, Breaking> {
    let used: BTreeMap<&TableName, &Table<'_>> = tables
        .iter()
        .filter(|table| table.actual.has_rows || !table.actual.grants.is_empty())
        .map(|table| (&table.desired.table, table))
        .collect();
    let is_made = |function: &TableName| {
        let is_create = |change: &Change| matches!(change, Change::Function(of, FunctionChange::Create { .. }) if of == function);
        changes.iter().any(is_create)
    };

    let of = |change: &Change| match change {
        Change::Table(table, change) => of_table(used.get(table)?, change),
        Change::Function(function, FunctionChange::Revoke { .. }) if !is_made(function) => {
            Some(Breaking {
                fails: "a call of the function by that role",
                first: "let only administrators' connections record",
            })
        }
        // A domain keeps its OID and comes to do what every version expects of it, and only the
        // reverse of a plan drops one or revokes `USAGE`.
        Change::Function(..)
        | Change::Domain(..)
        | Change::Schema(..)
        | Change::Sequence(..)
        | Change::Role(..) => None,
    };

    let mut breaking = of_roles(roles, changes);
    let broken = changes.iter().enumerate();
    breaking.extend(broken.filter_map(|(at, change)| Some((at, of(change)?))));
    breaking
}

/// The changes of roles among them that break statements, by their positions.
pub(crate) fn of_roles(
    roles: &BTreeMap<Identifier, ActualRole>,
    changes: &[Change],
) -> BTreeMap<usize, Breaking> {
    let broken = changes.iter().enumerate().filter_map(|(at, change)| {
        let Change::Role(role, change) = change else {
            return None;
        };
        Some((at, of_role(roles.get(role), change)?))
    });
    broken.collect()
}

fn of_role(actual: Option<&ActualRole>, change: &RoleChange) -> Option<Breaking> {
    match change {
        // A password that the login cannot read is set each time, mostly to what it is.
        RoleChange::Alter {
            verifier: Some(_), ..
        } if actual.is_some_and(|role| matches!(role.password, StoredPassword::Set(_))) => {
            Some(Breaking {
                fails: "each new connection with the password of now",
                first: "deploy code that logs in as a second role, or gets its password as it connects",
            })
        }
        RoleChange::Alter { attributes, .. } => {
            // It may begin to log in, and loses the rest.
            let loses = attributes.iter().any(|word| word.starts_with("NO"));
            loses.then_some(Breaking {
                fails: "each statement of the role that needs an attribute it loses",
                first: "deploy code that does without it",
            })
        }
        RoleChange::RevokeMembership { .. } | RoleChange::EndInheritance { .. } => Some(Breaking {
            fails: "each statement of the member that needs what the role may do",
            first: "deploy code that does without it",
        }),
        RoleChange::Create { .. } => None,
    }
}

fn of_table(table: &Table<'_>, change: &TableChange) -> Option<Breaking> {
    match change {
        TableChange::Column(_, change) => of_column(change),
        TableChange::ForeignKey(change) => of_foreign_key(change),
        TableChange::RowSecurity(change) => of_row_security(*change),
        TableChange::Policy(change) => of_policy(table, change),
        TableChange::Privilege(change) => of_privilege(table, change),
        TableChange::Distribution(_) => Some(Breaking {
            fails: "a statement that Citus does not run over several nodes, as a `MERGE`, a row lock or \
                    a join by other columns",
            first: "deploy code that runs on Citus",
        }),
        // A unique index has the primary key in it, and forbids nothing new; the audit's and the keys' tables are the library's own.
        TableChange::Index(_)
        | TableChange::CreateAudit
        | TableChange::DropAudit
        | TableChange::Signing(_) => None,
    }
}

fn of_column(change: &ColumnChange) -> Option<Breaking> {
    match change {
        ColumnChange::SetNotNull { .. } => Some(Breaking {
            fails: "an insert or update that leaves the column NULL, as one without a context does",
            first: "deploy code that writes the table in scopes alone",
        }),
        ColumnChange::SetDefault {
            default: None,
            was: Some(_),
        } => Some(Breaking {
            fails: "an insert that leaves the column out",
            first: "deploy code that names the column in each insert",
        }),
        ColumnChange::SetDefault { was: Some(_), .. } => Some(Breaking {
            fails: "an insert that leaves the column out, and needs the default of now",
            first: "deploy code that names the column, or inserts in scopes alone",
        }),
        ColumnChange::Drop => Some(Breaking {
            fails: "each statement that names the column",
            first: "deploy code that does not name it",
        }),
        ColumnChange::SetDefault { was: None, .. }
        | ColumnChange::Add { .. }
        | ColumnChange::DropNotNull => None,
    }
}

fn of_foreign_key(change: &ForeignKeyChange) -> Option<Breaking> {
    let refuses = Breaking {
        fails: "a write of a row whose user or tenant is in no row of the table referred to",
        first: "deploy code that makes the user or tenant before its rows",
    };

    match change {
        ForeignKeyChange::Add { .. } | ForeignKeyChange::Restore { .. } => Some(refuses),
        ForeignKeyChange::Replace { definition, .. } => {
            let cascades = definition.contains("ON DELETE CASCADE");
            (!cascades).then_some(Breaking {
                fails: "a delete of a user or tenant that has rows here",
                first: "deploy code that deletes these rows first",
            })
        }
        ForeignKeyChange::Bind { .. } => Some(Breaking {
            fails: "a write of a row that refers to a row of another owner",
            first: "deploy code that refers to rows of the same owner alone",
        }),
        // New rows are checked already.
        ForeignKeyChange::Validate { .. } | ForeignKeyChange::Drop { .. } => None,
    }
}

fn of_row_security(change: RowSecurityChange) -> Option<Breaking> {
    match change {
        RowSecurityChange::Enable => Some(Breaking {
            fails: "each statement without a context, of any role but the owner's: it sees and \
                    writes no row",
            first: "deploy code that uses scopes",
        }),
        RowSecurityChange::Force => Some(Breaking {
            fails: "each statement of the table's owner: it sees and writes no row",
            first: "deploy code that logs in as the application's role and uses scopes",
        }),
        RowSecurityChange::Disable
        | RowSecurityChange::NoForce
        | RowSecurityChange::LiftForce
        | RowSecurityChange::RestoreForce => None,
    }
}

fn of_policy(table: &Table<'_>, change: &PolicyChange) -> Option<Breaking> {
    let narrowed = Breaking {
        fails: "a statement on rows that the policies let through now and may not then",
        first: "deploy code that does not reach them",
    };
    let canonical = |policy: &Policy| table.canonical?.policies.get(&policy.name);

    match change {
        // Without row security it holds for nobody yet, and `Enable` says the rest.
        PolicyChange::Create { policy } if table.actual.enabled => {
            let is_new = policy.kind == PolicyKind::Restrictive
                && !canonical(policy).is_some_and(|policy| is_enforced(table, policy));
            is_new.then_some(narrowed)
        }
        PolicyChange::Drop { policy, .. } if table.actual.enabled => {
            (policy.kind == PolicyKind::Permissive).then_some(narrowed)
        }
        PolicyChange::Alter {
            was,
            policy,
            repairs: false,
        } if table.actual.enabled => {
            let printed = table.actual.policies.get(&was.name).map(|it| &it.policy);
            if reads_signed(policy) && !reads_signed(was) {
                return Some(Breaking {
                    fails: "each statement of a program that does not sign its contexts",
                    first: "give all programs a key, and have them send signed contexts",
                });
            }

            let widens = printed
                .zip(canonical(policy))
                .is_some_and(|(was, policy)| is_as_wide(policy, was));
            (!widens).then_some(narrowed)
        }
        _ => None,
    }
}

/// Whether a policy lets through what another of its kind and command does. Of two conditions that
/// differ nobody can tell, unless the new one is true.
fn is_as_wide(policy: &Policy<Canonical>, was: &Policy<Canonical>) -> bool {
    type Side = fn(&Policy<Canonical>) -> Option<&Canonical>;

    let sides: [Side; 2] = [Policy::using, Policy::with_check];
    let as_wide = sides
        .into_iter()
        .all(|side| match (side(policy), side(was)) {
            (Some(side), Some(was)) => is_wide(side, was),
            (side, was) => side == was,
        });

    as_wide
        && match policy.kind {
            PolicyKind::Permissive => holds_for_all_of(policy, was),
            PolicyKind::Restrictive => holds_for_all_of(was, policy),
        }
}

/// Whether a restrictive policy that is there keeps out what a new one does, and maybe more: a guard
/// of all commands becomes one of each.
fn is_enforced(table: &Table<'_>, policy: &Policy<Canonical>) -> bool {
    let check = |policy: &Policy<Canonical>| policy.with_check().or(policy.using()).cloned();

    table.actual.policies.values().any(|there| {
        let there = &there.policy;
        let using = policy.using().is_none_or(|side| {
            let was = there.using();
            was.is_some_and(|was| is_wide(side, was))
        });
        let checked = check(policy)
            .zip(check(there))
            .is_some_and(|(side, was)| is_wide(&side, &was));

        there.kind == PolicyKind::Restrictive
            && there.covers(policy.command())
            && holds_for_all_of(there, policy)
            && using
            && checked
    })
}

/// Whether a policy holds for every role that another one holds for. One without roles is for
/// `PUBLIC`.
fn holds_for_all_of(one: &Policy<Canonical>, other: &Policy<Canonical>) -> bool {
    one.roles.is_empty() || !other.roles.is_empty() && other.roles.is_subset(&one.roles)
}

fn is_wide(side: &Canonical, was: &Canonical) -> bool {
    let (side, was) = (side.as_str(), was.as_str());
    side == was || side == "true" || is_or_of(side, was)
}

/// Whether a condition is another one, or something else: `(was OR …)` as the server prints it, which
/// prints an `OR` of `OR`s as one.
fn is_or_of(side: &str, was: &str) -> bool {
    let one = side
        .strip_prefix('(')
        .and_then(|rest| rest.strip_prefix(was));
    let several = was
        .strip_suffix(')')
        .filter(|was| was.contains(" OR ") && is_whole(&format!("{was})")))
        .and_then(|was| side.strip_prefix(was));

    is_whole(side) && one.or(several).is_some_and(|rest| rest.starts_with(" OR "))
}

/// Whether the parenthesis that begins a text ends with it, and no string or name is in the way.
fn is_whole(text: &str) -> bool {
    let mut depth = 0_usize;
    let ends = text.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at)
    });

    text.starts_with('(')
        && ends == Some(text.len() - 1)
        && !text.contains("E'")
        && !has_quoted_parenthesis(text)
}

/// Whether a string or a quoted name holds a parenthesis.
fn has_quoted_parenthesis(text: &str) -> bool {
    let of = |quote: char| {
        let mut parts = text.split(quote).skip(1).step_by(2);
        parts.any(|part| part.contains(['(', ')']))
    };
    of('\'') || of('"')
}

fn reads_signed(policy: &Policy) -> bool {
    let mut sides = policy.using().into_iter().chain(policy.with_check());
    sides.any(|side| side.to_string().contains(signed_context::VIEW))
}

fn of_privilege(table: &Table<'_>, change: &PrivilegeChange) -> Option<Breaking> {
    let refused = Breaking {
        fails: "each statement of that role that needs the privilege",
        first: "deploy code that does without it",
    };

    match change {
        PrivilegeChange::Revoke { .. } => Some(refused),
        PrivilegeChange::RevokeColumns {
            role, privilege, ..
        } => {
            // The privilege holds for the whole table afterwards.
            let desired = table.desired.privileges.get(role);
            let stays = desired.is_some_and(|desired| desired.table.contains(privilege));
            (!stays).then_some(refused)
        }
        PrivilegeChange::Grant { .. }
        | PrivilegeChange::Widen { .. }
        | PrivilegeChange::GrantColumns { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn condition_with_more_behind_or_is_wider() {
        for (side, was, wider) in [
            ("((a = 1) OR b)", "(a = 1)", true),
            ("(a OR b OR c)", "(a OR b)", true),
            ("((a = ANY (f())) OR (b > 0))", "(a = ANY (f()))", true),
            ("((a = 1) AND b)", "(a = 1)", false),
            ("((a = 1) OR b) AND c", "(a = 1)", false),
            ("(b OR (a = 1))", "(a = 1)", false),
            ("((a = ')') OR b)", "(a = ')')", false),
            ("(a = 1)", "((a = 1) OR b)", false),
        ] {
            assert_eq!(is_or_of(side, was), wider, "{side} after {was}");
        }
    }
}
