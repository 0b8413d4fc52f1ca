//! `TenantScoped`, alone and beside `UserScoped`, in every format.

use sea_orm_rls::Registry;
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::model::{Holder, OnDelete, Scope};

mod tenant {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "tenant")]
    #[tenant_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Under the family's attribute the owner is added, and the tenant is declared.
mod post {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
    #[sea_orm(table_name = "post")]
    #[user_scoped(user = super::user::Entity)]
    #[tenant_scoped(tenant = super::tenant::Entity, on_delete = restrict)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The plain format, no field, other names.
mod invoice {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "invoice")]
    #[tenant_scoped(
        column = "account",
        setting = "app.account_id",
        index(number),
        no_default
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub number: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The user's row is reached through another, the tenant's is its own.
mod comment {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
    #[sea_orm(table_name = "comment")]
    #[user_scoped(via = post)]
    #[tenant_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: i32,
        pub post_id: Uuid,
        #[sea_orm(belongs_to, from = "post_id", to = "id")]
        pub post: HasOne<super::post::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

use sea_orm_rls::{TenantScoped, UserScoped};

fn scope<'a>(registry: &'a Registry, table: &str) -> &'a Scope {
    registry
        .scopes()
        .iter()
        .find(|scope| scope.table.table.as_str() == table)
        .unwrap()
}

fn keys(scope: &Scope) -> Vec<(Holder, &str, &str)> {
    scope
        .keys
        .iter()
        .map(|key| (key.holder, key.column.as_str(), key.setting.as_str()))
        .collect()
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![
        tenant::Entity as TenantScoped,
        user::Entity,
        user::Entity as TenantScoped,
        post::Entity,
        post::Entity as TenantScoped,
        invoice::Entity as TenantScoped,
        comment::Entity,
        comment::Entity as TenantScoped,
    ]
    .unwrap();
    assert_eq!(registry.scopes().len(), 5);

    assert_eq!(
        keys(scope(&registry, "tenant")),
        [(Holder::Tenant, "id", "app.tenant_id")]
    );
    let both = |user| {
        [
            (Holder::Tenant, "tenant_id", "app.tenant_id"),
            (Holder::User, user, "app.user_id"),
        ]
    };
    assert_eq!(keys(scope(&registry, "user")), both("id"));
    assert_eq!(keys(scope(&registry, "post")), both("owner_id"));
    assert_eq!(
        keys(scope(&registry, "invoice")),
        [(Holder::Tenant, "account", "app.account_id")]
    );
    assert_eq!(
        keys(scope(&registry, "comment")),
        [(Holder::Tenant, "tenant_id", "app.tenant_id")]
    );

    let post = scope(&registry, "post").keys[0].owned().unwrap();
    assert_eq!(
        post.foreign_key.as_ref().unwrap().table.table.as_str(),
        "tenant"
    );
    assert_eq!(
        post.foreign_key.as_ref().unwrap().on_delete,
        Some(OnDelete::Restrict)
    );
    let columns = |owned: &sea_orm_rls::model::Owned| {
        owned
            .index
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(columns(post), ["tenant_id", "owner_id"]);
    let invoice = scope(&registry, "invoice").keys[0].owned().unwrap();
    assert_eq!(columns(invoice), ["account", "number"]);
    assert!(!invoice.default);

    let comment = scope(&registry, "comment");
    assert_eq!(comment.through[0].column.as_str(), "post_id");
    let condition = comment.ownership().unwrap().to_string();
    assert!(
        condition.starts_with(r#"("tenant_id" = (SELECT "#)
            && condition.contains(r#") AND ("post_id" OPERATOR(pg_catalog.=) "#)
    );

    assert_eq!(post::Entity::owner_column().to_string(), "owner_id");
    assert_eq!(post::Entity::tenant_column().to_string(), "tenant_id");
    assert_eq!(invoice::Entity::tenant_column().to_string(), "account");
}

#[test]
fn setting_holds_in_whatever_order_it_is_declared() {
    let invoice = Declaration::owned_in_table::<invoice::Entity>("account").no_foreign_key();
    let first = invoice.clone().setting("app.account_id").of_tenants();
    let last = invoice.of_tenants().setting("app.account_id");

    for declaration in [first, last] {
        let registry = Registry::new([declaration]).unwrap();
        assert_eq!(
            keys(scope(&registry, "invoice")),
            [(Holder::Tenant, "account", "app.account_id")]
        );
    }
}
