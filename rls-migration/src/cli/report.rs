use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use rls_core::RlsSchema;
use rls_core::doctor::{Doctor, Suppressions};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::output::print;
use super::progress::{during, examining};
use crate::error::CliError;
use crate::report;

/// Writes the page to `output`, or prints it if that is `-`.
pub(super) async fn run(
    rls: &RlsSchema,
    suppressions: &Suppressions,
    db: &DatabaseConnection,
    migrations: &str,
    output: &Path,
    pending: usize,
) -> Result<i32, CliError> {
    let to_file = output != Path::new("-");
    if to_file {
        // Before anything is read.
        may_be_written_over(output)?;
    }

    let doctor =
        Doctor::new(rls.registry().clone(), rls.config().clone()).migration_table(migrations);
    let work = report::gather(rls, &doctor, suppressions, db, pending, chrono::Utc::now());
    let report = during(examining(rls), work).await?;
    let html = report::html(&report);

    if !to_file {
        return print(&html).map(|()| 0);
    }

    write(output, &html)?;

    let (tables, findings) = (report.tables.len(), report.findings.len());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    print(&format!(
        "Wrote {}: {tables} table{}, {findings} finding{}.\n",
        output.display(),
        plural(tables),
        plural(findings)
    ))?;

    Ok(0)
}

/// Checks that no file is overwritten but an earlier report.
fn may_be_written_over(file: &Path) -> Result<(), CliError> {
    let mut opened = match File::open(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(CliError::io("write", file))?,
    };

    let mut begins = vec![0; 1024];
    let read = opened
        .read(&mut begins)
        .map_err(CliError::io("write", file))?;
    let begins = String::from_utf8_lossy(&begins[..read]).into_owned();
    let generator = format!("content=\"{}", report::GENERATOR);

    if read == 0 || begins.contains(&generator) {
        Ok(())
    } else {
        Err(CliError::Exists {
            file: file.to_owned(),
        })
    }
}

/// Writes beside the file and renames, so that nobody finds half a page.
fn write(file: &Path, html: &str) -> Result<(), CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let part = file.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|mut opened| {
            opened
                .write_all(html.as_bytes())
                .and_then(|()| opened.sync_all())
        })
        .and_then(|()| fs::rename(&part, file));

    written.map_err(|source| {
        // If the file could not be created, there is nothing to remove.
        let _not_there = fs::remove_file(&part);
        CliError::io("write", file)(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_over_and_nothing_else() {
        let directory = std::env::temp_dir().join(format!("rls-report-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();

        let file = directory.join("report.html");
        may_be_written_over(&file).unwrap();
        write(
            &file,
            &format!(
                "<meta name=\"generator\" content=\"{}0.1.0\">",
                report::GENERATOR
            ),
        )
        .unwrap();
        may_be_written_over(&file).unwrap();

        let other = directory.join("lib.rs");
        fs::write(&other, "pub fn f() {}").unwrap();
        assert!(matches!(
            may_be_written_over(&other),
            Err(CliError::Exists { .. })
        ));
        assert!(
            matches!(may_be_written_over(&directory), Err(CliError::Io { .. })),
            "a directory"
        );
        assert!(matches!(
            write(&directory.join("no/such/file"), ""),
            Err(CliError::Io { .. })
        ));

        let mut left: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();

        left.sort();
        assert_eq!(left, ["lib.rs", "report.html"]);
        fs::remove_dir_all(&directory).unwrap();
    }
}
