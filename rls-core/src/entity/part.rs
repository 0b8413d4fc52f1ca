//! The parts of a declaration.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic};

use super::{RawColumn, RawReference, RawTable};
use crate::model::key::{Holder, OnDelete};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Privilege;

/// The entity of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntityType {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl EntityType {
    pub(super) fn of<E: EntityTrait>() -> Self {
        Self {
            id: TypeId::of::<E>(),
            name: std::any::type_name::<E>(),
        }
    }
}

/// What one derive declares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// From `UserScoped` or `TenantScoped`.
    Scoped(Box<DeclaredScope>),
    /// From `RlsPolicies`.
    Policies {
        policies: Vec<PolicyDraft>,
        grants: DeclaredGrants,
    },
    /// From `Unscoped`.
    Unscoped(DeclaredUnscoped),
}

/// A table without row-level security.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredUnscoped {
    pub(crate) reason: String,
    pub(crate) grants: DeclaredGrants,
    /// Whether each node of Citus has all rows.
    pub(crate) distribute: bool,
}

/// The privileges of the two roles, as far as they are declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeclaredGrants {
    pub(crate) app: Option<DeclaredGrant>,
    pub(crate) admin: Option<DeclaredGrant>,
}

/// The privileges of one role, and the columns to which some of them are limited.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DeclaredGrant {
    pub(crate) privileges: BTreeSet<Privilege>,
    pub(crate) columns: BTreeMap<Privilege, BTreeSet<String>>,
}

impl DeclaredGrant {
    pub(crate) fn of(privileges: &[Privilege]) -> Self {
        Self {
            privileges: privileges.iter().copied().collect(),
            columns: BTreeMap::new(),
        }
    }
}

impl Part {
    /// The name of the derive.
    pub(crate) fn derive(&self) -> &'static str {
        match self {
            Self::Scoped(scope) if scope.holder == Holder::Tenant => "TenantScoped",
            Self::Scoped(_) => "UserScoped",
            Self::Policies { .. } => "RlsPolicies",
            Self::Unscoped(_) => "Unscoped",
        }
    }

    pub(super) fn grants(&mut self) -> &mut DeclaredGrants {
        match self {
            Self::Scoped(scope) => &mut scope.grants,
            Self::Policies { grants, .. } => grants,
            Self::Unscoped(unscoped) => &mut unscoped.grants,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredScope {
    pub(crate) holder: Holder,
    pub(crate) anchor: Anchor,
    /// The references that may not leave their owner.
    pub(crate) bound: Vec<RawReference>,
    pub(crate) shared: Option<Marked>,
    pub(crate) soft_delete: Option<Marked>,
    pub(crate) grants: DeclaredGrants,
    pub(crate) policies: Vec<PolicyDraft>,
    pub(crate) distribute: bool,
}

impl DeclaredScope {
    /// The privileges of the application's role, if they are declared. By default only
    /// administrators create and delete tenants, since all rows of a tenant go with it.
    pub(crate) fn granted(&self) -> Option<DeclaredGrant> {
        let is_identity = matches!(
            &self.anchor,
            Anchor::Key(DeclaredKey {
                kind: DeclaredKind::Identity,
                ..
            })
        );

        let tenant = self.holder == Holder::Tenant && is_identity;

        self.grants
            .app
            .clone()
            .or_else(|| tenant.then(|| DeclaredGrant::of(&[Privilege::Select])))
    }

    /// Whether both declare the same. What ties a row to its holder is compared later, when it is
    /// known.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        self.bound == other.bound
            && self.shared == other.shared
            && self.soft_delete == other.soft_delete
            && self.grants == other.grants
            && self.policies == other.policies
            && self.distribute == other.distribute
    }
}

/// What ties a row to its user or tenant.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each entity, and it is read once"
)]
pub(crate) enum Anchor {
    Key(DeclaredKey),
    Through(Vec<RawReference>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredKey {
    pub(crate) column: RawColumn,
    /// `None` is the default of the holder.
    pub(crate) setting: Option<String>,
    pub(crate) kind: DeclaredKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DeclaredKind {
    Identity,
    Owned(DeclaredOwned),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DeclaredOwned {
    pub(crate) holder: Option<(RawTable, RawColumn)>,
    pub(crate) foreign_key: bool,
    pub(crate) on_delete: Option<OnDelete>,
    pub(crate) index: Vec<String>,
    pub(crate) default: bool,
    pub(crate) backfill: Option<String>,
    /// If the model has no owner field: its other columns that refer to a table, each with it.
    pub(crate) others: Vec<(String, RawTable)>,
}

/// A column that marks rows, or the reason why it cannot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Marked {
    pub(crate) column: String,
    pub(crate) wrong: Option<String>,
}

impl Marked {
    pub(super) fn of<E: EntityTrait>(
        field: &str,
        expected: &str,
        holds: impl Fn(&ColumnType) -> bool,
    ) -> Self {
        let Ok(column) = E::Column::from_str(field) else {
            return Self {
                column: field.to_owned(),
                wrong: Some("no field of the model".to_owned()),
            };
        };

        let definition = column.def();
        let found = definition.get_column_type();
        let wrong = (!holds(found)).then(|| format!("{found:?}, and {expected} is needed"));

        Self {
            column: column.as_str().to_owned(),
            wrong,
        }
    }
}
