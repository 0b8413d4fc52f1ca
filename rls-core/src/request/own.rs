//! The condition that rows are the context's own, in the statement itself.

use sea_orm::sea_query::{DynIden, Expr, ExprTrait, Value};
use sea_orm::{DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany};
use uuid::Uuid;

use crate::entity::{Declaration, OwnerColumn, TenantColumn};
use crate::model::key::{Holder, KeyType};
use crate::name::SettingName;
use crate::request::scoped::ContextConnection;
use crate::request::transaction::ContextTransaction;

/// A connection or a transaction that carries a context. Only this library's implement it.
pub trait InContext: sealed::Carries {}

impl<C: sealed::Carries> InContext for C {}

mod sealed {
    use crate::model::key::KeyType;
    use crate::name::SettingName;

    #[expect(unnameable_types, reason = "a seal")]
    pub trait Carries {
        /// The value of a setting, and the type of the keys that it names, if they are known.
        fn key(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>);
    }
}

impl<R> sealed::Carries for ContextConnection<R> {
    fn key(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>) {
        self.key_of(setting)
    }
}

impl<R> sealed::Carries for ContextTransaction<R> {
    fn key(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>) {
        self.key_of(setting)
    }
}

/// Says in a statement what its context says: that the rows are the user's or the tenant's.
///
/// Policies decide who sees which row, with and without it. On Citus this decides where a statement
/// goes: to the one shard that has the rows, instead of all, since Citus does not choose shards by a
/// policy. The value is that of the scope's own context, so the two cannot differ. Rows that others
/// share are left out.
///
/// ```no_run
/// # mod task {
/// #     use sea_orm::entity::prelude::*;
/// #     #[sea_orm::model]
/// #     #[derive(Clone, Debug, PartialEq, DeriveEntityModel, rls_core::UserScoped)]
/// #     #[sea_orm(table_name = "task")]
/// #     #[user_scoped(distribute, no_foreign_key, crate = rls_core)]
/// #     pub struct Model {
/// #         #[sea_orm(primary_key, auto_increment = false)]
/// #         pub owner_id: Uuid,
/// #         #[sea_orm(primary_key, auto_increment = false)]
/// #         pub id: Uuid,
/// #     }
/// #     impl ActiveModelBehavior for ActiveModel {}
/// # }
/// use rls_core::{OwnRows, ScopedConnection};
/// use sea_orm::{DbErr, EntityTrait};
///
/// async fn tasks(mine: &ScopedConnection) -> Result<Vec<task::Model>, DbErr> {
///     task::Entity::find().of_user(mine).all(mine).await // WHERE "task"."owner_id" = $1
/// }
/// ```
///
/// A context without the user or the tenant matches no row.
pub trait OwnRows<E: EntityTrait>: QueryFilter + Sized {
    /// Adds that the rows are those of the user in `scope`.
    #[must_use]
    fn of_user(self, scope: &impl InContext) -> Self
    where
        E: OwnerColumn,
    {
        let declaration = <E as crate::entity::UserScoped>::declaration();
        self.filter(own::<E>(
            E::owner_column(),
            &declaration,
            Holder::User,
            scope,
        ))
    }

    /// Adds that the rows are those of the tenant in `scope`.
    #[must_use]
    fn of_tenant(self, scope: &impl InContext) -> Self
    where
        E: TenantColumn,
    {
        let declaration = <E as crate::entity::TenantScoped>::declaration();
        self.filter(own::<E>(
            E::tenant_column(),
            &declaration,
            Holder::Tenant,
            scope,
        ))
    }
}

impl<E: EntityTrait> OwnRows<E> for Select<E> {}
impl<E: EntityTrait> OwnRows<E> for UpdateMany<E> {}
impl<E: EntityTrait> OwnRows<E> for DeleteMany<E> {}

fn own<E: EntityTrait>(
    column: DynIden,
    declaration: &Declaration,
    holder: Holder,
    scope: &impl InContext,
) -> Expr {
    let name = declaration
        .key_setting()
        .unwrap_or_else(|| holder.default_setting());
    let (value, known) = SettingName::new(name).map_or((None, None), |name| scope.key(&name));

    match value {
        Some(value) => {
            let key = declaration.key_type().or(known);
            Expr::col((E::default(), column)).eq(typed(value, key))
        }
        None => Expr::cust("FALSE"),
    }
}

/// A value of the column's type, by which Citus finds the shard. What the server alone can read as
/// one is left to it.
fn typed(text: String, key: Option<KeyType>) -> Expr {
    let Some(key) = key else {
        return Expr::val(text);
    };

    let value = match key {
        KeyType::Uuid => Uuid::parse_str(&text).ok().map(Value::from),
        KeyType::Integer => text.parse::<i32>().ok().map(Value::from),
        KeyType::BigInteger => text.parse::<i64>().ok().map(Value::from),
        KeyType::Text => Some(Value::from(text.clone())),
    };
    match value {
        Some(value) => Expr::val(value),
        None => Expr::val(text).cast_as(key.as_sql()),
    }
}
