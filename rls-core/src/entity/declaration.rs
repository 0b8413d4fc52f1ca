//! [`Declaration`]: what one derive declares, as the expansions build it.

use std::str::FromStr;

use sea_orm::sea_query::ColumnType;
use sea_orm::{EntityTrait, IdenStatic, Iterable, PrimaryKeyToColumn};

use super::part::{DeclaredGrant, DeclaredGrants, DeclaredUnscoped, EntityType};
use super::{Anchor, DeclaredKey, DeclaredKind, DeclaredOwned, DeclaredScope, Marked, Part};
use super::{RawColumn, RawReference, RawTable};
use crate::entity::place::Place;
use crate::model::key::{Holder, KeyType, OnDelete};
use crate::model::policy::PolicyDraft;
use crate::model::privilege::Privilege;

/// What one derive declares of an entity's table. The [`Registry`](crate::Registry) checks it
/// against the other entities.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub(crate) entity: EntityType,
    pub(crate) table: RawTable,
    /// The columns of the primary key.
    pub(crate) primary_key: Vec<String>,
    /// Where the derive stands.
    pub(crate) place: Option<Place>,
    pub(crate) part: Part,
}

impl Declaration {
    /// Declares that the entity's rows are the users.
    #[must_use]
    pub fn identity<E: EntityTrait>() -> Self {
        let key = RawColumn::primary_key::<E>();
        Self::keyed::<E>(DeclaredKey {
            column: key,
            setting: None,
            kind: DeclaredKind::Identity,
        })
    }

    /// Declares that the entity's rows belong to users; `field` is the model's owner field.
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

    /// Declares that the entity's rows belong to users, and that the model has no owner field. The
    /// table has the column, with the type of the users' primary key.
    #[must_use]
    pub fn owned_in_table<E: EntityTrait>(column: &str) -> Self {
        match E::Column::from_str(column) {
            // The model has the column, but its field has another name.
            Ok(column) => Self::with_owner::<E>(RawColumn::of(column)),
            Err(_) => Self::with_owner::<E>(RawColumn {
                column: column.to_owned(),
                key: None,
            })
            .owned_key(|owned| owned.others = RawReference::columns::<E>()),
        }
    }

    /// Says that the table has an owner column of its own, though another column of the model refers
    /// to the users.
    #[must_use]
    pub fn table_only(self) -> Self {
        self.owned_key(|owned| owned.others.clear())
    }

    /// Declares that a row belongs to the owners of the rows that it refers to. All `relations`
    /// must lead to rows of the current user.
    #[must_use]
    pub fn via<E: EntityTrait>(relations: &[&str]) -> Self {
        Self::scoped::<E>(Anchor::Through(
            relations
                .iter()
                .map(|relation| RawReference::of::<E>(relation))
                .collect(),
        ))
    }

    /// Declares the entity's own policies.
    #[must_use]
    pub fn policies_of<E: EntityTrait>(policies: impl IntoIterator<Item = PolicyDraft>) -> Self {
        Self::of::<E>(Part::Policies {
            policies: policies.into_iter().collect(),
            grants: DeclaredGrants::default(),
        })
    }

    /// Declares that the entity's table has no row-level security; the application's role is
    /// granted `privileges`.
    #[must_use]
    pub fn unscoped<E: EntityTrait>(reason: &str, privileges: &[Privilege]) -> Self {
        Self::of::<E>(Part::Unscoped(DeclaredUnscoped {
            reason: reason.to_owned(),
            grants: DeclaredGrants::default(),
            distribute: false,
        }))
        .grant(privileges)
    }

