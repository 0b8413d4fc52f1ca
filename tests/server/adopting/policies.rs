//! Tables whose row security was written by hand.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set};
use sea_orm_migration::SchemaManager;
use sea_orm_rls::context::Settings;
use sea_orm_rls::migration::RlsSchemaManagerExt;
use sea_orm_rls::schema::Unmanaged;
use sea_orm_rls::{RlsConfig, RlsConnection, RlsSchema, registry};
use uuid::Uuid;

use super::Watch;
use crate::schema::{database, text, texts};

/// The program's own words stay: its setting, its column, its role.
mod account {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "account")]
    #[user_scoped(identity, setting = "my.uid")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod invoice {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "invoice")]
    #[user_scoped(user = super::account::Entity, owner = "account_id", setting = "my.uid")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub account_id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Enabled and not forced, as most recipes have it.
const BEFORE: &str = r#"CREATE ROLE "APP" LOGIN PASSWORD 'mine';
    CREATE TABLE account (id uuid PRIMARY KEY);
    CREATE TABLE invoice (id serial PRIMARY KEY, account_id uuid NOT NULL REFERENCES account, title text NOT NULL);
    INSERT INTO account SELECT gen_random_uuid() FROM generate_series(1, 3);
    INSERT INTO invoice (account_id, title) SELECT id, 't' || i FROM account, generate_series(1, 300) i;
    ALTER TABLE account ENABLE ROW LEVEL SECURITY;
    ALTER TABLE invoice ENABLE ROW LEVEL SECURITY;
    CREATE POLICY self ON account TO "APP" USING (id = current_setting('my.uid')::uuid);
    CREATE POLICY mine ON invoice TO "APP" USING (account_id = current_setting('my.uid')::uuid);
    GRANT SELECT, INSERT, UPDATE, DELETE ON account, invoice TO "APP";
    GRANT USAGE ON SEQUENCE invoice_id_seq TO "APP""#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_with_policies_by_hand_move_over_in_use() {
    let (database, owner) = database().await;
    let role = database.role("my_app");
    owner
        .execute_unprepared(&BEFORE.replace("APP", &role))
        .await
        .unwrap();

    let config = RlsConfig::new().app_login(&role, "mine").unwrap();
    let config = config
        .admin_login(&database.role("my_admin"), "ours")
        .unwrap();
    let account: Uuid = text(&owner, "SELECT min(id::text) FROM account")
        .await
        .parse()
        .unwrap();

    let rows = "SELECT id || ' ' || account_id || title FROM invoice ORDER BY id";
    let before = texts(&owner, rows).await;
    let own = account.to_string();
    let set = format!("SET LOCAL my.uid = '{account}'");

    // The program as it is goes on: its role, its way of saying whose a request is.
    let watch = Watch::start(
        &database,
        &config,
        "mine",
        set,
        "SELECT DISTINCT account_id::text FROM invoice",
        &own,
    );

    // 1. Policies of the entities beside those by hand, which stay.
    let entities = registry![account::Entity, invoice::Entity].unwrap();
    let rls = RlsSchema::new(entities.clone(), config.clone());
    let plan = rls.sync(&owner).await.unwrap();
    let unmanaged: Vec<&Unmanaged> = plan.unmanaged().iter().collect();

    assert!(
        matches!(
            unmanaged.as_slice(),
            [Unmanaged::Policy { .. }, Unmanaged::Policy { .. }]
        ),
        "{unmanaged:?}"
    );

    let db = RlsConnection::connect_with(database.url(), config, entities)
        .await
        .unwrap();

    // 2. Those by hand go, in a migration of the project's.
    let manager = SchemaManager::new(&owner);
    manager.drop_policy("account", "self").await.unwrap();
    manager.drop_policy("invoice", "mine").await.unwrap();

    let plan = rls.plan(&owner).await.unwrap();
    assert!(plan.is_empty() && plan.unmanaged().is_empty(), "{plan}");

    // 3. The program's next version, beside the one that was.
    let mine = db.scope(Settings::new().with("my.uid", account).unwrap());
    assert_eq!(invoice::Entity::find().count(&mine).await.unwrap(), 300);

    let new = invoice::ActiveModel {
        title: Set("new".to_owned()),
        ..Default::default()
    };

    assert_eq!(new.insert(&mine).await.unwrap().account_id, account);

    let seen = watch.end().await;
    assert!(seen.own > 0, "{seen:?}");
    assert_eq!(
        (seen.refused, seen.nothing),
        (0, 0),
        "the program never stopped: {seen:?}"
    );

    assert_eq!(
        texts(&owner, &rows.replace("ORDER", "WHERE title <> 'new' ORDER")).await,
        before
    );
}
