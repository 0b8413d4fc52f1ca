use super::audit::record as record_by_defaults;
use crate::schema::plan::{FunctionChange, RecordDefinition};
use crate::sql::{identifier, known_literal, table};

/// The text of the function that adds a row to the audit table. As a string it does not keep the
/// table from being dropped, which a parsed body would.
///
/// Without a signed context, the row with NULL for the actor is refused.
pub(crate) fn record_body(record: &RecordDefinition) -> String {
    let audit = &record.audit;
    let Some(verified) = &record.verified else {
        return format!("{} RETURNING true", record_by_defaults(audit));
    };

    format!(
        "INSERT INTO {} (actor, reason, on_behalf_of) \
         SELECT v.settings ->> 'rls.actor', v.settings ->> 'rls.reason', \
         NULLIF(v.settings ->> 'rls.on_behalf_of', '')::jsonb \
         FROM (VALUES (true)) AS one LEFT JOIN {} AS v ON true RETURNING true",
        table(audit),
        table(verified)
    )
}

/// The `search_path` of the function, if it runs with its owner's rights.
pub(crate) const DEFINER_PATH: &str = "pg_catalog, pg_temp";

/// Renders a change; `function` is quoted already.
pub(super) fn statements(function: &str, change: &FunctionChange) -> Vec<String> {
    let function = format!("{function}(pg_catalog.text)");

    match change {
        FunctionChange::Create { record } => vec![
            create("CREATE", &function, record),
            format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
        ],
        FunctionChange::Drop { .. } => vec![format!("DROP FUNCTION {function}")],
        FunctionChange::Replace { record, .. } => {
            vec![create("CREATE OR REPLACE", &function, record)]
        }
        FunctionChange::Restore { definition, .. } => vec![definition.trim_end().to_owned()],
        FunctionChange::Grant { role } => {
            let role = identifier(role);
            vec![format!("GRANT EXECUTE ON FUNCTION {function} TO {role}")]
        }
        FunctionChange::Revoke { role } => {
            let role = identifier(role);
            vec![format!("REVOKE EXECUTE ON FUNCTION {function} FROM {role}")]
        }
        FunctionChange::Own => vec![format!("ALTER FUNCTION {function} OWNER TO CURRENT_USER")],
    }
}

fn create(verb: &str, function: &str, record: &RecordDefinition) -> String {
    let rights = if record.verified.is_some() {
        format!("SECURITY DEFINER SET search_path = {DEFINER_PATH}")
    } else {
        "SECURITY INVOKER".to_owned()
    };

    let body = known_literal(&record_body(record));
    format!(
        "{verb} FUNCTION {function} RETURNS pg_catalog.bool LANGUAGE sql VOLATILE {rights} AS {body}"
    )
}
