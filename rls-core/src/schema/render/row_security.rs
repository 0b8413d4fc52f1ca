use crate::schema::plan::RowSecurityChange;

/// Renders a change of a table; `table` is quoted already.
pub(super) fn statement(table: &str, change: RowSecurityChange) -> String {
    let word = match change {
        RowSecurityChange::Enable => "ENABLE",
        RowSecurityChange::Disable => "DISABLE",
        RowSecurityChange::Force | RowSecurityChange::RestoreForce => "FORCE",
        RowSecurityChange::NoForce | RowSecurityChange::LiftForce => "NO FORCE",
    };

    format!("ALTER TABLE {table} {word} ROW LEVEL SECURITY")
}
