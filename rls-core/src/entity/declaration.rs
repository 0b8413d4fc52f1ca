use std::str::FromStr;

use sea_orm::sea_query::ColumnType;
use sea_orm::{EntityTrait, IdenStatic};

use super::part::EntityType;
use super::{Anchor, DeclaredKey, DeclaredKind, DeclaredOwned, DeclaredScope, Marked, Part};
use super::{RawColumn, RawReference, RawTable};
use crate::model::key::{Holder, OnDelete};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Privilege;

/// What one derive says of an entity's table, not yet checked against other entities.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub(crate) entity: EntityType,
    pub(crate) table: RawTable,
    /// The column of a primary key that is one column.
    pub(crate) primary_key: Option<String>,
    pub(crate) part: Part,
}

impl Declaration {
    /// The entity's rows are the users themselves.
    #[must_use]
    pub fn identity<E: EntityTrait>() -> Self {
        let key = RawColumn::primary_key::<E>();
        Self::keyed::<E>(DeclaredKey {
            column: key,
            setting: None,
            kind: DeclaredKind::Identity,
        })
    }

    /// The entity's rows belong to users; `field` is the model's owner field.
    #[must_use]
    pub fn owned<E: EntityTrait>(field: &str) -> Self {
        let column = match E::Column::from_str(field) {
            Ok(column) => RawColumn::of(column),
            Err(_) => RawColumn {
                column: field.to_owned(),
                key: Some(Err(format!("no column that `{field}` names"))),
            },
        };

        Self::with_owner::<E>(column)
    }

    /// The entity's rows belong to users, and the model has no owner field: only the table has the
    /// column, of the type of the identity's key.
    #[must_use]
    pub fn owned_in_table<E: EntityTrait>(column: &str) -> Self {
        match E::Column::from_str(column) {
            // The model has the column after all, under a field of another name.
            Ok(column) => Self::with_owner::<E>(RawColumn::of(column)),
            Err(_) => Self::with_owner::<E>(RawColumn {
                column: column.to_owned(),
                key: None,
            }),
        }
    }

    /// The entity's rows belong to whom the rows they refer to belong; all of `relations` must lead
    /// to one's own.
    #[must_use]
    pub fn via<E: EntityTrait>(relations: &[&str]) -> Self {
        Self::scoped::<E>(Anchor::Through(
            relations
                .iter()
                .map(|relation| RawReference::of::<E>(relation))
                .collect(),
        ))
    }

    /// The entity has policies of its own.
    #[must_use]
    pub fn policies_of<E: EntityTrait>(policies: impl IntoIterator<Item = PolicyDraft>) -> Self {
        Self::of::<E>(Part::Policies(policies.into_iter().collect()))
    }

    /// The entity's table has no row security; `privileges` is what the application's role may do.
    #[must_use]
    pub fn unscoped<E: EntityTrait>(reason: &str, privileges: &[Privilege]) -> Self {
        let privileges = privileges.iter().copied().collect();
        Self::of::<E>(Part::Unscoped {
            reason: reason.to_owned(),
            privileges,
        })
    }

    /// It speaks of tenants, where it spoke of users.
    #[must_use]
    pub fn of_tenants(self) -> Self {
        self.scope(|scope| scope.holder = Holder::Tenant)
    }

    fn with_owner<E: EntityTrait>(column: RawColumn) -> Self {
        Self::keyed::<E>(DeclaredKey {
            column,
            setting: None,
            kind: DeclaredKind::Owned(DeclaredOwned {
                holder: None,
                foreign_key: true,
                on_delete: None,
                index: Vec::new(),
                default: true,
                backfill: None,
            }),
        })
    }

    fn keyed<E: EntityTrait>(key: DeclaredKey) -> Self {
        Self::scoped::<E>(Anchor::Key(key))
    }

    fn scoped<E: EntityTrait>(anchor: Anchor) -> Self {
        let scope = DeclaredScope {
            holder: Holder::User,
            anchor,
            shared: None,
            soft_delete: None,
            privileges: None,
            policies: Vec::new(),
        };

        Self::of::<E>(Part::Scoped(Box::new(scope)))
    }

    fn of<E: EntityTrait>(part: Part) -> Self {
        let key = RawColumn::primary_key::<E>().column;
        Self {
            entity: EntityType::of::<E>(),
            table: RawTable::of::<E>(),
            primary_key: (!key.is_empty()).then_some(key),
            part,
        }
    }

