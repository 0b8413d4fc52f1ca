use rls_core::{DeclarationError, Policy, PolicyDraft, PolicyError, RlsConfig, TableName};
use sea_orm_migration::sea_orm::DbErr;

use crate::error::migration_error;

/// A policy in a migration: a draft, with roles that the configuration names, or a finished policy.
pub trait IntoPolicies {
    /// Builds the policies.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] for what PostgreSQL would refuse.
    fn into_policies(self, config: &RlsConfig) -> Result<Vec<Policy>, PolicyError>;
}

impl IntoPolicies for PolicyDraft {
    fn into_policies(self, config: &RlsConfig) -> Result<Vec<Policy>, PolicyError> {
        self.build(config)
    }
}

impl IntoPolicies for Policy {
    fn into_policies(self, _config: &RlsConfig) -> Result<Vec<Policy>, PolicyError> {
        Ok(vec![self])
    }
}

pub(super) fn built(
    config: Result<RlsConfig, DbErr>,
    table: Option<&TableName>,
    policies: impl IntoPolicies,
) -> Result<Vec<Policy>, DbErr> {
    policies.into_policies(&config?).map_err(|source| {
        let table = table.map(ToString::to_string).unwrap_or_default();
        migration_error(&DeclarationError::Policy { table, source }.into())
    })
}
