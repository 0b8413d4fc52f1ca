//! The passwords that the first `up` gives to the roles.

use rand::RngExt;
use rand::distr::Alphanumeric;

const KEYS: [&str; 2] = ["RLS_APP_PASSWORD", "RLS_MAINTENANCE_ADMIN_PASSWORD"];

/// The file with the keys that it lacks, each with a new password.
pub(crate) fn with(text: &str) -> String {
    let missing = KEYS.iter().filter(|key| !sets(text, key));
    let mut after = text.to_owned();

    for key in missing {
        if !after.is_empty() && !after.ends_with('\n') {
            after.push('\n');
        }

        let password: String = rand::rng()
            .sample_iter(Alphanumeric)
            .take(32)
            .map(char::from)
            .collect();
        after.extend([*key, "=", &password, "\n"]);
    }

    after
}

/// Whether a line sets the variable, with `export` or without.
pub(crate) fn sets(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(key)
            .is_some_and(|rest| rest.trim_start().starts_with('='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_keys_are_added_once() {
        let text = "DATABASE_URL=postgres://localhost/app\nexport RLS_APP_PASSWORD = mine";
        let after = with(text);

        let added = after.strip_prefix(text).unwrap();
        let password = added
            .strip_prefix("\nRLS_MAINTENANCE_ADMIN_PASSWORD=")
            .unwrap();
        assert_eq!(password.trim_end().len(), 32);
        assert_eq!(with(&after), after);
    }
}
