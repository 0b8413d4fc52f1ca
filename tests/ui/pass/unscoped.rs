//! `Unscoped`, in every format.

use sea_orm_rls::model::Privilege;

mod country {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "country")]
    #[unscoped(
        reason = "the same for everyone",
        grant(select),
        admin(select, insert, update, delete)
    )]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod job {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, rls_derive::Unscoped)]
    #[sea_orm(table_name = "job")]
    #[unscoped(reason = "only administrators run jobs", crate = "sea_orm_rls")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) fn main() {
    let registry =
        sea_orm_rls::registry![country::Entity as Unscoped, job::Entity as Unscoped].unwrap();
    let [country, job] = registry.scopes() else {
        panic!("two tables")
    };
    assert_eq!(country.unscoped.as_deref(), Some("the same for everyone"));
    assert_eq!(country.privileges, [Privilege::Select].into());
    assert_eq!(country.admin, Privilege::READ_WRITE.into());
    assert!(job.privileges.is_empty() && job.admin.is_empty());
}
