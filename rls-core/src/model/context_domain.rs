//! The domains that carry a context: the server checks the constraint of a domain when it reads a
//! parameter of that type, before it plans the statement, and the constraint sets a setting.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::types::Oid;

use crate::model::signed_context;
use crate::name::{Identifier, SettingName};

/// The start of the names of all domains, and of the function that records.
pub(crate) const PREFIX: &str = "rls_context";

/// The name of the function that adds the record, for the domain of that name.
pub(crate) const RECORD_FUNCTION: &str = "rls_context_record";

/// One of the domains.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ContextDomain {
    /// Over `text`: sets this setting.
    Setting(SettingName),
    /// Over `text[]`: sets any setting, given its name and its value.
    AnySetting,
    /// Over `text`: sets `transaction_read_only`.
    ReadOnly,
    /// Over `text`: adds a row to the audit's table, whatever the value.
    Record,
}

/// The domains of one database, by their OIDs.
pub(crate) type DomainOids = BTreeMap<ContextDomain, Oid>;

/// The settings that have a domain: those that policies read, the administrators', and that of
/// signed contexts.
pub(crate) fn settings(
    of_policies: impl IntoIterator<Item = SettingName>,
    signed: bool,
) -> BTreeSet<SettingName> {
    let of_administrators = ["rls.actor", "rls.reason", "rls.on_behalf_of"].map(constant);
    carried(of_policies, signed)
        .chain(of_administrators)
        .collect()
}

/// The settings that each statement of the application carries.
pub(crate) fn carried(
    of_policies: impl IntoIterator<Item = SettingName>,
    signed: bool,
) -> impl Iterator<Item = SettingName> {
    let signed = signed.then(|| constant(signed_context::SETTING));
    of_policies.into_iter().chain(signed)
}

fn constant(name: &str) -> SettingName {
    SettingName::new(name).unwrap_or_else(|_| unreachable!("a constant name"))
}

impl ContextDomain {
    /// The domains for policies that read `settings`, and for administrators.
    pub(crate) fn all(
        of_policies: impl IntoIterator<Item = SettingName>,
        audited: bool,
        signed: bool,
    ) -> BTreeSet<Self> {
        settings(of_policies, signed)
            .into_iter()
            .map(Self::Setting)
            .chain([Self::AnySetting, Self::ReadOnly])
            .chain(audited.then_some(Self::Record))
            .collect()
    }

    /// The name of the domain.
    pub(crate) fn name(&self) -> Identifier {
        match self {
            Self::Setting(setting) => Identifier::prefixed(PREFIX, setting.as_str()),
            Self::AnySetting => Identifier::prefixed(PREFIX, "any"),
            Self::ReadOnly => Identifier::prefixed(PREFIX, "read_only"),
            Self::Record => Identifier::prefixed(PREFIX, "record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_has_a_domain_of_its_own() {
        let long = |last| format!("app.{}{last}", "x".repeat(58));
        let names = [
            "app.user_id".to_owned(),
            long("a"),
            long("b"),
            "a.any".to_owned(),
        ];
        let settings = names.map(|name| SettingName::new(&name).unwrap());
        let domains = ContextDomain::all(settings, true, true);
        let names: BTreeSet<Identifier> = domains.iter().map(ContextDomain::name).collect();

        assert_eq!((domains.len(), names.len()), (11, 11));
        assert!(names.iter().all(|name| name.as_str().starts_with(PREFIX)));
        assert!(names.contains(&Identifier::new("rls_context_app.user_id").unwrap()));
    }
}
