//! The settings that expressions read, so that every scope can blank those it does not set.

use crate::name::SettingName;
use crate::policy::Expression;
use crate::sql;

/// The settings an expression reads.
pub(super) fn read_by(expression: &Expression) -> Vec<SettingName> {
    spelt_in(expression).iter().filter_map(|name| SettingName::new(name).ok()).collect()
}

/// The custom settings an expression reads, as it spells them. A server's own setting has no dot in its name, and is
/// left out.
pub(super) fn spelt_in(expression: &Expression) -> Vec<String> {
    const CALL: &str = "current_setting";
    let sql = sql::expression(expression);
    let folded = sql.to_ascii_lowercase();
    folded
        .match_indices(CALL)
        .filter_map(|(at, _)| {
            let argument = sql[at + CALL.len()..].trim_start_matches(['"', ' ', '\n', '\t']).strip_prefix('(')?;
            let name = argument.trim_start().strip_prefix('\'')?;
            let name = &name[..name.find('\'')?];
            name.contains('.').then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_found_however_they_are_spelt() {
        let sql = "a = CURRENT_SETTING( 'app.A', true)::int OR b = \"current_setting\"('app.b') \
                   OR c = current_setting('role') OR d = current_setting(x)";
        let names: Vec<_> = read_by(&Expression::raw_sql(sql)).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["app.a", "app.b"]);
    }
}
