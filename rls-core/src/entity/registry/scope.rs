//! The scopes of the registered tables, each made of all its declarations.

use std::collections::BTreeMap;

use super::check;
use super::tables::{Declared, Tables};
use crate::entity::DeclarationError;
use crate::entity::part::Part;
use crate::model::scope::{Distribution, Scope};
use crate::name::TableName;

impl<'a> Tables<'a> {
    /// The scope of each table, ordered.
    pub(super) fn scopes(&self) -> Result<Vec<Scope>, DeclarationError> {
        self.declared
            .iter()
            .map(|(name, declared)| self.scope(name, declared))
            .collect()
    }

    fn scope(&self, name: &TableName, declared: &Declared<'a>) -> Result<Scope, DeclarationError> {
        let mut scope = Scope {
            table: name.clone(),
            keys: Vec::new(),
            through: Vec::new(),
            shared: BTreeMap::new(),
            soft_delete: None,
            privileges: declared.privileges(),
            admin: declared.admin(),
            policies: declared.policies.cloned().unwrap_or_default(),
            unscoped: None,
            distribution: None,
        };

        if let Some(Part::Unscoped {
            reason, distribute, ..
        }) = declared.unscoped
        {
            if reason.trim().is_empty() {
                return Err(DeclarationError::NoReason {
                    table: declared.raw.to_string(),
                });
            }

            return Ok(Scope {
                unscoped: Some(reason.clone()),
                distribution: distribute.then_some(Distribution::Everywhere),
                ..scope
            });
        }

        (scope.keys, scope.through) = self.anchors(declared, &mut vec![name.clone()])?;
        for part in &declared.scopes {
            if let Some(shared) = &part.shared {
                scope
                    .shared
                    .insert(part.holder, check::marked(declared.raw, shared)?);
            }

            if let Some(marked) = &part.soft_delete {
                scope.soft_delete = Some(check::marked(declared.raw, marked)?);
            }

            for policy in &part.policies {
                if !scope.policies.contains(policy) {
                    scope.policies.push(policy.clone());
                }
            }
        }

        check::policies(declared.raw, &scope)?;
        scope.distribution = check::distribution(declared, &scope)?;
        Ok(scope)
    }
}
