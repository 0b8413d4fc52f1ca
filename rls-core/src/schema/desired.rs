//! All that a database should have: the registered tables, the audit table, the domains, the two
//! roles.

use std::collections::BTreeSet;

use crate::config::{RlsConfig, SignedContexts};
use crate::entity::DeclarationError;
use crate::entity::registry::Registry;
use crate::error::{RlsError, SchemaError};
use crate::model::context_domain::ContextDomain;
use crate::model::signed_context;
use crate::name::{Identifier, Schemas, TableName};
use crate::schema::plan::RecordDefinition;
use crate::schema::table::DesiredTable;

/// What becomes of registered tables that are not in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingTables {
    /// They are an error.
    Refuse,
    /// They are skipped, and so are tables that are not yet as their entities declare them: a later
    /// migration creates or alters them.
    Skip,
}

/// The desired state of a database.
#[derive(Clone, Debug)]
pub(crate) struct Desired<'a> {
    /// The configuration, which names the roles and their passwords.
    pub(crate) config: &'a RlsConfig,
    /// The registered tables, in the registry's order.
    pub(crate) tables: Vec<DesiredTable>,
    /// The audit table, if administrators are recorded.
    pub(crate) audit: Option<TableName>,
    /// The domains that carry contexts.
    pub(crate) domains: DesiredDomains,
    /// The view that verifies contexts, beside the table of the keys, if contexts are signed.
    pub(crate) verified: Option<TableName>,
    pub(crate) missing: MissingTables,
}

/// The domains that carry contexts, and the schema that they and their function are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DesiredDomains {
    pub(crate) schema: Identifier,
    pub(crate) domains: BTreeSet<ContextDomain>,
}

impl DesiredDomains {
    /// All domains, in the schema of the audit table, whether or not administrators are recorded:
    /// a domain that moved would be another type to the services that use it.
    fn new(registry: &Registry, config: &RlsConfig, schemas: &Schemas) -> Self {
        let audit = config.audit_table_name();

        Self {
            schema: audit.schema_in(schemas),
            domains: ContextDomain::all(
                registry.settings(),
                config.audit().is_some(),
                config.signs_contexts() > SignedContexts::Off,
            ),
        }
    }

    /// The name of a domain with its schema. The function that records has the name of its domain.
    pub(crate) fn name(&self, domain: &ContextDomain) -> TableName {
        TableName {
            schema: Some(self.schema.clone()),
            table: domain.name(),
        }
    }
}

impl<'a> Desired<'a> {
    /// The desired state, with a schema for each table name that has none.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NotTheAudit`] if an entity is registered for the audit table;
    /// [`DeclarationError::Clash`] if two entities are for one table.
    pub(crate) fn new(
        registry: &Registry,
        config: &'a RlsConfig,
        missing: MissingTables,
        schemas: &Schemas,
    ) -> Result<Self, RlsError> {
        let desired = Self {
            config,
            tables: registry
                .scopes()
                .iter()
                .map(|scope| DesiredTable::new(scope, config, schemas))
                .collect(),
            audit: config.audit().map(|audit| audit.found_in(schemas)),
            domains: DesiredDomains::new(registry, config, schemas),
            verified: (config.signs_contexts() > SignedContexts::Off).then(|| {
                config
                    .signing_object(signed_context::VIEW)
                    .found_in(schemas)
            }),
            missing,
        };

        desired.check_names()?;
        Ok(desired)
    }

    /// What the function does that records administrators.
    pub(crate) fn record(&self) -> Option<RecordDefinition> {
        let is_verified = self.config.signs_contexts() == SignedContexts::Required;
        Some(RecordDefinition {
            audit: self.audit.clone()?,
            verified: self.verified.clone().filter(|_| is_verified),
        })
    }

    fn check_names(&self) -> Result<(), RlsError> {
        let mut names = BTreeSet::new();
        for table in self.names() {
            if self.audit.as_ref() == Some(table) {
                return Err(SchemaError::NotTheAudit {
                    table: table.to_string(),
                    difference: "an entity is registered for it".to_owned(),
                }
                .into());
            }

            if !names.insert(table) {
                let table = table.to_string();
                return Err(DeclarationError::Clash { table }.into());
            }
        }

        Ok(())
    }

    /// The names of the registered tables.
    pub(crate) fn names(&self) -> impl Iterator<Item = &TableName> {
        self.tables.iter().map(|desired| &desired.table)
    }
}
