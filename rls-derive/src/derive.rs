//! The derives of entities, and the keys of each.

use crate::symbol::Word;

/// A derive of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Derive {
    UserScoped,
    TenantScoped,
    RlsPolicies,
    Unscoped,
}

impl Derive {
    pub(crate) const ALL: [Self; 4] = [
        Self::UserScoped,
        Self::TenantScoped,
        Self::RlsPolicies,
        Self::Unscoped,
    ];

    /// The name of the derive, and of its trait.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::UserScoped => "UserScoped",
            Self::TenantScoped => "TenantScoped",
            Self::RlsPolicies => "RlsPolicies",
            Self::Unscoped => "Unscoped",
        }
    }

    /// The type that stands for the derive in what it implements.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::UserScoped => "OfUsers",
            Self::TenantScoped => "OfTenants",
            Self::RlsPolicies => "WithPolicies",
            Self::Unscoped => "OfNobody",
        }
    }

    /// The helper attribute.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::UserScoped => "user_scoped",
            Self::TenantScoped => "tenant_scoped",
            Self::RlsPolicies => "rls_policies",
            Self::Unscoped => "unscoped",
        }
    }

    /// The keys of the attribute, in the order in which messages list them.
    pub(crate) fn words(self) -> &'static [Word] {
        match self {
            Self::UserScoped => &[
                Word::Admin,
                Word::Backfill,
                Word::Bind,
                Word::Crate,
                Word::Distribute,
                Word::Grant,
                Word::Identity,
                Word::Index,
                Word::NoDefault,
                Word::NoForeignKey,
                Word::OnDelete,
                Word::Owner,
                Word::Policies,
                Word::Read,
                Word::Setting,
                Word::SoftDelete,
                Word::TableOnly,
                Word::To,
                Word::User,
                Word::Via,
            ],
            Self::TenantScoped => &[
                Word::Admin,
                Word::Backfill,
                Word::Bind,
                Word::Column,
                Word::Crate,
                Word::Distribute,
                Word::Grant,
                Word::Identity,
                Word::Index,
                Word::NoDefault,
                Word::NoForeignKey,
                Word::OnDelete,
                Word::Policies,
                Word::Read,
                Word::Setting,
                Word::SoftDelete,
                Word::TableOnly,
                Word::Tenant,
                Word::Via,
            ],
            Self::RlsPolicies => &[Word::Admin, Word::Crate, Word::Grant, Word::Policies],
            Self::Unscoped => &[
                Word::Admin,
                Word::Crate,
                Word::Distribute,
                Word::Grant,
                Word::Reason,
            ],
        }
    }

    pub(crate) fn knows(self, word: Word) -> bool {
        self.words().contains(&word)
    }

    /// An example of the key, for messages.
    pub(crate) fn usage(self, word: Word) -> &'static str {
        match (self, word) {
            (Self::TenantScoped, Word::Setting) => r#"setting = "app.tenant_id""#,
            _ => word.usage(),
        }
    }

    /// The key that the derive needs.
    pub(crate) fn required(self) -> Option<Word> {
        match self {
            Self::UserScoped | Self::TenantScoped => None,
            Self::RlsPolicies => Some(Word::Policies),
            Self::Unscoped => Some(Word::Reason),
        }
    }

    /// The key that names the column of the user or tenant, and its default.
    pub(crate) fn column(self) -> Option<(Word, &'static str)> {
        match self {
            Self::UserScoped => Some((Word::Owner, "owner_id")),
            Self::TenantScoped => Some((Word::Column, "tenant_id")),
            Self::RlsPolicies | Self::Unscoped => None,
        }
    }
}
