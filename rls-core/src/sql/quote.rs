//! Quoted names and literals.

use crate::name::{Identifier, SettingName, TableName};

/// `"name"`, with its quotes doubled.
pub(crate) fn identifier(name: &Identifier) -> String {
    quoted(name.as_str())
}

/// `"schema"."table"`.
pub(crate) fn table(name: &TableName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", identifier(schema), identifier(&name.table)),
        None => identifier(&name.table),
    }
}

/// `"app"."user_id"`: each part is quoted, since it can be a keyword.
pub(crate) fn setting(name: &SettingName) -> String {
    name.as_str()
        .split('.')
        .map(quoted)
        .collect::<Vec<_>>()
        .join(".")
}

/// Any text as a name, with its quotes doubled: a part of a name that the server answered.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `'text'`, with its quotes doubled. With a backslash it is `E'te\\xt'`, which any
/// `standard_conforming_strings` reads alike. `None` if the text contains a NUL byte, which no text
/// in PostgreSQL can.
pub(crate) fn literal(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }

    let doubled = text.replace('\'', "''");

    Some(if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    })
}

/// The literal of a text that is known to hold no NUL byte: a checked name, an answer of the
/// server's, or a text of this crate's own.
pub(crate) fn known_literal(text: &str) -> String {
    literal(text).unwrap_or_else(|| unreachable!("a text that is known to hold no NUL"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_a_literal() {
        assert_eq!(literal("it's").as_deref(), Some("'it''s'"));
        assert_eq!(literal(r"\'; DROP").as_deref(), Some(r"E'\\''; DROP'"));
        assert_eq!(literal("a\0b"), None);
        assert_eq!(literal("").as_deref(), Some("''"));
    }

    #[test]
    fn nothing_escapes_an_identifier() {
        let name = Identifier::new(r#"a"b c"#).unwrap();
        assert_eq!(identifier(&name), r#""a""b c""#);
        assert_eq!(
            setting(&SettingName::new("user.Select").unwrap()),
            r#""user"."select""#
        );
    }
}
