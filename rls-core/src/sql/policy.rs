//! The SQL of policies.

use std::fmt;

use crate::model::policy::{Policy, PolicyKind};
use crate::name::Identifier;

use super::expression::expression;
use super::quote::{identifier, literal};

/// `CREATE POLICY`; `table` is quoted already.
pub(crate) fn create_policy(table: &str, policy: &Policy) -> String {
    format!(
        "CREATE POLICY {} ON {table} AS {policy}",
        identifier(&policy.name)
    )
}

/// The clauses of `CREATE POLICY`, after `AS`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PolicyKind::Permissive => "PERMISSIVE",
            PolicyKind::Restrictive => "RESTRICTIVE",
        };
        write!(f, "{kind} FOR {}{}", self.command().as_sql(), rest(self))
    }
}

/// `ALTER POLICY` with all roles and conditions. It can change a condition, but not drop it.
pub(crate) fn alter_policy(table: &str, policy: &Policy) -> String {
    format!(
        "ALTER POLICY {} ON {table}{}",
        identifier(&policy.name),
        rest(policy)
    )
}

/// `COMMENT ON POLICY`.
pub(crate) fn comment_on_policy(table: &str, policy: &Identifier, comment: Option<&str>) -> String {
    let text = comment
        .and_then(literal)
        .unwrap_or_else(|| "NULL".to_owned());
    format!(
        "COMMENT ON POLICY {} ON {table} IS {text}",
        identifier(policy)
    )
}

fn rest(policy: &Policy) -> String {
    let mut sql = if policy.roles.is_empty() {
        " TO PUBLIC".to_owned()
    } else {
        format!(
            " TO {}",
            policy
                .roles
                .iter()
                .map(identifier)
                .collect::<Vec<_>>()
                .join(", ")
        )
    };

    for (words, side) in [
        (" USING (", policy.using()),
        (" WITH CHECK (", policy.with_check()),
    ] {
        if let Some(side) = side {
            sql.push_str(words);
            sql.push_str(&expression(side));
            sql.push(')');
        }
    }

    sql
}
