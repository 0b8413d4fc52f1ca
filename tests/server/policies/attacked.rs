//! What a fresh pair of eyes broke once.

use sea_orm::{ConnectionTrait, EntityTrait};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::error::{DeclarationError, SchemaError};
use sea_orm_rls::policy::{Command, Expression, Grantee, Policy};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, UserContext, registry};

use super::{Things, thing};
use crate::fixture::config;
use crate::schema::{database, text};

mod owner_by_text {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "memo")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn an_operator_of_someone_elses_is_not_taken_for_the_servers() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            "CREATE TABLE memo (id serial PRIMARY KEY, owner_id varchar);
             INSERT INTO memo (owner_id) VALUES ('ann'), ('bob');
             CREATE FUNCTION public.yes(varchar, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS \
             'SELECT true';
             CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = public.yes)",
        )
        .await
        .unwrap();

    let (config, registry) = (config(&database), registry![owner_by_text::Entity].unwrap());
    let rls = RlsSchema::new(registry.clone(), config.clone());
    rls.sync(&owner).await.unwrap();
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    let db = RlsConnection::connect_with(database.url(), config, registry)
        .await
        .unwrap();
    let seen = owner_by_text::Entity::find()
        .all(&db.scope(UserContext::new("bob")))
        .await
        .unwrap();

    assert_eq!(
        seen.iter()
            .map(|memo| memo.owner_id.as_str())
            .collect::<Vec<_>>(),
        ["bob"]
    );
}

mod shared {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    pub mod owned {
        use super::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
        #[sea_orm(table_name = "post")]
        #[user_scoped(no_foreign_key, read = "is_public")]
        #[tenant_scoped(no_foreign_key)]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub owner_id: i32,
            pub tenant_id: i32,
            pub is_public: bool,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod comment {
        use super::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "comment")]
        #[user_scoped(via = "owned")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub post_id: i32,
            #[sea_orm(belongs_to, from = "post_id", to = "id")]
            pub post: HasOne<super::owned::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

#[test]
fn what_users_share_stays_in_the_tenant() {
    let registry = registry![shared::owned::Entity, shared::owned::Entity as TenantScoped].unwrap();
    let scope = &registry.scopes()[0];
    assert_eq!(scope.shared.len(), 1);

    let policies = scope.desired_policies(&RlsConfig::new());
    let select = policies
        .iter()
        .find(|policy| policy.name.as_str() == "post_tenant_select")
        .unwrap();

    let using = select.using().unwrap().to_string();

    assert!(
        using.starts_with("(\"tenant_id\" = ") && using.contains(" AND ((\"owner_id\""),
        "{using}"
    );
}

#[tokio::test]
async fn a_reference_that_two_rows_share_is_refused() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            "CREATE TABLE post (id integer, owner_id integer, tenant_id integer, is_public \
             boolean, PRIMARY KEY (owner_id, id));
             CREATE TABLE comment (id serial PRIMARY KEY, post_id integer)",
        )
        .await
        .unwrap();

    let registry = registry![
        shared::owned::Entity,
        shared::owned::Entity as TenantScoped,
        shared::comment::Entity
    ]
    .unwrap();

    let rls = RlsSchema::new(registry, config(&database));
    let error = rls.sync(&owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::ParentNotUnique { parent, .. }) if parent == "public.post"),
        "{error}"
    );
    owner
        .execute_unprepared("ALTER TABLE post ADD UNIQUE (id) DEFERRABLE")
        .await
        .unwrap();
    assert!(
        rls.sync(&owner).await.is_err(),
        "checked at the end of a transaction alone"
    );
    owner
        .execute_unprepared("CREATE UNIQUE INDEX ON post (id)")
        .await
        .unwrap();
    rls.sync(&owner).await.unwrap();
}

#[tokio::test]
async fn tables_that_refer_to_later_ones_are_passed_over_too() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared("CREATE TABLE comment (id serial PRIMARY KEY, post_id integer)")
        .await
        .unwrap();

    let registry = registry![
        shared::owned::Entity,
        shared::owned::Entity as TenantScoped,
        shared::comment::Entity
    ]
    .unwrap();

    let rls = RlsSchema::new(registry, config(&database))
        .missing_tables(sea_orm_rls::schema::MissingTables::Skip);
    rls.sync(&owner).await.unwrap();

    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policy").await,
        "0"
    );
}

