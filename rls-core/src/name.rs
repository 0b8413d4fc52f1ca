//! Names of tables, columns, roles and settings: checked here once, and quoted by `sql`.

use crate::debug::debug_is_display;
use std::collections::BTreeMap;
use std::fmt;

/// The length of the longest name, in bytes (`NAMEDATALEN - 1`). PostgreSQL cuts longer names
/// without an error.
pub(crate) const MAX_NAME_BYTES: usize = 63;

/// A name of a table, column, policy, role, index or constraint: 1 to 63 bytes, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// Checks a name, and keeps it as it is: SQL quotes names, so case and spaces count.
    ///
    /// # Errors
    ///
    /// [`NameError::Empty`]; [`NameError::TooLong`] for more than 63 bytes; [`NameError::Nul`].
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() {
            return Err(NameError::Empty);
        }

        if name.contains('\0') {
            return Err(NameError::Nul { name });
        }

        if name.len() > MAX_NAME_BYTES {
            return Err(NameError::TooLong { name });
        }

        Ok(Self(name))
    }

    /// Joins both parts with `_`. If that is longer than 63 bytes, it shortens the first part and
    /// adds a hash of the whole, so that two long names never become one.
    pub(crate) fn joined(first: &Identifier, rest: &str) -> Self {
        let whole = format!("{first}_{rest}");
        if whole.len() <= MAX_NAME_BYTES {
            return Self(whole);
        }

        let tail = format!("_{:08x}_{rest}", fnv1a(&whole));
        let mut room = MAX_NAME_BYTES.saturating_sub(tail.len()).min(first.0.len());
        while !first.0.is_char_boundary(room) {
            room -= 1;
        }

        let mut name = format!("{}{tail}", &first.0[..room]);
        let mut end = name.len().min(MAX_NAME_BYTES);
        while !name.is_char_boundary(end) {
            end -= 1;
        }

        name.truncate(end);
        Self(name)
    }

    /// Joins a short prefix and an ASCII name of at most 63 bytes with `_`. If that is longer than
    /// 63 bytes, it adds a hash of the name and keeps the name's end.
    pub(crate) fn prefixed(prefix: &str, name: &str) -> Self {
        let whole = format!("{prefix}_{name}");
        if whole.len() <= MAX_NAME_BYTES {
            return Self(whole);
        }

        let head = format!("{prefix}_{:08x}_", fnv1a(name));
        let end = &name[name.len() - (MAX_NAME_BYTES - head.len())..];
        Self(format!("{head}{end}"))
    }

    /// The name, unquoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// FNV-1a of 32 bits: `DefaultHasher` may change with a version of Rust.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The name of a table. Without a schema, PostgreSQL looks for the table in the connection's
/// `search_path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema, if the entity names one.
    pub schema: Option<Identifier>,
    /// The table.
    pub table: Identifier,
}

impl TableName {
    /// Reads `table` or `schema.table`.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let (schema, table) = match text.split_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, text),
        };

        Ok(Self {
            schema: schema.map(Identifier::new).transpose()?,
            table: Identifier::new(table)?,
        })
    }

    /// The same name, with `schema` if it has none.
    #[must_use]
    pub fn or_in(&self, schema: &Identifier) -> Self {
        Self {
            schema: Some(self.schema.clone().unwrap_or_else(|| schema.clone())),
            table: self.table.clone(),
        }
    }

    /// The same name, with the schema in which PostgreSQL finds it if it has none.
    pub(crate) fn found_in(&self, schemas: &Schemas) -> Self {
        self.or_in(schemas.of(&self.table))
    }

    /// Its schema, or the one in which PostgreSQL finds it if it has none.
    pub(crate) fn schema_in(&self, schemas: &Schemas) -> Identifier {
        let schema = self.schema.as_ref();
        schema.unwrap_or_else(|| schemas.of(&self.table)).clone()
    }
}

/// The schemas in which statements on this connection find names that have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schemas {
    /// The schema in which new tables are created.
    pub(crate) current: Identifier,
    found: BTreeMap<Identifier, Identifier>,
}

