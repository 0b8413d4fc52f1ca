//! Tables that are declared twice, as different things.

use sea_orm_rls::Registry;
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::error::DeclarationError;
use sea_orm_rls::model::Privilege;

use super::refused;

mod scoped {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(
        Clone,
        Debug,
        PartialEq,
        Eq,
        DeriveEntityModel,
        sea_orm_rls::UserScoped,
        sea_orm_rls::Unscoped,
    )]
    #[sea_orm(table_name = "task")]
    #[user_scoped(no_foreign_key)]
    #[unscoped(reason = "it is and is not")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod granted {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(
        Clone,
        Debug,
        PartialEq,
        Eq,
        DeriveEntityModel,
        sea_orm_rls::UserScoped,
        sea_orm_rls::Unscoped,
    )]
    #[sea_orm(table_name = "task")]
    #[user_scoped(no_foreign_key, grant(select))]
    #[unscoped(reason = "it is and is not", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) fn main() {
    let error = refused(
        sea_orm_rls::registry![scoped::Entity, scoped::Entity as Unscoped],
        "table `task` is declared both scoped and unscoped: drop one of the derives",
    );
    assert!(matches!(error, DeclarationError::Unscoped { .. }));

    for clash in [
        sea_orm_rls::registry![scoped::Entity, granted::Entity],
        sea_orm_rls::registry![scoped::Entity as Unscoped, granted::Entity as Unscoped],
    ] {
        let message = "table `task` is registered twice, with different scopes: keep one, or make both say the same";
        assert!(matches!(
            refused(clash, message),
            DeclarationError::Clash { .. }
        ));
    }
    let unlisted = sea_orm_rls::registry![granted::Entity, granted::Entity].unwrap_err();
    assert!(
        matches!(
            unlisted,
            DeclarationError::Unlisted {
                derive: "Unscoped",
                ..
            }
        ),
        "{unlisted}"
    );

    // The derive refuses a blank reason; a declaration made by hand is refused here.
    let error = refused(
        Registry::new([Declaration::unscoped::<scoped::Entity>(
            " ",
            &[Privilege::Select],
        )]),
        "table `task` is unscoped without a reason: say `#[unscoped(reason = \"…\")]`",
    );
    assert!(matches!(error, DeclarationError::NoReason { .. }));
}
