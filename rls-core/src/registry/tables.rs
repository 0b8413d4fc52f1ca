use std::collections::BTreeMap;

use super::check;
use crate::entity::{
    Anchor, Declaration, DeclaredKey, DeclaredKind, DeclaredOwned, DeclaredScope, Part, RawColumn,
    RawTable,
};
use crate::error::DeclarationError;
use crate::name::TableName;
use crate::policy::PolicyDraft;
use crate::privilege::Privilege;
use crate::scope::{Holder, Key, Scope, Through};

/// Declarations by table, each part once.
pub(super) struct Tables<'a> {
    declared: BTreeMap<TableName, Declared<'a>>,
}

/// What is declared of one table.
pub(super) struct Declared<'a> {
    pub(super) raw: &'a RawTable,
    pub(super) primary_key: Option<&'a str>,
    scopes: Vec<&'a DeclaredScope>,
    policies: Option<&'a Vec<PolicyDraft>>,
    unscoped: Option<&'a Part>,
}

impl<'a> Tables<'a> {
    pub(super) fn of(declarations: &'a [Declaration]) -> Result<Self, DeclarationError> {
        let mut declared: BTreeMap<TableName, Declared<'a>> = BTreeMap::new();
        for declaration in declarations {
            let raw = &declaration.table;
            let name = raw.check().map_err(|source| DeclarationError::Name {
                table: raw.to_string(),
                source,
            })?;

            let table = declared.entry(name).or_insert(Declared {
                raw,
                primary_key: declaration.primary_key.as_deref(),
                scopes: Vec::new(),
                policies: None,
                unscoped: None,
            });

            // A table has one primary key: where two entities say two, neither is relied on.
            if table.primary_key != declaration.primary_key.as_deref() {
                table.primary_key = None;
            }

            table.add(&declaration.part)?;
        }

        Ok(Self { declared })
    }

    /// One scope a table, ordered.
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
            policies: declared.policies.cloned().unwrap_or_default(),
            unscoped: None,
        };

        if let Some(Part::Unscoped { reason, .. }) = declared.unscoped {
            if reason.trim().is_empty() {
                return Err(DeclarationError::NoReason {
                    table: declared.raw.to_string(),
                });
            }

            return Ok(Scope {
                unscoped: Some(reason.clone()),
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
        Ok(scope)
    }

    /// What ties a table's rows to their holders, the tenant first; `path` is the tables it is
    /// asked from.
    pub(super) fn anchors(
        &self,
        declared: &Declared<'a>,
        path: &mut Vec<TableName>,
    ) -> Result<(Vec<Key>, Vec<Through>), DeclarationError> {
        let mut anchors: BTreeMap<Holder, (Vec<Key>, Vec<Through>)> = BTreeMap::new();
        for part in &declared.scopes {
            let found = match &part.anchor {
                Anchor::Key(key) => (
                    vec![check::key(declared.raw, part.holder, key, self)?],
                    Vec::new(),
                ),
                Anchor::Through(references) => {
                    let through = |reference| {
                        check::through(declared.raw, part.holder, reference, self, path)
                    };
                    (
                        Vec::new(),
                        references.iter().map(through).collect::<Result<_, _>>()?,
                    )
                }
            };

            // Two entities on one table may say one thing in two ways.
            match anchors.get(&part.holder) {
                Some(other) if *other != found => return Err(declared.clash()),
                Some(_) => {}
                None => drop(anchors.insert(part.holder, found)),
            }
        }

        let (mut keys, mut through) = (Vec::new(), Vec::new());
        for (found, references) in anchors.into_values() {
            keys.extend(found);
            through.extend(references);
        }

        check::lead_with_tenant(&mut keys);
        Ok((keys, through))
    }

    pub(super) fn get(&self, raw: &RawTable) -> Option<(&TableName, &Declared<'a>)> {
        self.declared.get_key_value(&raw.check().ok()?)
    }

    /// The identity an owned entity refers to: the one it names, else the only one there is.
    pub(super) fn identity(
        &self,
        table: &RawTable,
        holder: Holder,
        owned: &'a DeclaredOwned,
    ) -> Result<Option<(&'a RawTable, &'a RawColumn)>, DeclarationError> {
        if let Some((user, key)) = &owned.holder {
            return Ok(Some((user, key)));
        }

        let identities: Vec<_> = self
            .declared
            .values()
            .filter_map(|declared| declared.identity(holder))
            .collect();

        match identities.as_slice() {
            [identity] => Ok(Some(*identity)),
            _ if !owned.foreign_key => Ok(None),
            [] => Err(DeclarationError::NoIdentity {
                table: table.to_string(),
                holder,
            }),
            several => Err(DeclarationError::SeveralIdentities {
                table: table.to_string(),
                identities: several.iter().map(|(table, _)| table.to_string()).collect(),
            }),
        }
    }
}

impl<'a> Declared<'a> {
    fn add(&mut self, part: &'a Part) -> Result<(), DeclarationError> {
        match part {
            Part::Scoped(scope) => {
                if self
                    .scopes
                    .iter()
                    .any(|other| other.holder == scope.holder && !other.agrees(scope))
                {
                    return Err(self.clash());
                }

                self.scopes.push(scope);
            }
            Part::Policies(policies) => match self.policies.replace(policies) {
                Some(other) if other != policies => return Err(self.clash()),
                _ => {}
            },
            Part::Unscoped { .. } => match self.unscoped.replace(part) {
                Some(other) if other != part => return Err(self.clash()),
                _ => {}
            },
        }

        if self.unscoped.is_some() && (self.policies.is_some() || !self.scopes.is_empty()) {
            return Err(DeclarationError::Unscoped {
                table: self.raw.to_string(),
            });
        }

        Ok(())
    }

    fn clash(&self) -> DeclarationError {
        DeclarationError::Clash {
            table: self.raw.to_string(),
        }
    }

    /// What the application's role is granted: where both scopes say, what both grant.
    pub(super) fn privileges(&self) -> std::collections::BTreeSet<Privilege> {
        if let Some(Part::Unscoped { privileges, .. }) = self.unscoped {
            return privileges.clone();
        }

        let said = self.scopes.iter().filter_map(|scope| scope.granted());

        said.fold(Privilege::READ_WRITE.into(), |both, privileges| {
            both.intersection(&privileges).copied().collect()
        })
    }

    fn identity(&self, holder: Holder) -> Option<(&'a RawTable, &'a RawColumn)> {
        self.scopes.iter().find_map(|scope| match &scope.anchor {
            Anchor::Key(DeclaredKey {
                column,
                kind: DeclaredKind::Identity,
                ..
            }) if scope.holder == holder => Some((self.raw, column)),
            _ => None,
        })
    }
}
