//! The declarations of each table.

use std::collections::BTreeMap;

use crate::entity::part::{
    Anchor, DeclaredGrant, DeclaredGrants, DeclaredKey, DeclaredKind, DeclaredOwned, DeclaredScope,
    DeclaredUnscoped, Part,
};
use crate::entity::raw::{RawColumn, RawTable};
use crate::entity::{Declaration, DeclarationError};
use crate::model::key::Holder;
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Privilege;
use crate::name::TableName;

/// The declarations, by table.
pub(super) struct Tables<'a> {
    pub(super) declared: BTreeMap<TableName, Declared<'a>>,
}

/// All that is declared of one table.
pub(super) struct Declared<'a> {
    pub(super) raw: &'a RawTable,
    /// The columns of the primary key.
    pub(super) primary_key: &'a [String],
    pub(super) scopes: Vec<&'a DeclaredScope>,
    pub(super) policies: Option<(&'a Vec<PolicyDraft>, &'a DeclaredGrants)>,
    pub(super) unscoped: Option<&'a DeclaredUnscoped>,
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
                primary_key: &declaration.primary_key,
                scopes: Vec::new(),
                policies: None,
                unscoped: None,
            });

            // A table has one primary key. If two entities name different ones, neither is relied
            // on.
            if table.primary_key != declaration.primary_key {
                table.primary_key = &[];
            }

            table.add(&declaration.part)?;
        }

        Ok(Self { declared })
    }

    pub(super) fn get(&self, raw: &RawTable) -> Option<(&TableName, &Declared<'a>)> {
        self.declared.get_key_value(&raw.check().ok()?)
    }

    /// The users or tenants that an owned entity refers to: those that it names, or the only ones
    /// that are registered.
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
            Part::Policies { policies, grants } => {
                let declared = (policies, grants);
                match self.policies.replace(declared) {
                    Some(other) if other != declared => return Err(self.clash()),
                    _ => {}
                }
            }
            Part::Unscoped(declared) => match self.unscoped.replace(declared) {
                Some(other) if other != declared => return Err(self.clash()),
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

    pub(super) fn clash(&self) -> DeclarationError {
        DeclarationError::Clash {
            table: self.raw.to_string(),
        }
    }

    /// The privileges of the application's role. If several derives declare some, those that are in
    /// all.
    pub(super) fn privileges(&self) -> DeclaredGrant {
        if let Some(unscoped) = self.unscoped {
            return unscoped.grants.app.clone().unwrap_or_default();
        }

        let scopes = self.scopes.iter().filter_map(|scope| scope.granted());
        let policies = self.policies.and_then(|(_, grants)| grants.app.clone());
        in_all(scopes.chain(policies))
    }

    /// The privileges of the administrator's role. On a scoped table they are all four, if none are
    /// declared; on another the application's.
    pub(super) fn admin(&self) -> DeclaredGrant {
        if let Some(unscoped) = self.unscoped {
            let admin = unscoped.grants.admin.clone();
            return admin.unwrap_or_else(|| self.privileges());
        }

        let scopes = self
            .scopes
            .iter()
            .filter_map(|scope| scope.grants.admin.clone());
        let policies = self.policies.and_then(|(_, grants)| grants.admin.clone());
        in_all(scopes.chain(policies))
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

/// The privileges that all of these have, on the columns that all of them name; all four if there
/// are none.
fn in_all(declared: impl Iterator<Item = DeclaredGrant>) -> DeclaredGrant {
    let all = DeclaredGrant::of(&Privilege::READ_WRITE);
    let mut common = declared.fold(all, |mut all, grant| {
        all.privileges = all
            .privileges
            .intersection(&grant.privileges)
            .copied()
            .collect();
        for (privilege, columns) in grant.columns {
            let common = all.columns.entry(privilege);
            common
                .and_modify(|common| common.retain(|column| columns.contains(column)))
                .or_insert(columns);
        }

        all
    });

    let DeclaredGrant {
        privileges,
        columns,
    } = &mut common;
    privileges.retain(|privilege| columns.get(privilege).is_none_or(|on| !on.is_empty()));
    columns.retain(|privilege, _| privileges.contains(privilege));
    common
}
