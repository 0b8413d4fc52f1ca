//! The types of the columns that name users and tenants, and what happens when one is deleted.

/// The setting that carries the current user, unless an entity names another.
pub(crate) const DEFAULT_SETTING: &str = "app.user_id";

/// The setting that carries the current tenant, unless an entity names another.
pub(crate) const DEFAULT_TENANT_SETTING: &str = "app.tenant_id";

/// The types that an owner or tenant column can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// `uuid`, in Rust `Uuid`.
    Uuid,
    /// `integer`, in Rust `i32`.
    Integer,
    /// `bigint`, in Rust `i64`.
    BigInteger,
    /// `text` or `varchar`, in Rust `String`.
    Text,
}

impl KeyType {
    /// PostgreSQL's name of the type, as `format_type` prints it.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::Integer => "integer",
            Self::BigInteger => "bigint",
            Self::Text => "text",
        }
    }
}

impl KeyType {
    /// Whether a text of a setting is sure not to be of this type. What the server spells in more
    /// than one way is left to it.
    pub(crate) fn refuses(self, text: &str) -> bool {
        let digits = text.trim();

        // As PostgreSQL 16 and later read them: `0x1f`, `1_000`.
        let is_odd = || {
            let unsigned = digits.trim_start_matches(['-', '+']);
            let is_digit = |digit: char| digit.is_ascii_hexdigit() || "xXoO_".contains(digit);
            let is_spelt = unsigned.starts_with('0') || unsigned.contains('_');
            is_spelt && unsigned.chars().all(is_digit)
        };

        match self {
            _ if text.is_empty() => false,
            Self::Text => false,
            Self::Integer => digits.parse::<i32>().is_err() && !is_odd(),
            Self::BigInteger => digits.parse::<i64>().is_err() && !is_odd(),
            Self::Uuid => {
                let hexadecimal = text.chars().filter(char::is_ascii_hexdigit).count();
                let others = text.trim_matches(['{', '}']).replace('-', "");
                hexadecimal != 32 || others.len() != 32
            }
        }
    }
}

/// What happens to a user's rows when the user is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnDelete {
    /// They are deleted too.
    Cascade,
    /// The user cannot be deleted while there are any. PostgreSQL checks it at once.
    Restrict,
    /// The user cannot be deleted while there are any. PostgreSQL checks it at the end of the
    /// statement.
    NoAction,
}

impl OnDelete {
    /// The words of `ON DELETE`.
    #[must_use]
    pub fn as_sql(self) -> &'static str {
        match self {
            Self::Cascade => "CASCADE",
            Self::Restrict => "RESTRICT",
            Self::NoAction => "NO ACTION",
        }
    }
}

/// Whom a key names: a user or a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A user.
    User,
    /// A tenant: an organisation, an account, a team of users.
    Tenant,
}

impl Holder {
    /// The setting that carries the current one, unless an entity names another.
    pub(crate) fn default_setting(self) -> &'static str {
        match self {
            Self::User => DEFAULT_SETTING,
            Self::Tenant => DEFAULT_TENANT_SETTING,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_key_are_found() {
        let uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        for (key, text) in [
            (KeyType::Uuid, "7"),
            (KeyType::Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"),
            (KeyType::Uuid, "z0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            (KeyType::Integer, uuid),
            (KeyType::Integer, "2147483648"),
            (KeyType::BigInteger, "seven"),
            (KeyType::BigInteger, "9223372036854775808"),
        ] {
            assert!(key.refuses(text), "{key:?} {text}");
        }

        for (key, text) in [
            (KeyType::Uuid, uuid),
            (KeyType::Uuid, "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"),
            (KeyType::Uuid, ""),
            (KeyType::Integer, "-7"),
            (KeyType::Integer, " 7 "),
            (KeyType::BigInteger, "0x10"),
            (KeyType::BigInteger, "1_000"),
            (KeyType::Text, "anything"),
        ] {
            assert!(!key.refuses(text), "{key:?} {text}");
        }
    }
}
