//! The pattern of a `FastAPI` template's `UserScopedBase`, without its web service, which is the
//! example's.
//!
//! What the template gets wrong: its application logs in as a superuser, so nothing is enforced;
//! forcing is not implemented; the context is the session's, and its clean-up is a syntax error
//! that is swallowed; a failed policy prints a warning.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, ModelTrait, PaginatorTrait, QueryOrder, Set,
};
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::{
    AdminContext, RlsConfig, RlsConnection, RlsError, ScopedConnection, UserContext, registry,
};
use uuid::Uuid;

use super::Scenario;
use crate::schema::{text, texts};

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(unique)]
        pub email: String,
        pub is_superuser: bool,
        #[sea_orm(has_many)]
        pub items: HasMany<super::item::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod item {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    /// Nothing but the marker: the column, its key, index and policies are added.
    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "item")]
    #[user_scoped(user = super::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

struct Base {
    scenario: Scenario,
    ann: user::Model,
    bob: user::Model,
    root: user::Model,
}

impl Base {
    async fn new() -> Self {
        let registry = registry![user::Entity, item::Entity].unwrap();
        let scenario = Scenario::new(registry, 2, |schema| {
            schema.register(user::Entity).register(item::Entity)
        })
        .await;

        let mut users = Vec::new();
        for (email, is_superuser) in [
            ("ann@example.org", false),
            ("bob@example.org", false),
            ("root@example.org", true),
        ] {
            let id = Uuid::new_v4();
            let user = user::ActiveModel {
                id: Set(id),
                email: Set(email.into()),
                is_superuser: Set(is_superuser),
            };

            users.push(
                user.insert(&scenario.db.scope(UserContext::new(id)))
                    .await
                    .unwrap(),
            );
        }

        let [ann, bob, root] = users.try_into().unwrap();

        Self {
            scenario,
            ann,
            bob,
            root,
        }
    }

    /// What a regular request gets.
    fn session(&self, user: &user::Model) -> ScopedConnection {
        self.scenario.db.scope(UserContext::new(user.id))
    }

    async fn create(&self, user: &user::Model, title: &str) -> item::Model {
        let item = item::ActiveModel {
            id: Set(Uuid::new_v4()),
            title: Set(title.into()),
            ..Default::default()
        };
        item.insert(&self.session(user)).await.unwrap()
    }
}

#[tokio::test]
async fn the_marker_gives_owner_key_index_cascade_registration_and_policies() {
    let base = Base::new().await;
    let owner = &base.scenario.owner;
    assert_eq!(base.scenario.registry.scopes().len(), 2);

    let key = text(
        owner,
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'item'::regclass AND \
         contype = 'f'",
    )
    .await;

    assert_eq!(
        key,
        "FOREIGN KEY (owner_id) REFERENCES \"user\"(id) ON DELETE CASCADE"
    );

    let index = text(
        owner,
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'item_owner_id_idx'",
    )
    .await;

    assert!(index.ends_with("(owner_id)"), "{index}");

    let commands = texts(
        owner,
        "SELECT DISTINCT cmd FROM pg_policies WHERE tablename = 'item' ORDER BY 1",
    )
    .await;

    assert_eq!(commands, ["ALL", "DELETE", "INSERT", "SELECT", "UPDATE"]);
}

#[tokio::test]
async fn create_list_update_delete() {
    let base = Base::new().await;
    let own = base.create(&base.ann, "ann's").await;
    let others = base.create(&base.bob, "bob's").await;

    assert_eq!(own.owner_id, base.ann.id, "create fills the owner");
    assert_eq!(
        item::Entity::find()
            .all(&base.session(&base.ann))
            .await
            .unwrap(),
        std::slice::from_ref(&own),
        "list shows own"
    );

    let ann = base.session(&base.ann);
    let mut changed: item::ActiveModel = others.clone().into();
    changed.title = Set("changed".into());
    assert!(changed.update(&ann).await.is_err(), "nothing to update");
    assert_eq!(
        others.clone().delete(&ann).await.unwrap().rows_affected,
        0,
        "nothing to delete"
    );

    let mut given: item::ActiveModel = own.clone().into();
    given.owner_id = Set(base.bob.id);

    let refused = given.update(&ann).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    // Per item, as administrator.
    let admin = base.scenario.admin();
    let read = item::Entity::find_by_id(others.id)
        .one(&admin)
        .await
        .unwrap()
        .unwrap();

    let mut changed: item::ActiveModel = read.into();
    changed.title = Set("mended".into());
    assert_eq!(changed.update(&admin).await.unwrap().title, "mended");

    assert_eq!(
        item::Entity::delete_by_id(others.id)
            .exec(&admin)
            .await
            .unwrap()
            .rows_affected,
        1
    );
}

