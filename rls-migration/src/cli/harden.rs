use std::fmt::Write as _;

use rls_core::RlsSchema;
use rls_core::doctor::{Doctor, Level};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::output::print;
use super::progress::{during, examining};
use crate::error::CliError;

/// Prints the level that the database has reached, and the statements that close more.
pub(super) async fn run(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    migrations: &str,
) -> Result<i32, CliError> {
    let doctor =
        Doctor::new(rls.registry().clone(), rls.config().clone()).migration_table(migrations);
    let report = during(examining(rls), doctor.examine(db)).await?;

    let level = report.level();
    let mut text = format!("-- level: {level} (of: open, revoked, signed)\n");
    let hardening = report.hardening();
    if hardening.is_empty() && level < Level::Signed {
        text += "-- nothing is left to revoke: `rls doctor` names what else is open\n";
    }
    for (run_as, statements) in hardening {
        let _infallible = writeln!(text, "\n-- {run_as}:");
        for statement in statements {
            let _infallible = writeln!(text, "{statement};");
        }
    }

    print(&text)?;
    Ok(0)
}
