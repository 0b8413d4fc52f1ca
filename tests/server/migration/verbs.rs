//! The verbs of hand-written migrations, as a login that owns its tables and no more.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use sea_orm_migration::SchemaManager;
use sea_orm_migration::sea_query::{Alias, Expr, ExprTrait};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::migration::RlsSchemaManagerExt;
use sea_orm_rls::model::{Expression, Privilege, TableName};
use sea_orm_rls::policy::{Command, Grantee, Policy};
use sea_orm_rls::schema::read;
use sea_orm_rls::{Registry, RlsConfig, RlsSchema};

use crate::fixture::config;
use crate::schema::{database, text, texts};

mod ticket {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ticket")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub status: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const POLICIES: &str =
    "SELECT concat_ws('|', policyname, permissive, cmd, roles::text, qual, with_check)
                        FROM pg_policies WHERE tablename = 'ticket' ORDER BY policyname";

const COMMENTS: &str =
    "SELECT coalesce(obj_description(oid, 'pg_policy'), '-') FROM pg_policy ORDER BY polname";

/// A table, and its owner, who may neither create roles nor temporary tables.
async fn owner() -> (
    testbed::Database,
    DatabaseConnection,
    DatabaseConnection,
    RlsConfig,
) {
    let (database, admin) = database().await;
    let config = config(&database);
    sea_orm_rls::schema::ensure_roles(&admin, &config)
        .await
        .unwrap();

    let owner = database.role("table_owner");
    admin
        .execute_unprepared(&format!(
            r#"REVOKE TEMPORARY ON DATABASE "{}" FROM PUBLIC; CREATE ROLE "{owner}" LOGIN PASSWORD 'owner';
               GRANT ALL ON SCHEMA public TO "{owner}""#,
            database.name()
        ))
        .await
        .unwrap();

    let owner = Database::connect(database.url_as(&owner, "owner"))
        .await
        .unwrap();
    owner
        .execute_unprepared("CREATE TABLE ticket (id serial PRIMARY KEY, status text NOT NULL)")
        .await
        .unwrap();

    (database, admin, owner, config)
}

fn open() -> sea_orm_rls::policy::PolicyDraft {
    Policy::permissive("open")
        .on([Command::Select])
        .using(Expr::col("status").eq("open"))
}

#[tokio::test]
async fn flags_are_switched_however_the_table_is_named() {
    let (_database, _admin, owner, config) = owner().await;
    let manager = SchemaManager::new(&owner);
    let manager = manager.with_rls_config(config);
    let flags = "SELECT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE \
                 relname = 'ticket'";

    manager.enable_rls("ticket").await.unwrap();
    manager.force_rls(("public", "ticket")).await.unwrap();
    assert_eq!(text(&owner, flags).await, "t t");
    manager.no_force_rls(Alias::new("ticket")).await.unwrap();
    manager.disable_rls(ticket::Entity).await.unwrap();
    assert_eq!(text(&owner, flags).await, "f f");

    let before = text(
        &owner,
        "SELECT xmin::text FROM pg_class WHERE relname = 'ticket'",
    )
    .await;

    manager.disable_rls("ticket").await.unwrap();

    assert_eq!(
        text(
            &owner,
            "SELECT xmin::text FROM pg_class WHERE relname = 'ticket'"
        )
        .await,
        before
    );
}

#[tokio::test]
async fn policies_are_created_altered_renamed_and_dropped() {
    let (_database, _admin, owner, config) = owner().await;
    let app = config.app_role().clone();
    let manager = SchemaManager::new(&owner);
    let manager = manager.with_rls_config(config.clone());

    manager
        .create_policy("ticket", open().comment("those that are open"))
        .await
        .unwrap();

    let status = |word: &str| format!("(status = '{word}'::text)");
    assert_eq!(
        texts(&owner, POLICIES).await,
        [format!(
            "open|PERMISSIVE|SELECT|{{{app}}}|{}",
            status("open")
        )]
    );

    let comment = text(&owner, COMMENTS).await;
    assert!(
        comment.starts_with("those that are open\nsea-orm-rls: "),
        "{comment}"
    );

    let closed = Policy::permissive("open")
        .on([Command::Select])
        .to([Grantee::Public]);
    manager
        .alter_policy("ticket", closed.using(Expr::col("status").ne("closed")))
        .await
        .unwrap();
    assert_eq!(
        texts(&owner, POLICIES).await,
        ["open|PERMISSIVE|SELECT|{public}|(status <> 'closed'::text)"]
    );

    let altered = text(&owner, COMMENTS).await;
    assert!(
        altered.starts_with("those that are open\nsea-orm-rls: ") && altered != comment,
        "{altered}"
    );

    let other_kind =
        Policy::restrictive("open").using(Expression::raw_sql("status <> 'x' -- a comment"));
    manager.alter_policy("ticket", other_kind).await.unwrap();

    let expected =
        format!("open|RESTRICTIVE|ALL|{{{app}}}|(status <> 'x'::text)|(status <> 'x'::text)");
    assert_eq!(texts(&owner, POLICIES).await.join(""), expected);

    manager
        .rename_policy("ticket", "open", "not \"x\"")
        .await
        .unwrap();
    assert_eq!(
        texts(&owner, POLICIES).await,
        [expected.replace("open|", "not \"x\"|")]
    );

    let found = read::table(
        &owner,
        &TableName {
            schema: None,
            table: ticket_name(),
        },
    )
    .await
    .unwrap();

    assert_eq!(
        found.policies[0].origin,
        read::Origin::Applied,
        "the fingerprint is good after a rename too"
    );

    manager.drop_policy("ticket", "not \"x\"").await.unwrap();
    assert!(texts(&owner, POLICIES).await.is_empty());
}

fn ticket_name() -> sea_orm_rls::model::Identifier {
    sea_orm_rls::model::Identifier::new("ticket").unwrap()
}

#[tokio::test]
async fn policies_made_by_verbs_are_those_their_entity_asks_for() {
    let (_database, admin, owner, config) = owner().await;
    let manager = SchemaManager::new(&owner);
    let manager = manager.with_rls_config(config.clone());
    let edit = || {
        Policy::permissive("edit")
            .on([Command::Insert, Command::Update])
            .using(Expression::raw_sql("id > 0"))
    };

    manager.create_policy("ticket", open()).await.unwrap();
    manager.create_policy("ticket", edit()).await.unwrap();

    let before = texts(&owner, COMMENTS).await;
    assert_eq!(before.len(), 3);

    let registry =
        Registry::new([Declaration::policies_of::<ticket::Entity>([open(), edit()])]).unwrap();
    let rls = RlsSchema::new(registry, config);
    let plan = rls.plan(&admin).await.unwrap();

    assert!(
        !plan.to_string().contains("POLICY \"open\"")
            && !plan.to_string().contains("POLICY \"edit"),
        "{plan}"
    );
    rls.sync(&admin).await.unwrap();

    let policies = "SELECT obj_description(oid, 'pg_policy') FROM pg_policy
                    WHERE polname IN ('open', 'edit_insert', 'edit_update') ORDER BY polname";

    assert_eq!(
        texts(&owner, policies).await,
        before,
        "no fingerprint was out of date"
    );
}

#[tokio::test]
async fn grants_hold_for_the_sequences_behind_columns_too() {
    let (_database, _admin, owner, config) = owner().await;
    let manager = SchemaManager::new(&owner);
    let manager = manager.with_rls_config(config.clone());
    let rights = format!(
        "SELECT concat_ws(' ', has_table_privilege(r, 'ticket', 'SELECT'), has_table_privilege(r, \
         'ticket', 'INSERT'),
                          has_sequence_privilege(r, 'ticket_id_seq', 'USAGE'))
         FROM (VALUES ('{}'), ('{}'), ('pg_monitor')) v (r)",
        config.app_role(),
        config.admin_role()
    );

