//! Columns that the server computes from others (FAULTS M10).

use rls_core::testing::{IsolationProof, Proof, RowFor};
use sea_orm::{ConnectionTrait, Set};
use sea_orm_rls::doctor::{Doctor, Remedy};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::{RlsError, RlsSchema, registry};

use super::shop::Shop;
use crate::fixture::config;
use crate::schema::{database, version};

mod person {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "person")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod letter {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "letter")]
    #[user_scoped(user = super::person::Entity, read = "open")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub envelope: String,
        pub state: String,
        pub owner_id: i32,
        pub open: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// `OWNER` and `OPEN` say how each column is kept.
fn tables(owner: &str, open: &str) -> String {
    format!(
        "CREATE TABLE person (id integer PRIMARY KEY);
         CREATE TABLE letter (id integer PRIMARY KEY, envelope text NOT NULL, state text NOT NULL,
           owner_id integer GENERATED ALWAYS AS (split_part(envelope, ' ', 2)::integer) {owner},
           open boolean GENERATED ALWAYS AS (state = 'open') {open})"
    )
}

fn envelope(row: &RowFor) -> letter::ActiveModel {
    let state = if row.is_shared() { "open" } else { "sealed" };
    letter::ActiveModel {
        envelope: Set(format!("to {}", row.setting("app.user_id").unwrap_or("0"))),
        state: Set(state.to_owned()),
        ..Default::default()
    }
}

async fn prove(shop: &Shop) -> Proof {
    IsolationProof::new(&shop.registry)
        .rows(envelope)
        .run(&shop.owner, &shop.db)
        .await
        .unwrap()
}

#[tokio::test]
async fn owner_and_shared_column_that_are_stored_need_no_default_and_are_proven() {
    let registry = registry![person::Entity, letter::Entity].unwrap();
    let tables = tables("STORED", "STORED")
        + "; INSERT INTO person VALUES (7);
        INSERT INTO letter (id, envelope, state) VALUES (1, 'to 7', 'open')";
    let shop = Shop::with(&tables, registry.clone()).await;
    let rls = RlsSchema::new(registry.clone(), shop.config.clone());
    let plan = rls.plan(&shop.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");

    let report = Doctor::new(registry, shop.config.clone())
        .examine(&shop.owner)
        .await
        .unwrap();
    let about_letter = report
        .findings()
        .iter()
        .filter(|one| one.rule.id.starts_with("RLS2") && one.object.contains("letter"))
        .filter(|one| one.rule.id != "RLS208");
    assert_eq!(about_letter.count(), 0, "{}", report.text(false));

    prove(&shop).await.assert_isolated();

    shop.run("ALTER TABLE letter DISABLE ROW LEVEL SECURITY")
        .await;
    assert!(!prove(&shop).await.is_isolated());
}

#[tokio::test]
async fn column_that_the_caller_s_values_do_not_fit_is_named() {
    let registry = registry![person::Entity, letter::Entity].unwrap();
    let shop = Shop::with(&tables("STORED", "STORED"), registry).await;
    let sealed = |row: &RowFor| letter::ActiveModel {
        state: Set("sealed".to_owned()),
        ..envelope(row)
    };
    let proof = IsolationProof::new(&shop.registry)
        .rows(sealed)
        .run(&shop.owner, &shop.db)
        .await
        .unwrap();

    let [untested] = proof.untested() else {
        panic!("{proof}")
    };
    assert!(
        untested.reason.contains("computes `open`"),
        "{}",
        untested.reason
    );
}

#[tokio::test]
async fn column_that_is_computed_when_it_is_read_has_no_index() {
    let (database, owner) = database().await;
    if version(&owner).await < 18 {
        // Older servers know no such column.
        let create = owner.execute_unprepared(&tables("STORED", "VIRTUAL")).await;
        let error = RlsError::from(create.unwrap_err());
        assert_eq!(error.sqlstate().as_deref(), Some("42601"), "{error}");
        return;
    }

    let registry = registry![person::Entity, letter::Entity].unwrap();
    let shop = Shop::with(&tables("STORED", "VIRTUAL"), registry.clone()).await;
    let rls = RlsSchema::new(registry.clone(), shop.config.clone());
    let plan = rls.plan(&shop.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");

    let doctor = Doctor::new(registry.clone(), shop.config.clone());
    let report = doctor.examine(&shop.owner).await.unwrap();
    let missing = report.findings().iter().find(|one| one.rule.id == "RLS203");
    let missing = missing.expect("each query reads the whole table");
    assert!(
        matches!(&missing.remedy, Remedy::Words(words) if words.contains("STORED")),
        "{missing:?}"
    );
    prove(&shop).await.assert_isolated();

    // Of an owner there must be an index and a foreign key.
    owner
        .execute_unprepared(&tables("VIRTUAL", "STORED"))
        .await
        .unwrap();
    let rls = RlsSchema::new(registry, config(&database));
    for error in [
        rls.plan(&owner).await.map(drop),
        rls.sync(&owner).await.map(drop),
    ] {
        let error = error.unwrap_err();
        assert!(
            matches!(&error, RlsError::Schema(SchemaError::VirtualOwner { table, column })
                if table == "public.letter" && column == "owner_id"),
            "{error}"
        );
    }
}
