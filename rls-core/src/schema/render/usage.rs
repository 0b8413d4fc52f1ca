use crate::schema::plan::UsageChange;
use crate::sql::identifier;

/// Renders a change on an object; `object` is quoted already, as `SCHEMA "app"`.
pub(super) fn statement(object: &str, change: &UsageChange) -> String {
    match change {
        UsageChange::Grant { role } => {
            format!("GRANT USAGE ON {object} TO {}", identifier(role))
        }
        UsageChange::Revoke { role } => {
            format!("REVOKE USAGE ON {object} FROM {}", identifier(role))
        }
    }
}
