use std::fs::OpenOptions;
use std::io::Write;

use rls_core::Rls;
use rls_core::lint::{self, Doctor, RULES, Severity, Verdicts};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::CliError;
use super::arguments::{DoctorArguments, FailOn, ReportFormat};
use super::command::examining;
use super::output::{colours, print};
use super::progress::during;
use super::verdicts;

/// Prints the page of a rule.
pub(super) fn explain(said: &DoctorArguments) -> Result<i32, CliError> {
    let rule = said.explain.as_deref().unwrap_or_default();
    let page = lint::explain(rule.trim()).ok_or_else(|| no_rule(rule))?;
    print(page)?;

    Ok(0)
}

/// What the file allows and denies, and what the command line does beside it, which is written to
/// the file where it allows.
pub(super) fn verdicts(said: &DoctorArguments) -> Result<Verdicts, CliError> {
    let named = said.verdicts.as_deref();
    let mut text = verdicts::text(named, !said.allow.is_empty())?;

    // A file that cannot be read is not written to.
    verdicts::parse(named, &text)?;

    let lines = |verdicts: &[String], reason: Option<&str>| -> Result<String, CliError> {
        let lines = verdicts
            .iter()
            .map(|verdict| line(verdict, reason))
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

        let file = verdicts::file(named);
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

    verdicts::parse(named, &format!("{text}\n{denied}"))
}

/// Examines, prints the report, and says the code to exit with.
pub(super) async fn run(
    rls: &Rls,
    db: &DatabaseConnection,
    migrations: &str,
    said: &DoctorArguments,
    verdicts: &Verdicts,
) -> Result<i32, CliError> {
    let doctor =
        Doctor::new(rls.registry().clone(), rls.config().clone()).migration_table(migrations);
    let report = during(examining(rls), doctor.examine(db))
        .await?
        .under(verdicts);
    print(&match said.format {
        ReportFormat::Text => report.text(colours()).to_string(),
        ReportFormat::Json => format!("{}\n", report.json()),
        ReportFormat::Sarif => {
            format!(
                "{}\n",
                report.sarif(&verdicts::file(said.verdicts.as_deref()).to_string_lossy())
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
fn line(verdict: &str, reason: Option<&str>) -> Result<String, CliError> {
    let (rule, object) = verdict
        .split_once('=')
        .map_or((verdict, None), |(rule, object)| (rule, Some(object)));
    if lint::explain(rule.trim()).is_none() {
        return Err(no_rule(rule));
    }

    let line = Verdicts::line(rule, object.filter(|object| *object != "*"), reason);
    line.map(|line| format!("{line}\n"))
        .map_err(|_| CliError::Blank)
}

fn no_rule(rule: &str) -> CliError {
    CliError::NoRule {
        rule: rule.to_owned(),
        last: RULES.last().map_or("", |rule| rule.id),
    }
}
