use crate::schema::plan::PolicyChange;
use crate::sql::{alter_policy, comment_on_policy, create_policy, identifier};

/// Renders a change of a table; `table` is quoted already.
pub(super) fn statements(table: &str, change: &PolicyChange) -> Vec<String> {
    match change {
        PolicyChange::Create { policy } => {
            let comment = policy
                .comment
                .as_ref()
                .map(|text| comment_on_policy(table, &policy.name, Some(text)));
            [create_policy(table, policy)]
                .into_iter()
                .chain(comment)
                .collect()
        }
        PolicyChange::Drop { policy, .. } => {
            vec![format!(
                "DROP POLICY {} ON {table}",
                identifier(&policy.name)
            )]
        }
        PolicyChange::Alter { policy, .. } => vec![alter_policy(table, policy)],
        PolicyChange::Rename { was, name } => vec![format!(
            "ALTER POLICY {} ON {table} RENAME TO {}",
            identifier(was),
            identifier(name)
        )],
        PolicyChange::Comment { name, comment, .. } => {
            vec![comment_on_policy(table, name, comment.as_deref())]
        }
    }
}