#[tokio::test]
async fn a_restrictive_policy_never_goes_without_consent() {
    let things = Things::new().await;
    let own = || Policy::permissive("own").using(Expression::raw_sql("owner_id = 1"));
    let hold = || {
        Policy::restrictive("hold")
            .on([Command::Delete])
            .using(Expression::raw_sql("NOT flag"))
    };

    things.sync([own(), hold()]).await.unwrap();

    let error = things.rls([own()]).sync(&things.owner).await.unwrap_err();
    assert!(
        matches!(error, RlsError::Schema(SchemaError::Weakens { .. })),
        "{error}"
    );

    // Nor does a condition become `true`.
    let error = things
        .rls([Policy::permissive("own").using(true), hold()])
        .sync(&things.owner)
        .await
        .unwrap_err();

    assert!(
        matches!(error, RlsError::Schema(SchemaError::Weakens { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn a_comment_like_ours_makes_no_policy_ours() {
    let things = Things::new().await;
    let own = || Policy::permissive("own").using(Expression::raw_sql("owner_id = 1"));
    things.sync([own()]).await.unwrap();

    for comment in [
        "sea-orm-rls: see wiki",
        "sea-orm-rls: 0123456789abcdef01234567 0123456789abcdef01234567",
    ] {
        things
            .owner
            .execute_unprepared(&format!(
                "DROP POLICY IF EXISTS legal_hold ON thing;
                 CREATE POLICY legal_hold ON thing AS RESTRICTIVE FOR DELETE USING (false);
                 COMMENT ON POLICY legal_hold ON thing IS '{comment}'"
            ))
            .await
            .unwrap();

        let plan = things.sync([own()]).await.unwrap();

        assert!(
            plan.is_empty() && plan.unmanaged().len() == 1,
            "{comment}: {plan}"
        );
    }
}

#[tokio::test]
async fn what_is_asked_for_is_reached_at_once() {
    let things = Things::new().await;
    things
        .owner
        .execute_unprepared(
            "CREATE FUNCTION seen(t thing) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT t.flag'",
        )
        .await
        .unwrap();

    for draft in [
        Policy::permissive("p").using(true).comment(""),
        Policy::permissive("p").using(true).to(["public"]),
        Policy::permissive("p")
            .using(true)
            .to([Grantee::Role("public".to_owned())]),
        Policy::permissive("p").using(Expression::raw_sql("seen(thing)")),
        Policy::permissive("p").using(Expression::Any(Vec::new())),
    ] {
        things.sync([draft.clone()]).await.unwrap();
        let plan = things.plan([draft.clone()]).await.unwrap();
        assert_eq!(plan.to_string(), "", "{draft:?}");
    }
}

#[test]
fn settings_that_nobody_can_set_are_errors() {
    for condition in [
        "label = current_setting('user_id')",
        "label = current_setting('app.' || 'x')",
        "label = current_setting('app.x''y')",
    ] {
        let draft = Policy::permissive("p").using(Expression::raw_sql(condition));
        let error =
            Registry::new([Declaration::policies_of::<thing::Entity>([draft])]).unwrap_err();

        assert!(
            matches!(
                error,
                DeclarationError::Setting { .. } | DeclarationError::Name { .. }
            ),
            "{condition}: {error}"
        );
    }
}

#[tokio::test]
async fn the_login_that_migrates_is_no_role_of_the_application() {
    let things = Things::new().await;
    let boss = text(&things.owner, "SELECT current_user::text").await;
    let config = RlsConfig::new().app_login(&boss, "secret").unwrap();
    let registry = things
        .rls([Policy::permissive("p").using(true)])
        .registry()
        .clone();

    let error = RlsSchema::new(registry, config)
        .sync(&things.owner)
        .await
        .unwrap_err();

    assert!(
        matches!(&error, RlsError::Schema(SchemaError::RoleInUse { role }) if *role == boss),
        "{error}"
    );

    assert_eq!(
        text(
            &things.owner,
            "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user"
        )
        .await,
        "true"
    );
}