#[tokio::test]
async fn superusers_of_the_application_reach_the_admin_session() {
    let base = Base::new().await;
    base.create(&base.ann, "ann's").await;
    base.create(&base.bob, "bob's").await;

    // Who may is the application's to say; the connection only wants a name and a reason.
    let admin_session = |user: &user::Model| {
        user.is_superuser.then(|| {
            base.scenario
                .db
                .admin(AdminContext::new(&user.email, "the list of all items").unwrap())
        })
    };

    assert!(admin_session(&base.ann).is_none());

    let admin = admin_session(&base.root).unwrap();
    assert_eq!(item::Entity::find().count(&admin).await.unwrap(), 2);
    drop(admin);

    // The block ended; the superuser's regular session sees what is theirs: nothing.
    assert_eq!(
        item::Entity::find()
            .count(&base.session(&base.root))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn relations_load_and_a_deleted_user_takes_their_items_along() {
    let base = Base::new().await;
    base.create(&base.ann, "one").await;
    base.create(&base.ann, "two").await;
    base.create(&base.bob, "three").await;

    let ann = base.session(&base.ann);
    let items = base
        .ann
        .find_related(item::Entity)
        .order_by_asc(item::Column::Title)
        .all(&ann)
        .await
        .unwrap();

    assert_eq!(
        items
            .iter()
            .map(|item| item.title.as_str())
            .collect::<Vec<_>>(),
        ["one", "two"]
    );

    let with_owner = item::Entity::find()
        .find_also_related(user::Entity)
        .all(&ann)
        .await
        .unwrap();

    assert!(
        with_owner
            .iter()
            .all(|(_, owner)| owner.as_ref() == Some(&base.ann))
    );
    assert_eq!(
        user::Entity::delete_by_id(base.bob.id)
            .exec(&ann)
            .await
            .unwrap()
            .rows_affected,
        0
    );
    assert_eq!(
        user::Entity::delete_by_id(base.ann.id)
            .exec(&ann)
            .await
            .unwrap()
            .rows_affected,
        1
    );

    let left = item::Entity::find()
        .all(&base.scenario.admin())
        .await
        .unwrap();

    assert_eq!(
        left.iter()
            .map(|item| item.title.as_str())
            .collect::<Vec<_>>(),
        ["three"]
    );
}

#[tokio::test]
async fn two_roles_with_passwords_from_the_environment_and_two_switches() {
    let database = testbed::server()
        .unwrap()
        .database("scenario")
        .await
        .unwrap();

    let (app, admin) = (
        database.role("rls_app_user"),
        database.role("rls_maintenance_admin"),
    );

    let environment = |enabled: &'static str, force: &'static str| {
        let (app, admin) = (app.clone(), admin.clone());
        RlsConfig::from_lookup(move |variable| {
            Ok(match variable {
                "RLS_ENABLED" => Some(enabled.to_owned()),
                "RLS_FORCE" => Some(force.to_owned()),
                "RLS_ACCEPT_WEAKENING" => Some("true".to_owned()),
                "RLS_APP_USER" => Some(app.clone()),
                "RLS_APP_PASSWORD" => Some("from the environment".to_owned()),
                "RLS_MAINTENANCE_ADMIN" => Some(admin.clone()),
                "RLS_MAINTENANCE_ADMIN_PASSWORD" => Some("of the administrator".to_owned()),
                _ => None,
            })
        })
        .unwrap()
    };

    let owner = sea_orm::Database::connect(database.url()).await.unwrap();
    sea_orm::Schema::new(sea_orm::DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(item::Entity)
        .sync(&owner)
        .await
        .unwrap();

    let registry = registry![user::Entity, item::Entity].unwrap();

    for (enabled, force) in [
        ("true", "true"),
        ("true", "false"),
        ("false", "true"),
        ("true", "true"),
    ] {
        let config = environment(enabled, force);
        sea_orm_rls::RlsSchema::new(registry.clone(), config.clone())
            .sync(&owner)
            .await
            .unwrap();

        let flags = "SELECT concat(bool_and(relrowsecurity), ' ', bool_and(relforcerowsecurity))
                     FROM pg_class WHERE relname IN ('user', 'item')";
        let short = |word: &str| if word == "true" { "t" } else { "f" };
        assert_eq!(
            text(&owner, flags).await,
            format!("{} {}", short(enabled), short(force))
        );

        let db = RlsConnection::connect_with(database.url(), config, registry.clone())
            .await
            .unwrap();
        let login = text(&db.anonymous(), "SELECT current_user::text").await;
        assert_eq!(
            login, app,
            "the application logs in as its own role, whoever the URL names"
        );
        db.close().await;
    }
}

#[tokio::test]
async fn a_superuser_login_and_a_failed_policy_stop_the_application() {
    let base = Base::new().await;
    let app = base.scenario.config.app_role();
    let connect = || {
        RlsConnection::connect_with(
            base.scenario.database.url(),
            base.scenario.config.clone(),
            base.scenario.registry.clone(),
        )
    };

    base.scenario
        .fill(&format!("ALTER ROLE \"{app}\" SUPERUSER"))
        .await;

    let RlsError::Gate(error) = connect().await.unwrap_err() else {
        panic!("the gate")
    };
    assert!(
        matches!(error.findings.as_slice(), [GateFinding::Bypasses { .. }]),
        "{error}"
    );
    base.scenario
        .fill(&format!(
            "ALTER ROLE \"{app}\" NOSUPERUSER; DROP POLICY item_owner_update ON item"
        ))
        .await;

    let RlsError::Gate(error) = connect().await.unwrap_err() else {
        panic!("the gate")
    };

    assert!(
        matches!(
            error.findings.as_slice(),
            [GateFinding::PolicyMissing { .. }]
        ),
        "{error}"
    );
}

#[tokio::test]
async fn the_context_is_the_transactions_alone() {
    let base = Base::new().await;
    let ann = base.session(&base.ann);
    let current = "SELECT coalesce(NULLIF(current_setting('app.user_id', true), ''), 'nobody')";

    assert_eq!(text(&ann, current).await, base.ann.id.to_string());
    assert_eq!(text(&base.scenario.db.anonymous(), current).await, "nobody");
    ann.execute_unprepared("SELECT 1/0").await.unwrap_err();

    assert_eq!(
        text(&base.scenario.db.anonymous(), current).await,
        "nobody",
        "after a failure too"
    );
}

#[tokio::test]
async fn every_command_is_proved_to_keep_them_apart() {
    Base::new().await.scenario.assert_isolated().await;
}
