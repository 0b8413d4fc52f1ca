use std::fs::OpenOptions;
use std::io::Write;

use rls_core::RlsSchema;
use rls_core::doctor::{self, Doctor, RULES, Severity, Suppressions};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::arguments::{DoctorArguments, FailOn, ReportFormat};
use super::output::{colours, print};
use super::progress::{during, examining};
use super::suppressions;
use crate::error::CliError;

/// Prints the page of a rule.
pub(super) fn explain(options: &DoctorArguments) -> Result<i32, CliError> {
    let rule = options.explain.as_deref().unwrap_or_default();
    let page = doctor::explain(rule.trim()).ok_or_else(|| no_rule(rule))?;
    print(page)?;

    Ok(0)
}

/// The suppressions of the file and of the command line. What the command line allows is added to
/// the file.
pub(super) fn suppressions(options: &DoctorArguments) -> Result<Suppressions, CliError> {
    let named = options.suppressions.as_deref();
    let mut text = suppressions::text(named, !options.allow.is_empty())?;

    // Nothing is added to a file with a mistake in it.
    suppressions::parse(named, &text)?;

    let lines = |suppressions: &[String], reason: Option<&str>| -> Result<String, CliError> {
        let lines = suppressions
            .iter()
            .map(|suppression| line(suppression, reason))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(lines.concat())
    };

    let (mut allowed, denied) = (
        lines(&options.allow, options.reason.as_deref())?,
        lines(&options.deny, None)?,
    );

    if !allowed.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            allowed.insert(0, '\n');
        }

        let file = suppressions::file(named);
        let mut opened = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .map_err(CliError::io("open", file))?;

        opened
            .write_all(allowed.as_bytes())
            .map_err(CliError::io("write", file))?;
        text.push_str(&allowed);
    }

    suppressions::parse(named, &format!("{text}\n{denied}"))
}

/// Examines the database, prints the report, and returns the exit code.
pub(super) async fn run(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    migrations: &str,
    options: &DoctorArguments,
    suppressions: &Suppressions,
) -> Result<i32, CliError> {
    let doctor =
        Doctor::new(rls.registry().clone(), rls.config().clone()).migration_table(migrations);
    let report = during(examining(rls), doctor.examine(db))
        .await?
        .under(suppressions);
    print(&match options.format {
        ReportFormat::Text => report.text(colours()).to_string(),
        ReportFormat::Json => format!("{}\n", report.json()),
        ReportFormat::Sarif => {
            format!(
                "{}\n",
                report
                    .sarif(&suppressions::file(options.suppressions.as_deref()).to_string_lossy())
            )
        }
    })?;

    let at_least = match options.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Hint => Severity::Hint,
    };

    Ok(report.exit_code(at_least).into())
}

/// The line of the file for `RULE[=OBJECT]`.
fn line(suppression: &str, reason: Option<&str>) -> Result<String, CliError> {
    let (rule, object) = suppression
        .split_once('=')
        .map_or((suppression, None), |(rule, object)| (rule, Some(object)));
    if doctor::explain(rule.trim()).is_none() {
        return Err(no_rule(rule));
    }

    let line = Suppressions::line(rule, object.filter(|object| *object != "*"), reason);
    line.map(|line| format!("{line}\n"))
        .map_err(|_| CliError::Blank)
}

fn no_rule(rule: &str) -> CliError {
    CliError::NoRule {
        rule: rule.to_owned(),
        last: RULES.last().map_or("", |rule| rule.id),
    }
}
