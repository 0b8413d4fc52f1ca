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
