//! The SQL of signed contexts: the view that verifies one, and how policies read it.

use crate::model::key::KeyType;
use crate::model::signed_context::{ID, MAC, REFUSED, SETTING, UNTIL};
use crate::name::{SettingName, TableName};

use super::quote::{known_literal, table};

/// The key that a signed context holds, as a subquery; NULL if there is none.
pub(super) fn current(setting: &SettingName, key: KeyType, verified: &TableName) -> String {
    let text = format!(
        "NULLIF(v.settings ->> {}, '')",
        known_literal(setting.as_str())
    );
    let value = match key {
        KeyType::Text => text,
        KeyType::Uuid | KeyType::Integer | KeyType::BigInteger => {
            format!("{text}::{}", key.as_sql())
        }
    };

    format!("(SELECT {value} FROM {} AS v)", table(verified))
}

/// The same SQL, reading each custom setting from the signed context instead.
pub(super) fn on_verified(sql: &str, verified: &TableName) -> String {
    const CALL: &str = "current_setting";

    let (mut rest, mut replaced) = (sql, String::with_capacity(sql.len()));
    while let Some(at) = rest.to_ascii_lowercase().find(CALL) {
        let (before, call) = rest.split_at(at);
        let after = &call[CALL.len()..];
        let Some((setting, end)) = arguments(after).filter(|(name, _)| name.contains('.')) else {
            replaced.push_str(before);
            replaced.push_str(&call[..CALL.len()]);
            rest = after;
            continue;
        };

        let unqualified = before.strip_suffix("pg_catalog.").unwrap_or(before);
        let setting = known_literal(&setting.to_ascii_lowercase());
        replaced.push_str(unqualified);
        replaced.push_str(&format!(
            "(SELECT v.settings ->> {setting} FROM {} AS v)",
            table(verified)
        ));
        rest = &after[end..];
    }

    replaced.push_str(rest);
    replaced
}

/// The setting that `('name')` or `('name', true)` reads, and where the arguments end.
fn arguments(sql: &str) -> Option<(&str, usize)> {
    let inner = sql.trim_start().strip_prefix('(')?.trim_start();
    let (name, rest) = inner.strip_prefix('\'')?.split_once('\'')?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("::text").unwrap_or(rest).trim_start();
    let (flag, after) = rest.split_once(')')?;
    let flag = flag.trim_start_matches(',').trim().to_ascii_lowercase();

    matches!(flag.as_str(), "" | "true" | "false").then(|| (name, sql.len() - after.len()))
}

/// The definition of the view that shows the settings of a signed context, once its signature is
/// verified; without a context it has no row.
///
/// The signature is an HMAC-SHA-256 (RFC 2104), of which the key's row holds both padded keys. The
/// hashes of two signatures are compared, so that the time of the comparison tells nothing of the
/// signature. A context that is altered, of an ended key, or too old is an error, so that nobody
/// takes it for a context that reaches no rows: the cast to `bool` fails.
pub(crate) fn verified_definition(keys: &TableName) -> String {
    let token = format!("current_setting('{SETTING}', true)");
    let (id, until) = (MAC + 1, MAC + ID + 1);
    let settings = until + UNTIL;

    format!(
        "SELECT substr({token}, {settings})::jsonb AS settings FROM {} AS k \
         WHERE k.id = substr({token}, {id}, {ID}) AND CASE WHEN \
         sha256(decode(\"left\"({token}, {MAC}), 'hex')) = sha256(sha256(k.outer_pad || \
         sha256(k.inner_pad || convert_to(substr({token}, {id}) || SESSION_USER, 'UTF8')))) \
         AND statement_timestamp() < LEAST(k.ends_at, \
         to_timestamp(substr({token}, {until}, {UNTIL})::double precision)) \
         THEN true ELSE (k.id || ' {REFUSED}')::boolean END",
        table(keys)
    )
}

/// The same definition as servers print it, but for white space and the alias `k`, which they leave
/// out since PostgreSQL 16.
pub(crate) fn printed_definition(keys: &str) -> String {
    let token = format!("current_setting('{SETTING}'::text, true)");
    let (id, until) = (MAC + 1, MAC + ID + 1);
    let settings = until + UNTIL;

    format!(
        " SELECT (substr({token}, {settings}))::jsonb AS settings FROM {keys} k \
         WHERE ((id = substr({token}, {id}, {ID})) AND CASE WHEN \
         ((sha256(decode(\"left\"({token}, {MAC}), 'hex'::text)) = sha256(sha256((outer_pad || \
         sha256((inner_pad || convert_to((substr({token}, {id}) || (SESSION_USER)::text), \
         'UTF8'::name))))))) AND (statement_timestamp() < LEAST(ends_at, \
         to_timestamp((substr({token}, {until}, {UNTIL}))::double precision)))) \
         THEN true ELSE ((id || ' {REFUSED}'::text))::boolean END);"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Identifier;

    #[test]
    fn custom_settings_are_read_from_the_signed_context() {
        let verified = TableName {
            schema: None,
            table: Identifier::new("w").unwrap(),
        };
        let read = |setting: &str| format!("(SELECT v.settings ->> '{setting}' FROM \"w\" AS v)");
        for (sql, expected) in [
            (
                "a = current_setting('app.x', true)::int",
                format!("a = {}::int", read("app.x")),
            ),
            (
                "pg_catalog.Current_Setting ( 'App.X'::text , TRUE ) AND current_setting('b.y')",
                format!("{} AND {}", read("app.x"), read("b.y")),
            ),
            (
                "current_setting('TimeZone') = current_setting(name)",
                "current_setting('TimeZone') = current_setting(name)".to_owned(),
            ),
        ] {
            assert_eq!(on_verified(sql, &verified), expected);
        }
    }
}