impl Schemas {
    /// The current schema, and for each relation the first schema of `search_path` that has it.
    pub(crate) fn new(current: Identifier, found: BTreeMap<Identifier, Identifier>) -> Self {
        Self { current, found }
    }

    fn of(&self, relation: &Identifier) -> &Identifier {
        self.found.get(relation).unwrap_or(&self.current)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }

        write!(f, "{}", self.table)
    }
}

/// The name of a custom setting, such as `app.user_id`.
///
/// It has two or more parts of letters, digits, `_` and `$`, joined by dots. No part begins with a
/// digit or `$`. The name is lower-cased, since PostgreSQL compares the names of settings without
/// case.
///
/// PostgreSQL has had this rule since version 14 (`valid_custom_variable_name` in
/// `src/backend/utils/misc/guc.c`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettingName(String);

impl SettingName {
    /// Checks a setting's name.
    ///
    /// # Errors
    ///
    /// [`NameError::Setting`] if no custom setting can have this name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let part_holds = |part: &str| {
            let mut bytes = part.bytes();
            bytes
                .next()
                .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
        };

        if name.len() <= MAX_NAME_BYTES && name.contains('.') && name.split('.').all(part_holds) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(NameError::Setting {
                name: name.to_owned(),
            })
        }
    }

    /// The name, unquoted.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that PostgreSQL would refuse or cut.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name is empty.
    #[error("a name is empty")]
    Empty,
    /// The name contains a NUL byte.
    #[error("the name {name:?} holds a NUL byte, which PostgreSQL's names cannot")]
    Nul {
        /// The name.
        name: String,
    },
    /// PostgreSQL would cut the name.
    #[error(
        "the name {name:?} has {} bytes, and PostgreSQL cuts names after {MAX_NAME_BYTES}: give it \
         a shorter one",
        name.len()
    )]
    TooLong {
        /// The name.
        name: String,
    },
    /// No custom setting can have this name.
    #[error(
        "{name:?} cannot be a setting: write two or more parts of letters, digits, `_` and `$` \
         with a dot between, such as `app.user_id`"
    )]
    Setting {
        /// The name.
        name: String,
    },
}

debug_is_display!(NameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifier_keeps_what_postgres_keeps() {
        assert_eq!(Identifier::new("Or\"der s").unwrap().as_str(), "Or\"der s");
        assert!(matches!(Identifier::new(""), Err(NameError::Empty)));
        assert!(matches!(Identifier::new("a\0"), Err(NameError::Nul { .. })));
        assert!(Identifier::new("é".repeat(31) + "x").is_ok());

        assert!(matches!(
            Identifier::new("é".repeat(32)),
            Err(NameError::TooLong { .. })
        ));
    }

    #[test]
    fn joined_names_stay_apart_within_63_bytes() {
        let short = Identifier::new("task").unwrap();
        assert_eq!(Identifier::joined(&short, "guard").as_str(), "task_guard");

        let one = Identifier::new("é".repeat(30) + "1").unwrap();
        let two = Identifier::new("é".repeat(30) + "2").unwrap();
        let (one, two) = (
            Identifier::joined(&one, "guard"),
            Identifier::joined(&two, "guard"),
        );

        assert_ne!(one, two);
        assert!(
            one.as_str().len() <= MAX_NAME_BYTES && one.as_str().ends_with("_guard"),
            "{one}"
        );

        let long = Identifier::joined(&short, &"c".repeat(80));
        assert!(long.as_str().len() <= MAX_NAME_BYTES);
    }

    #[test]
    fn setting_names_are_those_postgres_takes() {
        for name in ["app.user_id", "App.User$1", "a.b.c", "_x._y"] {
            assert_eq!(
                SettingName::new(name).unwrap().as_str(),
                name.to_lowercase()
            );
        }

        for name in [
            "",
            "app",
            "app.",
            ".id",
            "app.1d",
            "app.user-id",
            "app.a b",
            "app.'x",
            "app.é",
            "role",
        ] {
            assert!(
                matches!(SettingName::new(name), Err(NameError::Setting { .. })),
                "{name}"
            );
        }
    }
}
