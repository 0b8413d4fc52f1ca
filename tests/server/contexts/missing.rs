//! A context that leaves out whose a row is, or names it by a key of another type.

use sea_orm::{ActiveModelTrait, EntityTrait, Set, TransactionTrait};
use sea_orm_rls::error::ContextError;
use sea_orm_rls::{RlsContext, RlsError, UserContext, registry};
use uuid::Uuid;

use crate::scenarios::Scenario;

mod invoice {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped, UserScoped)]
    #[sea_orm(table_name = "invoice")]
    #[user_scoped(no_foreign_key)]
    #[tenant_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub tenant_id: Uuid,
        pub owner_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod memo {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "memo")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Copy, RlsContext)]
struct Member {
    #[setting("app.user_id")]
    user: i32,
    #[setting("app.tenant_id")]
    tenant: Uuid,
}

async fn scenario() -> Scenario {
    let entities = registry![
        invoice::Entity,
        invoice::Entity as TenantScoped,
        memo::Entity
    ];
    Scenario::new(entities.unwrap(), 1, |schema| {
        schema.register(invoice::Entity).register(memo::Entity)
    })
    .await
}

fn new_invoice() -> invoice::ActiveModel {
    <invoice::ActiveModel as Default>::default()
}

/// FAULTS B.
#[tokio::test]
async fn setting_that_a_context_leaves_out_is_named() {
    let scenario = scenario().await;
    let user_alone = scenario.db.scope(UserContext::new(7));

    let transaction = user_alone.begin().await.unwrap();
    let within = new_invoice().insert(&transaction).await.unwrap_err();
    transaction.rollback().await.unwrap();
    let forged = invoice::ActiveModel {
        tenant_id: Set(Uuid::new_v4()),
        ..new_invoice()
    };

    for error in [forged.insert(&user_alone).await.unwrap_err(), within] {
        let error = RlsError::from(error);
        let RlsError::MissingContext { table, settings } = &error else {
            panic!("{error}");
        };
        assert_eq!(table.as_deref(), Some("invoice"));
        assert_eq!(
            settings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["app.tenant_id"]
        );
        assert!(error.to_string().contains("`app.tenant_id`"), "{error}");
    }
}

/// A context that has all of it is refused by the policy.
#[tokio::test]
async fn forged_owner_stays_a_refusal() {
    let scenario = scenario().await;
    let member = Member {
        user: 7,
        tenant: Uuid::new_v4(),
    };
    let forged = invoice::ActiveModel {
        tenant_id: Set(Uuid::new_v4()),
        ..new_invoice()
    };
    let memo_of_another = memo::ActiveModel {
        owner_id: Set(8),
        ..Default::default()
    };

    for error in [
        forged.insert(&scenario.db.scope(member)).await.unwrap_err(),
        // It needs no tenant.
        memo_of_another
            .insert(&scenario.db.scope(UserContext::new(7)))
            .await
            .unwrap_err(),
    ] {
        assert!(
            matches!(RlsError::from(&error), RlsError::PolicyRefused { .. }),
            "{error}"
        );
    }
}

/// FAULTS B. Nothing is sent, and no message has the value.
#[tokio::test]
async fn key_of_another_type_names_the_setting_and_no_value() {
    let scenario = scenario().await;
    for (context, setting) in [
        (UserContext::new("swordfish"), "app.user_id"),
        (UserContext::new(Uuid::from_u128(0x5eed)), "app.user_id"),
        (UserContext::new(i64::MAX), "app.user_id"),
        (
            UserContext::new(12_345).setting("app.tenant_id"),
            "app.tenant_id",
        ),
    ] {
        let db = scenario.db.scope(context);
        for error in [
            memo::Entity::find().all(&db).await.unwrap_err(),
            db.begin().await.unwrap_err(),
        ] {
            let error = RlsError::from(error);
            assert!(
                matches!(error, RlsError::Context(ContextError::WrongType { .. })),
                "{error}"
            );
            let said = format!("{error} {error:?}");
            assert!(said.contains(setting), "{said}");
            for value in ["swordfish", "5eed", "9223372036854775807", "12345"] {
                assert!(!said.contains(value), "{said}");
            }
        }
    }
}
