use super::audit::record;
use crate::name::TableName;
use crate::schema::plan::FunctionChange;
use crate::sql::{identifier, known_literal};

/// The text of the function that adds a row to the audit table. As a string it does not keep the
/// table from being dropped, which a parsed body would.
pub(crate) fn record_body(audit: &TableName) -> String {
    format!("{} RETURNING true", record(audit))
}

/// Renders a change; `function` is quoted already.
pub(super) fn statements(function: &str, change: &FunctionChange) -> Vec<String> {
    let function = format!("{function}(pg_catalog.text)");

    match change {
        FunctionChange::Create { audit } => vec![
            create("CREATE", &function, audit),
            format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC"),
        ],
        FunctionChange::Drop { .. } => vec![format!("DROP FUNCTION {function}")],
        FunctionChange::Replace { audit, .. } => {
            vec![create("CREATE OR REPLACE", &function, audit)]
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

/// The function runs with its caller's rights, so that it gives nobody a way to the audit table.
fn create(verb: &str, function: &str, audit: &TableName) -> String {
    let body = known_literal(&record_body(audit));
    format!(
        "{verb} FUNCTION {function} RETURNS pg_catalog.bool LANGUAGE sql VOLATILE SECURITY INVOKER \
         AS {body}"
    )
}
