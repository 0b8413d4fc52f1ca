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
pub(super) fn explain(said: &DoctorArguments) -> Result<i32, CliError> {
    let rule = said.explain.as_deref().unwrap_or_default();
    let page = doctor::explain(rule.trim()).ok_or_else(|| no_rule(rule))?;
    print(page)?;

    Ok(0)
}

/// What the file allows and denies, and what the command line does beside it, which is written to
/// the file where it allows.
pub(super) fn suppressions(said: &DoctorArguments) -> Result<Suppressions, CliError> {
    let named = said.suppressions.as_deref();
    let mut text = suppressions::text(named, !said.allow.is_empty())?;

    // A file that cannot be read is not written to.
    suppressions::parse(named, &text)?;

    let lines = |suppressions: &[String], reason: Option<&str>| -> Result<String, CliError> {
        let lines = suppressions
            .iter()
            .map(|suppression| line(suppression, reason))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(lines.concat())
    };

    let (mut allowed, denied) = (
        lines(&said.allow, said.reason.as_deref())?,
        lines(&said.deny, None)?,
    );

    if !allowed.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            allowed.insert(0, '\n');
        }

        let file = suppressions::file(named);
        let io = |doing| {
            move |source| CliError::Io {
                doing,
                path: file.to_owned(),
                source,
            }
        };

        let mut opened = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .map_err(io("open"))?;

        opened.write_all(allowed.as_bytes()).map_err(io("write"))?;
        text.push_str(&allowed);
    }

    suppressions::parse(named, &format!("{text}\n{denied}"))
}

/// Examines, prints the report, and says the code to exit with.
pub(super) async fn run(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    migrations: &str,
    said: &DoctorArguments,
    suppressions: &Suppressions,
) -> Result<i32, CliError> {
    let doctor =
        Doctor::new(rls.registry().clone(), rls.config().clone()).migration_table(migrations);
    let report = during(examining(rls), doctor.examine(db))
        .await?
        .under(suppressions);
    print(&match said.format {
        ReportFormat::Text => report.text(colours()).to_string(),
        ReportFormat::Json => format!("{}\n", report.json()),
        ReportFormat::Sarif => {
            format!(
                "{}\n",
                report.sarif(&suppressions::file(said.suppressions.as_deref()).to_string_lossy())
            )
        }
    })?;

    let at_least = match said.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
        FailOn::Hint => Severity::Hint,
    };

    Ok(report.exit_code(at_least).into())
}

/// The line of `RULE[=OBJECT]`.
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
