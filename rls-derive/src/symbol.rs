//! The words of the derives' attributes, each declared once.

/// Declares [`Word`], with the name of each key and an example of it for messages, in the order in
/// which messages list them.
macro_rules! words {
    ($($word:ident: $name:literal, $usage:literal;)*) => {
        /// A key of a derive's attribute.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word {
            $($word),*
        }

        impl Word {
            pub(crate) const ALL: &[Self] = &[$(Self::$word),*];

            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $name),*
                }
            }

            /// An example of the key, for messages.
            pub(crate) fn usage(self) -> &'static str {
                match self {
                    $(Self::$word => $usage),*
                }
            }
        }
    };
}

words! {
    Admin: "admin", "admin(select, insert)";
    Backfill: "backfill", r#"backfill = "<SQL expression>""#;
    Bind: "bind", r#"bind = "project""#;
    Column: "column", r#"column = "account_id""#;
    Crate: "crate", r#"crate = "path::to::crate""#;
    Distribute: "distribute", "distribute";
    Grant: "grant", "grant(select, insert)";
    Identity: "identity", "identity";
    Index: "index", "index(created_at)";
    NoDefault: "no_default", "no_default";
    NoForeignKey: "no_foreign_key", "no_foreign_key";
    OnDelete: "on_delete", r#"on_delete = "cascade""#;
    Owner: "owner", r#"owner = "author_id""#;
    Policies: "policies", "policies = path::to::function";
    Read: "read", r#"read = "is_public""#;
    Reason: "reason", r#"reason = "the same for everyone""#;
    Setting: "setting", r#"setting = "app.user_id""#;
    SoftDelete: "soft_delete", r#"soft_delete = "deleted_at""#;
    TableOnly: "table_only", "table_only";
    Tenant: "tenant", "tenant = super::tenant::Entity";
    To: "to", r#"to = "id""#;
    User: "user", "user = super::user::Entity";
    Via: "via", r#"via = "project""#;
}

impl Word {
    pub(crate) fn find(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == key)
    }

    /// The word for a tenant that means the same for a user, and the other way round.
    pub(crate) fn counterpart(self) -> Option<Self> {
        match self {
            Self::Owner => Some(Self::Column),
            Self::Column => Some(Self::Owner),
            Self::User => Some(Self::Tenant),
            Self::Tenant => Some(Self::User),
            _ => None,
        }
    }

    /// Whether it describes the column that names the user or tenant.
    pub(crate) fn is_of_column(self) -> bool {
        matches!(
            self,
            Self::Backfill
                | Self::Column
                | Self::Index
                | Self::NoDefault
                | Self::NoForeignKey
                | Self::OnDelete
                | Self::Owner
                | Self::TableOnly
                | Self::Tenant
                | Self::To
                | Self::User
        )
    }
}