    manager
        .grant(
            "ticket",
            Grantee::App,
            [Privilege::Select, Privilege::Insert],
        )
        .await
        .unwrap();
    manager
        .grant("ticket", Grantee::Admin, [Privilege::Select])
        .await
        .unwrap();
    manager
        .grant("ticket", "pg_monitor", [Privilege::Insert])
        .await
        .unwrap();
    assert_eq!(texts(&owner, &rights).await, ["t t t", "t f f", "f t t"]);
    manager
        .revoke("ticket", Grantee::App, [Privilege::Insert])
        .await
        .unwrap();
    manager
        .revoke("ticket", "pg_monitor", [Privilege::Insert])
        .await
        .unwrap();
    manager
        .grant("ticket", Grantee::Public, [Privilege::Select])
        .await
        .unwrap();
    assert_eq!(texts(&owner, &rights).await, ["t f f", "t f f", "t f f"]);
}

#[tokio::test]
async fn mistakes_are_errors_that_say_what_there_is() {
    let (_database, _admin, owner, config) = owner().await;
    let manager = SchemaManager::new(&owner);
    let manager = manager.with_rls_config(config);

    manager.create_policy("ticket", open()).await.unwrap();
    for (error, expected) in [
        (
            manager.enable_rls("tickets").await,
            "there is no table `tickets`",
        ),
        (
            manager.enable_rls(("other", "ticket")).await,
            "there is no table `other.ticket`",
        ),
        (manager.enable_rls("").await, "a table"),
        (
            manager.drop_policy("ticket", "opne").await,
            "table `public.ticket` has no policy `opne`; it has open",
        ),
        (
            manager
                .alter_policy("ticket", Policy::permissive("x").using(true))
                .await,
            "has no policy `x`",
        ),
        (
            manager.rename_policy("ticket", "open", "").await,
            "a policy",
        ),
        (
            manager
                .create_policy("ticket", Policy::permissive("x"))
                .await,
            "table `ticket`: policy `x` lets no row through",
        ),
        (
            manager.create_policy("ticket", open()).await,
            "table `public.ticket`: `open` is there already",
        ),
        (
            manager
                .create_policy(
                    "ticket",
                    Policy::permissive("x").using(Expr::col("nothing").eq(1)),
                )
                .await,
            "nothing",
        ),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    assert_eq!(
        texts(&owner, POLICIES).await.len(),
        1,
        "nothing is half-applied"
    );
}

#[tokio::test]
async fn verbs_are_undone_with_the_migration_and_leave_its_settings() {
    let (_database, _admin, owner, config) = owner().await;
    let settings =
        "SELECT concat_ws('|', current_setting('search_path'), current_setting('row_security'),
                                     current_setting('lock_timeout'))";
    let transaction = owner.begin().await.unwrap();

    transaction
        .execute_unprepared("SET LOCAL lock_timeout = '1s'; SET LOCAL search_path = public")
        .await
        .unwrap();

    let before = text(&transaction, settings).await;
    let manager = SchemaManager::new(&transaction);
    let manager = manager.with_rls_config(config);

    manager.enable_rls("ticket").await.unwrap();
    manager.create_policy("ticket", open()).await.unwrap();
    manager.create_policy("ticket", open()).await.unwrap_err();
    assert_eq!(text(&transaction, settings).await, before);
    assert_eq!(
        texts(&transaction, POLICIES).await.len(),
        1,
        "a refused verb undoes itself alone"
    );
    transaction.rollback().await.unwrap();
    assert!(texts(&owner, POLICIES).await.is_empty());
}
