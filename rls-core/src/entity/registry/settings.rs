//! The settings that expressions read. Every scope blanks those that it does not set.

use crate::model::expression::Expression;
use crate::name::SettingName;
use crate::sql;

/// The server's settings that a policy may read. No scope sets them.
const OF_THE_SERVER: [&str; 6] = [
    "application_name",
    "is_superuser",
    "role",
    "session_authorization",
    "timezone",
    "transaction_isolation",
];

/// The settings that an expression reads.
pub(super) fn read_by(expression: &Expression) -> Vec<SettingName> {
    spelt_in(expression)
        .unwrap_or_default()
        .iter()
        .filter_map(|name| SettingName::new(name).ok())
        .collect()
}

/// The settings that an expression reads, as it spells them, without the server's own.
///
/// # Errors
///
/// The text from a call on that does not spell out its setting, since no scope could blank that.
pub(super) fn spelt_in(expression: &Expression) -> Result<Vec<String>, String> {
    const CALL: &str = "current_setting";

    let sql = sql::expression(expression);
    let folded = sql.to_ascii_lowercase();
    let mut names = Vec::new();

    for (at, _) in folded.match_indices(CALL) {
        if sql[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }

        let call = &sql[at..];
        let name = argument(&call[CALL.len()..])
            .ok_or_else(|| call.chars().take(60).collect::<String>())?;

        if !OF_THE_SERVER.contains(&name.to_lowercase().as_str()) {
            names.push(name);
        }
    }

    Ok(names)
}

/// The first argument of a call, if it is a plain literal.
fn argument(rest: &str) -> Option<String> {
    let mut rest = rest
        .trim_start_matches('"')
        .trim_start()
        .strip_prefix('(')?
        .trim_start()
        .strip_prefix('\'')?;

    let mut name = String::new();
    loop {
        let end = rest.find('\'')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];

        match rest.strip_prefix('\'') {
            Some(doubled) => {
                name.push('\'');
                rest = doubled;
            }
            None => break,
        }
    }

    let after = rest.trim_start();
    (after.starts_with(',') || after.starts_with(')') || after.starts_with("::")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_however_they_are_spelt() {
        let sql = "a = CURRENT_SETTING( 'app.A', true)::int OR b = \
                   \"current_setting\"('app.b'::text) OR c = current_setting('role') OR \
                   my_current_setting(1)";
        let names: Vec<_> = read_by(&Expression::raw_sql(sql))
            .iter()
            .map(ToString::to_string)
            .collect();

        assert_eq!(names, ["app.a", "app.b"]);
    }

    #[test]
    fn settings_that_are_not_spelt_out_are_an_error() {
        for sql in [
            "(x)",
            "(E'app.x')",
            "($$app.x$$)",
            "/**/('app.x')",
            "(('app.x'))",
            "('app' || '.x')",
            "(U&'app.x')",
            "('app.x",
        ] {
            assert!(
                spelt_in(&Expression::raw_sql(format!("a = current_setting{sql}"))).is_err(),
                "{sql}"
            );
        }

        assert_eq!(
            spelt_in(&Expression::raw_sql("current_setting('app.x''y')")).unwrap(),
            ["app.x'y"]
        );
    }
}
