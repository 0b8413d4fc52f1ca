//! A policy without a condition on written rows has its condition on existing ones in its place. Signed
//! contexts make that one longer, and change nothing of what may be written.

use std::time::Duration;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_rls::context::Settings;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft, setting};
use sea_orm_rls::signing::SignedContexts;
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, registry};
use uuid::Uuid;

use crate::schema::database;

/// With drafts for all commands.
#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod parcel {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::PolicyDraft;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "parcel")]
    #[user_scoped(no_foreign_key, policies = kept)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub shelf: i32,
        pub state: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    fn kept() -> [PolicyDraft; 2] {
        super::kept("parcel", &[])
    }
}

/// With drafts for updates alone.
#[allow(dead_code, reason = "SeaORM generates more than each test uses")]
mod packet {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{Command, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "packet")]
    #[user_scoped(no_foreign_key, policies = kept)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: Uuid,
        pub shelf: i32,
        pub state: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    fn kept() -> [PolicyDraft; 2] {
        super::kept("packet", &[Command::Update])
    }
}

/// Rows stay on the context's shelf. Those that are broken are hidden, and may be written.
fn kept(table: &str, commands: &[Command]) -> [PolicyDraft; 2] {
    let on_shelf = Expr::col("shelf").eq(setting::<i32>("app.shelf"));
    [
        Policy::restrictive(format!("{table}_on_shelf"))
            .on(commands.iter().copied())
            .using(on_shelf)
            .verbatim(),
        Policy::restrictive(format!("{table}_whole"))
            .on(commands.iter().copied())
            .using(Expr::col("state").ne("broken"))
            .with_check(true),
    ]
}

const TABLES: &str = "
CREATE TABLE parcel (id serial PRIMARY KEY, owner_id uuid NOT NULL, shelf integer NOT NULL,
  state text NOT NULL);
CREATE TABLE packet (id serial PRIMARY KEY, owner_id uuid NOT NULL, shelf integer NOT NULL,
  state text NOT NULL)";

const ROWS: &str = "
INSERT INTO packet (shelf, state) VALUES (1, 'whole'), (1, 'broken'), (2, 'whole')";

/// Each statement of a user at shelf 1, and how many rows it writes; none if it is refused.
const STATEMENTS: [(&str, Option<u64>); 7] = [
    (
        "INSERT INTO parcel (shelf, state) VALUES (1, 'whole')",
        Some(1),
    ),
    (
        "INSERT INTO parcel (shelf, state) VALUES (1, 'broken')",
        Some(1),
    ),
    (
        "INSERT INTO parcel (shelf, state) VALUES (2, 'whole')",
        None,
    ),
    ("UPDATE packet SET state = 'broken'", Some(1)),
    ("UPDATE packet SET state = 'sent'", Some(1)),
    ("UPDATE packet SET shelf = 2", None),
    ("UPDATE packet SET shelf = 1, state = 'broken'", Some(1)),
];

fn entities() -> Registry {
    registry![parcel::Entity, packet::Entity].unwrap()
}

/// The configuration of a service, after the database has got policies that read contexts so.
async fn synced(owner: &DatabaseConnection, config: RlsConfig, level: SignedContexts) -> RlsConfig {
    let schema = |level| RlsSchema::new(entities(), config.clone().signed_contexts(level));
    if level == SignedContexts::Off {
        schema(level).sync(owner).await.unwrap();
        return config;
    }

    let sent = schema(SignedContexts::Sent);
    sent.sync(owner).await.unwrap();
    let key = sent.rotate_keys(owner, Duration::ZERO).await.unwrap();
    schema(level).sync(owner).await.unwrap();
    config.signed_contexts(level).signing_keys(key)
}

#[tokio::test]
async fn draft_without_a_condition_on_written_rows_keeps_its_own() {
    for level in [
        SignedContexts::Off,
        SignedContexts::Sent,
        SignedContexts::Required,
    ] {
        let (database, owner) = database().await;
        owner.execute_unprepared(TABLES).await.unwrap();
        let config = synced(&owner, crate::fixture::config(&database), level).await;
        let db = RlsConnection::connect_with(database.url(), config, entities())
            .await
            .unwrap();

        let context = |shelf: i32| {
            let user = Settings::new().with("app.user_id", Uuid::from_u128(1));
            user.unwrap().with("app.shelf", shelf).unwrap()
        };
        db.scope(context(1)).execute_unprepared(ROWS).await.unwrap();
        let scope = db.scope(context(1));

        for (sql, written) in STATEMENTS {
            let transaction = scope.begin().await.unwrap();
            let ran = transaction.execute_unprepared(sql).await;
            transaction.rollback().await.unwrap();

            let ran = ran.map(|result| result.rows_affected());
            match (&ran, written) {
                (Ok(rows), Some(written)) => assert_eq!(*rows, written, "{level:?}: {sql}"),
                (Err(error), None) => assert!(
                    matches!(RlsError::from(error), RlsError::PolicyRefused { .. }),
                    "{level:?}: {sql}: {error}"
                ),
                _ => panic!("{level:?}: {sql}: {ran:?}"),
            }
        }
    }
}
