//! Hand-written policies, as Rust for `#[rls_policies(policies = path)]`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rls_core::model::policy::Rule;
use rls_core::schema::read::{Origin, TableSecurity};
use rls_core::{Command, Identifier, Policy, PolicyKind, RlsConfig};

use crate::literal::literal;

/// One function for each table that has hand-written policies; `None` if no table has any.
pub(crate) fn text(tables: &[TableSecurity], config: &RlsConfig) -> Option<String> {
    let by_hand = |table: &TableSecurity| -> Vec<Policy> {
        let policies = table.policies.iter();
        let policies = policies.filter(|found| found.origin == Origin::ByHand);
        policies.map(|found| found.policy.clone()).collect()
    };

    let tables: Vec<(&TableSecurity, Vec<Policy>)> = tables
        .iter()
        .map(|table| (table, by_hand(table)))
        .filter(|(_, policies)| !policies.is_empty())
        .collect();

    if tables.is_empty() {
        return None;
    }

    let mut text = format!(
        "//! Hand-written policies, as `rls import` read them from the database. Each function is \
         for its\n\
         //! entity: `#[derive(RlsPolicies)] #[rls_policies(policies = path::to::function)]`.\n\n\
         use sea_orm_rls::policy::{{{}}};\n",
        imports(tables.iter().flat_map(|(_, policies)| policies))
            .into_iter()
            .collect::<Vec<_>>()
            .join(", ")
    );

    let mut taken = BTreeSet::new();
    for (table, policies) in &tables {
        let schema = table.table.schema.as_ref().map_or("", Identifier::as_str);
        let name = function(&mut taken, schema, table.table.table.as_str());
        let _infallible = write!(
            text,
            "\n/// Policies of `{}`{}.\n#[must_use]\npub fn {name}() -> Vec<PolicyDraft> {{\n    \
             vec![\n",
            table.table.to_string().escape_debug(),
            flags(table)
        );

        for policy in policies {
            draft(&mut text, policy, config);
        }

        text.push_str("    ]\n}\n");
    }

    Some(text)
}

/// The names that drafts of these policies use.
fn imports<'a>(policies: impl Iterator<Item = &'a Policy>) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::from(["Grantee", "Policy", "PolicyDraft"]);
    for policy in policies {
        if policy.command() != Command::All {
            names.insert("Command");
        }

        if policy.using().is_some() || policy.with_check().is_some() {
            names.insert("Expression");
        }
    }

    names
}

/// What the derive will switch on, if the database has it off.
fn flags(table: &TableSecurity) -> &'static str {
    match (table.enabled, table.forced) {
        (true, true) => "",
        (true, false) => ": its owner saw every row",
        (false, _) => ": its row security was not enabled",
    }
}

fn draft(text: &mut String, policy: &Policy, config: &RlsConfig) {
    let kind = if policy.kind == PolicyKind::Permissive {
        "permissive"
    } else {
        "restrictive"
    };

    let mut line = |part: String| {
        let _infallible = write!(text, "{part}");
    };
    line(format!(
        "        Policy::{kind}({:?})",
        policy.name.as_str()
    ));

    let command = match policy.rule {
        Rule::All { .. } => None,
        Rule::Select { .. } => Some("Select"),
        Rule::Insert { .. } => Some("Insert"),
        Rule::Update { .. } => Some("Update"),
        Rule::Delete { .. } => Some("Delete"),
    };

    if let Some(command) = command {
        line(format!("\n            .on([Command::{command}])"));
    }

    line(format!("\n            .to([{}])", grantees(policy, config)));
    for (word, side) in [
        ("using", policy.using()),
        ("with_check", policy.with_check()),
    ] {
        if let Some(side) = side {
            line(format!(
                "\n            .{word}(Expression::raw_sql({}))",
                literal(&side.to_string())
            ));
        }
    }

    if let Some(comment) = &policy.comment {
        line(format!("\n            .comment({})", literal(comment)));
    }

    if !builds_without_verbatim(policy) {
        line("\n            .verbatim()".to_owned());
    }

    line(",\n".to_owned());
}

/// Whether a draft with these conditions builds this policy without `verbatim`, which neither
/// repeats `using` for written rows nor asks for a condition.
fn builds_without_verbatim(policy: &Policy) -> bool {
    match &policy.rule {
        Rule::All { using, with_check } | Rule::Update { using, with_check } => {
            using.is_some() && with_check.is_some()
                || with_check.is_some() && policy.kind == PolicyKind::Restrictive
        }
        Rule::Select { using } | Rule::Delete { using } => using.is_some(),
        Rule::Insert { with_check } => with_check.is_some(),
    }
}

fn grantees(policy: &Policy, config: &RlsConfig) -> String {
    if policy.roles.is_empty() {
        return "Grantee::Public".to_owned();
    }

    let grantee = |role: &Identifier| match role {
        role if role == config.app_role() => "Grantee::App".to_owned(),
        role if role == config.admin_role() => "Grantee::Admin".to_owned(),
        role => format!("Grantee::from({:?})", role.as_str()),
    };

    policy
        .roles
        .iter()
        .map(grantee)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A function's name that is not taken yet.
fn function(taken: &mut BTreeSet<String>, schema: &str, table: &str) -> String {
    let word = |name: &str| -> String {
        name.chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '_'
                }
            })
            .collect()
    };

    let plain = format!("{}_policies", word(table));
    let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) {
        format!("table_{plain}")
    } else {
        plain
    };

    let qualified = format!("{}_{plain}", word(schema));
    let numbered = (2_u32..).map(|number| format!("{qualified}_{number}"));
    let mut names = [plain, qualified.clone()].into_iter().chain(numbered);
    let name = names
        .find(|name| !taken.contains(name))
        .unwrap_or(qualified);

    taken.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_different_names() {
        let mut taken = BTreeSet::new();
        assert_eq!(
            function(&mut taken, "public", "Task list"),
            "task_list_policies"
        );
        assert_eq!(
            function(&mut taken, "audit", "task_list"),
            "audit_task_list_policies"
        );
        assert_eq!(
            function(&mut taken, "audit", "task-list"),
            "audit_task_list_policies_2"
        );

        assert_eq!(
            function(&mut taken, "public", "2024"),
            "table_2024_policies"
        );
    }
}
