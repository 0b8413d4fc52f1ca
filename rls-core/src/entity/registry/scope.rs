//! The scopes of the registered tables, each made of all its declarations.

use std::collections::BTreeMap;

use super::check;
use super::tables::{Declared, Tables};
use crate::entity::DeclarationError;
use crate::model::scope::{Bound, Distribution, Scope};
use crate::name::TableName;

impl<'a> Tables<'a> {
    /// The scope of each table, ordered.
    pub(super) fn scopes(&self) -> Result<Vec<Scope>, DeclarationError> {
        let scopes: Result<Vec<Scope>, _> = self
            .declared
            .iter()
            .map(|(name, declared)| self.scope(name, declared))
            .collect();
        let mut scopes = scopes?;

        // What binds a reference depends on how the rows that it leads to are scoped.
        let bound: Result<Vec<Vec<Bound>>, _> = self
            .declared
            .iter()
            .zip(&scopes)
            .map(|((_, declared), scope)| self.bound(declared, scope, &scopes))
            .collect();

        for ((declared, scope), bound) in self.declared.values().zip(&mut scopes).zip(bound?) {
            scope.bound = bound;
            check::policies(declared.raw, scope)?;
        }

        Ok(scopes)
    }

    fn scope(&self, name: &TableName, declared: &Declared<'a>) -> Result<Scope, DeclarationError> {
        let (app, admin) = (declared.privileges(), declared.admin());
        let mut scope = Scope {
            table: name.clone(),
            keys: Vec::new(),
            through: Vec::new(),
            bound: Vec::new(),
            shared: BTreeMap::new(),
            soft_delete: None,
            columns: check::columns(declared.raw, &app)?,
            admin_columns: check::columns(declared.raw, &admin)?,
            privileges: app.privileges,
            admin: admin.privileges,
            policies: declared
                .policies
                .map(|(policies, _)| policies.clone())
                .unwrap_or_default(),
            unscoped: None,
            distribution: None,
        };

        if let Some(unscoped) = declared.unscoped {
            if unscoped.reason.trim().is_empty() {
                return Err(DeclarationError::NoReason {
                    table: declared.raw.to_string(),
                });
            }

            return Ok(Scope {
                unscoped: Some(unscoped.reason.clone()),
                distribution: unscoped.distribute.then_some(Distribution::Everywhere),
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

        scope.distribution = check::distribution(declared, &scope)?;
        Ok(scope)
    }
}
