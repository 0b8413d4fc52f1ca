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
        let folded = before.to_ascii_lowercase();
        let schema = schemas.into_iter().find(|schema| folded.ends_with(schema));
        let before = &before[..before.len() - schema.map_or(0, str::len)];

        let setting = known_literal(&setting.to_ascii_lowercase());
        let verified = table(verified);
        replaced.push_str(before);
        // Empty, and not NULL: SQL can always drop its context, and a condition may let rows through
        // if a setting is NULL.
        let read = [
            "COALESCE((SELECT v.settings ->> ",
            &setting,
            " FROM ",
            &verified,
            " AS v), '')",
        ];
        replaced.push_str(&read.concat());
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
/// signature. A context that is altered, of an unknown or ended key, or too old is an error, so that
/// nobody takes it for a context that reaches no rows: the cast to `bool` fails. The join lets nobody
/// write through the view. `ONLY`: a key in a child of the table is none.
pub(crate) fn verified_definition(keys: &TableName) -> String {
    let (id, until) = (MAC + 1, MAC + ID + 1);
    let settings = until + UNTIL;

    format!(
        "SELECT substr(t.token, {settings})::jsonb AS settings \
         FROM (SELECT current_setting('{SETTING}', true) AS token OFFSET 0) AS t \
         LEFT JOIN ONLY {} AS k ON k.id = substr(t.token, {id}, {ID}) \
         WHERE t.token <> '' AND CASE WHEN \
         sha256(decode(\"left\"(t.token, {MAC}), 'hex')) = sha256(sha256(k.outer_pad || \
         sha256(k.inner_pad || convert_to(substr(t.token, {id}) || SESSION_USER, 'UTF8')))) \
         AND statement_timestamp() < LEAST(k.ends_at, \
         to_timestamp(substr(t.token, {until}, {UNTIL})::double precision)) \
         THEN true ELSE (COALESCE(k.id, 'unknown') || ' {REFUSED}')::boolean END",
        table(keys)
    )
}

/// The same definition as servers print it, but for white space.
pub(crate) fn printed_definition(keys: &str) -> String {
    let (id, until) = (MAC + 1, MAC + ID + 1);
    let settings = until + UNTIL;

    format!(
        " SELECT (substr(t.token, {settings}))::jsonb AS settings \
         FROM (( SELECT current_setting('{SETTING}'::text, true) AS token OFFSET 0) t \
         LEFT JOIN ONLY {keys} k ON ((k.id = substr(t.token, {id}, {ID})))) \
         WHERE ((t.token <> ''::text) AND CASE WHEN \
         ((sha256(decode(\"left\"(t.token, {MAC}), 'hex'::text)) = sha256(sha256((k.outer_pad || \
         sha256((k.inner_pad || convert_to((substr(t.token, {id}) || (SESSION_USER)::text), \
         'UTF8'::name))))))) AND (statement_timestamp() < LEAST(k.ends_at, \
         to_timestamp((substr(t.token, {until}, {UNTIL}))::double precision)))) \
         THEN true ELSE ((COALESCE(k.id, 'unknown'::text) || ' {REFUSED}'::text))::boolean END);"
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
        let read = |setting: &str| {
            format!("COALESCE((SELECT v.settings ->> '{setting}' FROM \"w\" AS v), '')")
        };
        for (sql, expected) in [
            (
                "a = current_setting('app.x', true)::int",
                format!("a = {}::int", read("app.x")),
            ),
            (
                "PG_Catalog.Current_Setting ( 'App.X'::text , (1 = 1) ) AND \"pg_catalog\".\"current_setting\"('b.y')",
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