    /// The setting that carries the current user or tenant.
    #[must_use]
    pub fn setting(self, name: &str) -> Self {
        self.key(|key| key.setting = Some(name.to_owned()))
    }

    /// The entity of the users or tenants.
    #[must_use]
    pub fn user<U: EntityTrait>(self) -> Self {
        self.owned_key(|owned| {
            owned.holder = Some((RawTable::of::<U>(), RawColumn::primary_key::<U>()));
        })
    }

    /// The foreign key's action.
    #[must_use]
    pub fn on_delete(self, on_delete: OnDelete) -> Self {
        self.owned_key(|owned| owned.on_delete = Some(on_delete))
    }

    /// The columns that follow the owner in the index, as fields or columns.
    #[must_use]
    pub fn index<E: EntityTrait>(self, fields: &[&str]) -> Self {
        let columns = fields.iter().map(|field| column_name::<E>(field)).collect();
        self.owned_key(|owned| owned.index = columns)
    }

    /// No default on the owner column: every insert names the owner.
    #[must_use]
    pub fn no_default(self) -> Self {
        self.owned_key(|owned| owned.default = false)
    }

    /// No foreign key to the identity.
    #[must_use]
    pub fn no_foreign_key(self) -> Self {
        self.owned_key(|owned| owned.foreign_key = false)
    }

    /// The SQL expression that gives existing rows their owner.
    #[must_use]
    pub fn backfill(self, expression: &str) -> Self {
        self.owned_key(|owned| owned.backfill = Some(expression.to_owned()))
    }

    /// The boolean field whose rows everyone may read.
    #[must_use]
    pub fn read<E: EntityTrait>(self, field: &str) -> Self {
        let marked = Marked::of::<E>(field, "a boolean", |column| {
            matches!(column, ColumnType::Boolean)
        });
        self.scope(|scope| scope.shared = Some(marked))
    }

    /// The timestamp field that marks a row as deleted.
    #[must_use]
    pub fn soft_delete<E: EntityTrait>(self, field: &str) -> Self {
        let timestamp = |column: &ColumnType| {
            matches!(
                column,
                ColumnType::DateTime | ColumnType::Timestamp | ColumnType::TimestampWithTimeZone
            )
        };

        let marked = Marked::of::<E>(field, "a timestamp", timestamp);
        self.scope(|scope| scope.soft_delete = Some(marked))
    }

    /// What the application's role may do, where that is less than reading and writing.
    #[must_use]
    pub fn grant(self, privileges: &[Privilege]) -> Self {
        self.scope(|scope| scope.privileges = Some(privileges.iter().copied().collect()))
    }

    /// Further policies.
    #[must_use]
    pub fn policies(mut self, policies: impl IntoIterator<Item = PolicyDraft>) -> Self {
        match &mut self.part {
            Part::Scoped(scope) => scope.policies.extend(policies),
            Part::Policies(declared) => declared.extend(policies),
            Part::Unscoped { .. } => {}
        }

        self
    }

    fn scope(mut self, change: impl FnOnce(&mut DeclaredScope)) -> Self {
        if let Part::Scoped(scope) = &mut self.part {
            change(scope);
        }

        self
    }

    fn key(self, change: impl FnOnce(&mut DeclaredKey)) -> Self {
        self.scope(|scope| {
            if let Anchor::Key(key) = &mut scope.anchor {
                change(key);
            }
        })
    }

    fn owned_key(self, change: impl FnOnce(&mut DeclaredOwned)) -> Self {
        self.key(|key| {
            if let DeclaredKind::Owned(owned) = &mut key.kind {
                change(owned);
            }
        })
    }

    /// The column that names the user or tenant, where there is one.
    pub(super) fn key_column(&self) -> Option<&str> {
        match &self.part {
            Part::Scoped(scope) => match &scope.anchor {
                Anchor::Key(key) => Some(&key.column.column),
                Anchor::Through(_) => None,
            },
            Part::Policies(_) | Part::Unscoped { .. } => None,
        }
    }
}

fn column_name<E: EntityTrait>(field: &str) -> String {
    match E::Column::from_str(field) {
        Ok(column) => column.as_str().to_owned(),
        Err(_) => field.to_owned(),
    }
}
