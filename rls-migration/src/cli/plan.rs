use rls_core::RlsSchema;
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::arguments::Format;
use super::output::{colours, print};
use super::progress::{comparing, during};
use crate::error::{CliError, pending_migrations};

/// The exit code of `rls plan` if there are changes.
const CHANGES: i32 = 2;

/// The exit code of `rls plan` if migrations are pending: the plan is against the tables of now.
const PENDING: i32 = 3;

/// Prints what would change, and returns the exit code.
pub(super) async fn show(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    format: Format,
    pending: usize,
) -> Result<i32, CliError> {
    let plan = during(comparing(rls), rls.plan(db)).await?;
    print(&match format {
        Format::Text => plan.text(colours()).to_string(),
        Format::Sql if plan.is_empty() => String::new(),
        // Run by hand, it is all or nothing too.
        Format::Sql => format!("BEGIN;\n{plan}COMMIT;\n"),
        Format::Json => format!("{}\n", plan.json()),
    })?;

    if pending > 0 {
        eprintln!(
            "{}: run `up` first; tables and columns that they make are not in the plan",
            pending_migrations(pending)
        );
        return Ok(PENDING);
    }

    Ok(if plan.is_empty() { 0 } else { CHANGES })
}

/// Makes the changes that need no long lock, and prints them.
pub(super) async fn prepare(rls: &RlsSchema, db: &DatabaseConnection) -> Result<(), CliError> {
    let prepared = rls.prepare_online(db);
    let prepared = during("Adding columns, keys and indexes", prepared).await?;
    print(&prepared.text(colours()).to_string())
}

/// Makes the changes, and prints them.
pub(super) async fn apply(
    rls: RlsSchema,
    db: &DatabaseConnection,
    accept_weakening: bool,
) -> Result<i32, CliError> {
    let rls = rls.danger_accept_weakening(accept_weakening);
    let tables = rls.registry().scopes().len();
    let plan = during(format!("Applying changes to {tables} tables"), rls.sync(db)).await?;

    print(&plan.text(colours()).to_string())?;
    if !plan.is_empty() {
        print("Applied.\n")?;
    }

    Ok(0)
}
