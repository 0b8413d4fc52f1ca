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

/// The same SQL, reading each custom setting from the signed context instead. The registry has
/// refused calls that do not spell out their setting.
pub(super) fn on_verified(sql: &str, verified: &TableName) -> String {
    const CALL: &str = "current_setting";

    let (mut rest, mut replaced) = (sql, String::with_capacity(sql.len()));
    while let Some(at) = rest.to_ascii_lowercase().find(CALL) {
        let (before, call) = rest.split_at(at);
        let (name, after) = call.split_at(CALL.len());
        let is_call = !before.ends_with(|before: char| before.is_alphanumeric() || before == '_');

        let custom = arguments(after).filter(|(setting, _)| is_call && setting.contains('.'));
        let Some((setting, end)) = custom else {
            replaced.push_str(before);
            replaced.push_str(name);
            rest = after;
            continue;
        };

        let schemas = ["pg_catalog.", "\"pg_catalog\"."];
        let before = before.trim_end_matches('"');
        let before = schemas.into_iter().fold(before, |before, schema| {
            before.strip_suffix(schema).unwrap_or(before)
        });

        let setting = known_literal(&setting.to_ascii_lowercase());
        let verified = table(verified);
        replaced.push_str(before);
        replaced.push_str(
            &[
                "(SELECT v.settings ->> ",
                &setting,
                " FROM ",
                &verified,
                " AS v)",
            ]
            .concat(),
        );
        rest = &after[end..];
    }

    replaced.push_str(rest);
    replaced
}

/// The setting that `('name', …)` reads, and where the parenthesis ends.
fn arguments(sql: &str) -> Option<(&str, usize)> {
    let opened = sql.trim_start_matches('"').trim_start().strip_prefix('(')?;
    let (setting, rest) = opened.trim_start().strip_prefix('\'')?.split_once('\'')?;

    let (mut depth, mut quoted) = (1_usize, false);
    for (at, character) in rest.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }

        if depth == 0 {
            return Some((setting, sql.len() - rest.len() + at + 1));
        }
    }

    None
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
                "pg_catalog.Current_Setting ( 'App.X'::text , (1 = 1) ) AND \"pg_catalog\".\"current_setting\"('b.y')",
                format!("{} AND {}", read("app.x"), read("b.y")),
            ),
            (
                "current_setting('TimeZone') = my_current_setting('a.b')",
                "current_setting('TimeZone') = my_current_setting('a.b')".to_owned(),
            ),
        ] {
            assert_eq!(on_verified(sql, &verified), expected);
        }
    }
}
