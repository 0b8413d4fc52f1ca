//! `read` and `soft_delete` of columns that cannot mark rows.

use sea_orm_rls::error::DeclarationError;

use super::refused;

mod read {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Visibility(pub String);

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "read")]
    #[user_scoped(no_foreign_key, read = visibility)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub visibility: Visibility,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod deleted {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "deleted")]
    #[tenant_scoped(no_foreign_key, soft_delete = deleted)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub deleted: Option<bool>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) fn main() {
    let error = refused(
        sea_orm_rls::registry![read::Entity],
        "table `read`: `visibility` cannot mark rows: it is String(None), and a boolean is needed",
    );
    assert!(matches!(error, DeclarationError::Marked { .. }));
    let error = refused(
        sea_orm_rls::registry![deleted::Entity as TenantScoped],
        "table `deleted`: `deleted` cannot mark rows: it is Boolean, and a timestamp is needed",
    );
    assert!(matches!(error, DeclarationError::Marked { .. }));
}