    /// Declares tenants instead of users. The order of the calls does not matter.
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
                others: Vec::new(),
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
            bound: Vec::new(),
            shared: None,
            soft_delete: None,
            grants: DeclaredGrants::default(),
            policies: Vec::new(),
            distribute: false,
        };

        Self::of::<E>(Part::Scoped(Box::new(scope)))
    }

    fn of<E: EntityTrait>(part: Part) -> Self {
        Self {
            entity: EntityType::of::<E>(),
            table: RawTable::of::<E>(),
            primary_key: E::PrimaryKey::iter()
                .map(|key| key.into_column().as_str().to_owned())
                .collect(),
            place: None,
            part,
        }
    }

    /// Says where the derive stands, as `file!()` and `line!()` have it.
    #[must_use]
    pub fn declared_at(mut self, file: &'static str, line: u32) -> Self {
        self.place = Some(Place { file, line });
        self
    }

    /// Sets the setting that carries the current user or tenant.
    #[must_use]
    pub fn setting(self, name: &str) -> Self {
        self.key(|key| key.setting = Some(name.to_owned()))
    }

    /// Sets the entity of the users or tenants.
    #[must_use]
    pub fn user<U: EntityTrait>(self) -> Self {
        self.owned_key(|owned| {
            owned.holder = Some((RawTable::of::<U>(), RawColumn::primary_key::<U>()));
        })
    }

    /// Sets the action of the foreign key.
    #[must_use]
    pub fn on_delete(self, on_delete: OnDelete) -> Self {
        self.owned_key(|owned| owned.on_delete = Some(on_delete))
    }

    /// Sets the fields or columns that follow the owner in the index.
    #[must_use]
    pub fn index<E: EntityTrait>(self, fields: &[&str]) -> Self {
        let columns = fields.iter().map(|field| column_name::<E>(field)).collect();
        self.owned_key(|owned| owned.index = columns)
    }

    /// Leaves the owner column without a default: every insert must name the owner.
    #[must_use]
    pub fn no_default(self) -> Self {
        self.owned_key(|owned| owned.default = false)
    }

    /// Leaves out the foreign key to the users or tenants.
    #[must_use]
    pub fn no_foreign_key(self) -> Self {
        self.owned_key(|owned| owned.foreign_key = false)
    }

    /// Sets the SQL expression that gives existing rows their owner.
    #[must_use]
    pub fn backfill(self, expression: &str) -> Self {
        self.owned_key(|owned| owned.backfill = Some(expression.to_owned()))
    }

    /// Binds references: they may lead only to rows of the same owner.
    #[must_use]
    pub fn bind<E: EntityTrait>(self, relations: &[&str]) -> Self {
        let bound = relations
            .iter()
            .map(|relation| RawReference::from_here::<E>(relation));
        self.scope(|scope| scope.bound.extend(bound))
    }

    /// Sets the boolean field that shares a row with everyone, for reading.
    #[must_use]
    pub fn read<E: EntityTrait>(self, field: &str) -> Self {
        let marked = Marked::of::<E>(field, "a boolean", |column| {
            matches!(column, ColumnType::Boolean)
        });
        self.scope(|scope| scope.shared = Some(marked))
    }

    /// Sets the timestamp field that marks a row as deleted.
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

    /// Sets the privileges of the application's role, if it may not read and write.
    #[must_use]
    pub fn grant(mut self, privileges: &[Privilege]) -> Self {
        self.part.grants().app = Some(DeclaredGrant::of(privileges));
        self
    }

    /// Limits a privilege that [`Declaration::grant`] names to columns.
    #[must_use]
    pub fn columns<E: EntityTrait>(mut self, privilege: Privilege, fields: &[&str]) -> Self {
        limit::<E>(&mut self.part.grants().app, privilege, fields);
        self
    }

    /// Sets the privileges of the administrator's role, if it may not read and write, or may do
    /// more than the application on a table without row-level security.
    #[must_use]
    pub fn admin(mut self, privileges: &[Privilege]) -> Self {
        self.part.grants().admin = Some(DeclaredGrant::of(privileges));
        self
    }

    /// Limits a privilege that [`Declaration::admin`] names to columns.
    #[must_use]
    pub fn admin_columns<E: EntityTrait>(mut self, privilege: Privilege, fields: &[&str]) -> Self {
        limit::<E>(&mut self.part.grants().admin, privilege, fields);
        self
    }

    /// Has Citus distribute the rows by the column that names the user or tenant, or keep all of
    /// them on each node if they belong to nobody.
    #[must_use]
    pub fn distribute(mut self) -> Self {
        match &mut self.part {
            Part::Scoped(scope) => scope.distribute = true,
            Part::Unscoped(unscoped) => unscoped.distribute = true,
            Part::Policies { .. } => {}
        }

        self
    }

    /// Adds policies.
    #[must_use]
    pub fn policies(mut self, policies: impl IntoIterator<Item = PolicyDraft>) -> Self {
        match &mut self.part {
            Part::Scoped(scope) => scope.policies.extend(policies),
            Part::Policies {
                policies: declared, ..
            } => declared.extend(policies),
            Part::Unscoped(_) => {}
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

    /// The setting that carries the current user or tenant, if the entity names one.
    pub(crate) fn key_setting(&self) -> Option<&str> {
        self.declared_key()?.setting.as_deref()
    }

    /// The type of the column that names the user or tenant, if the model has it.
    pub(crate) fn key_type(&self) -> Option<KeyType> {
        let declared = self.declared_key()?.column.key.as_ref()?;
        declared.as_ref().ok().copied()
    }

    fn declared_key(&self) -> Option<&DeclaredKey> {
        match &self.part {
            Part::Scoped(scope) => match &scope.anchor {
                Anchor::Key(key) => Some(key),
                Anchor::Through(_) => None,
            },
            Part::Policies { .. } | Part::Unscoped(_) => None,
        }
    }

    /// The column that names the user or tenant, if there is one.
    pub(super) fn key_column(&self) -> Option<&str> {
        Some(&self.declared_key()?.column.column)
    }
}

fn limit<E: EntityTrait>(
    declared: &mut Option<DeclaredGrant>,
    privilege: Privilege,
    fields: &[&str],
) {
    let grant = declared.get_or_insert_default();
    let columns = fields.iter().map(|field| column_name::<E>(field));
    grant.privileges.insert(privilege);
    grant.columns.entry(privilege).or_default().extend(columns);
}

fn column_name<E: EntityTrait>(field: &str) -> String {
    match E::Column::from_str(field) {
        Ok(column) => column.as_str().to_owned(),
        Err(_) => field.to_owned(),
    }
}
