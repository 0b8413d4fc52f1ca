//! Migrations by a login that owns the tables, is no superuser, and is held by their policies.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseConnection, EntityTrait, Set};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::schema::{Change, Plan, RoleChange, RowSecurityChange, TableChange};
use sea_orm_rls::{
    AdminContext, Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, UserContext, registry,
};
use uuid::Uuid;

use super::{text, texts};
use crate::fixture::{Public, config, plain_login, task, user};
use crate::lane::new_task;

/// Tasks that get a tenant beside their owner, and reviews that get the owner of their task.
mod later {
    pub mod task {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::{TenantScoped, UserScoped};

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
        #[sea_orm(table_name = "task")]
        #[user_scoped(user = crate::fixture::user::Entity)]
        #[tenant_scoped(
            backfill = "SELECT id FROM \"user\" WHERE id = owner_id",
            no_foreign_key
        )]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub owner_id: Uuid,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod review {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "review")]
        #[user_scoped(user = crate::fixture::user::Entity, backfill = "SELECT owner_id FROM task \
                                                            WHERE id = task_id")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub task_id: Uuid,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod opaque {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "review")]
        #[user_scoped(user = crate::fixture::user::Entity, backfill = "holder(task_id)")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub task_id: Uuid,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

struct World {
    database: testbed::Database,
    plain: DatabaseConnection,
    config: RlsConfig,
    users: [Uuid; 2],
}

/// Two users with a task each and a review of it, in tables that a plain login owns; reviews have
/// no owner yet.
async fn world() -> World {
    let database = testbed::server().unwrap().database("owner").await.unwrap();
    let plain = plain_login(&database, Public::Granted).await;
    let tables = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL);
        CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, rank integer NOT NULL);
        CREATE TABLE review (id uuid PRIMARY KEY, task_id uuid NOT NULL REFERENCES task DEFERRABLE INITIALLY DEFERRED);
        CREATE FUNCTION looked_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER look AFTER UPDATE ON task DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION looked_at()"#;

    plain.execute_unprepared(tables).await.unwrap();

    let (config, users) = (config(&database), [Uuid::new_v4(), Uuid::new_v4()]);
    let entities = registry![user::Entity, task::Entity].unwrap();
    RlsSchema::new(entities.clone(), config.clone())
        .sync(&plain)
        .await
        .unwrap();

    let db = RlsConnection::connect_with(database.url(), config.clone(), entities)
        .await
        .unwrap();
    for id in users {
        let scope = db.scope(UserContext::new(id));
        user::ActiveModel {
            id: Set(id),
            email: Set(id.to_string()),
        }
        .insert(&scope)
        .await
        .unwrap();

        let task = new_task("small").insert(&scope).await.unwrap();

        // Reviews are still everyone's.
        plain
            .execute_unprepared(&format!(
                "INSERT INTO review VALUES (gen_random_uuid(), '{}')",
                task.id
            ))
            .await
            .unwrap();
    }

    assert_eq!(
        text(&plain, "SELECT count(*)::text FROM task").await,
        "0",
        "its policies hold their owner"
    );

    World {
        database,
        plain,
        config,
        users,
    }
}

/// The tables whose row security does not hold for their owner.
const UNFORCED: &str =
    "SELECT relname::text FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity";

fn lifted(plan: &Plan) -> Vec<String> {
    let tables = plan.changes().iter().filter_map(|change| match change {
        Change::Table(table, TableChange::RowSecurity(RowSecurityChange::LiftForce)) => {
            Some(table.to_string())
        }
        _ => None,
    });
    tables.collect()
}

impl World {
    async fn sync(&self, entities: Registry) -> Result<Plan, RlsError> {
        let rls = RlsSchema::new(entities, self.config.clone()).danger_accept_weakening(true);
        let plan = rls.sync(&self.plain).await?;

        // It may not read stored passwords, so they are set each time.
        let password =
            |change: &&Change| matches!(change, Change::Role(_, RoleChange::Alter { .. }));
        let left = rls.plan(&self.plain).await?;
        assert_eq!(
            left.changes()
                .iter()
                .filter(|change| !password(change))
                .collect::<Vec<_>>(),
            Vec::<&_>::new()
        );
        assert_eq!(texts(&self.plain, UNFORCED).await, Vec::<String>::new());

        Ok(plan)
    }
}

#[tokio::test]
async fn second_key_of_a_forced_table_is_backfilled() {
    let world = world().await;
    let unlisted = registry![user::Entity, later::task::Entity].unwrap_err();
    assert!(
        unlisted
            .to_string()
            .contains("task::Entity as TenantScoped"),
        "{unlisted}"
    );

    let entities = registry![
        user::Entity,
        later::task::Entity,
        later::task::Entity as TenantScoped
    ]
    .unwrap();

    let plan = world.sync(entities.clone()).await.unwrap();
    assert_eq!(lifted(&plan), ["public.task", "public.user"], "{plan}");

    let url = world.database.url();
    let db = RlsConnection::connect_with(url, world.config.clone(), entities)
        .await
        .unwrap();
    let admin = db.admin(AdminContext::new("tester", "counts").unwrap());
    let rows = later::task::Entity::find().all(&admin).await.unwrap();
    let mut owners: Vec<Uuid> = rows.iter().map(|row| row.owner_id).collect();
    let mut users = world.users;

    owners.sort();
    users.sort();
    assert_eq!(owners, users);

    let filled = "SELECT count(*)::text FROM task WHERE tenant_id = owner_id";
    assert_eq!(text(&admin, filled).await, "2");
}

#[tokio::test]
async fn new_table_is_backfilled_from_a_forced_one() {
    let world = world().await;
    let entities = registry![user::Entity, task::Entity, later::review::Entity].unwrap();
    let plan = world.sync(entities.clone()).await.unwrap();

    // Users for the key.
    assert_eq!(lifted(&plan), ["public.task", "public.user"]);

    let db = RlsConnection::connect_with(world.database.url(), world.config.clone(), entities)
        .await
        .unwrap();

    for id in world.users {
        let mine = later::review::Entity::find()
            .all(&db.scope(UserContext::new(id)))
            .await
            .unwrap();
        assert_eq!(mine.len(), 1);
    }
}

#[tokio::test]
async fn backfill_that_hides_what_it_reads_is_refused_and_changes_nothing() {
    let world = world().await;
    let function = "CREATE FUNCTION holder(uuid) RETURNS uuid LANGUAGE sql STABLE
        AS 'SELECT owner_id FROM public.task WHERE id = $1'";
    world.plain.execute_unprepared(function).await.unwrap();

    let entities = registry![user::Entity, task::Entity, later::opaque::Entity].unwrap();
    let error = world.sync(entities).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::RowsHidden { .. })),
        "{error:?}"
    );

    let said = error.to_string();
    assert!(
        said.contains("`public.review`") && said.contains("`task`") && said.contains("maintenance"),
        "{said}"
    );

    let columns = "SELECT count(*)::text FROM pg_attribute WHERE attrelid = 'review'::regclass AND \
                   attname = 'owner_id'";
    assert_eq!(text(&world.plain, columns).await, "0");
    assert_eq!(texts(&world.plain, UNFORCED).await, Vec::<String>::new());
}

#[tokio::test]
async fn schema_that_nobody_here_may_grant_is_said_to_need_who_may() {
    let world = world().await;
    let (app, plain) = (world.config.app_role(), world.database.role("plain"));
    let revoke = format!(
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {plain}"
    );

    world.database.execute(&revoke).await.unwrap();

    let error = world
        .sync(registry![user::Entity, task::Entity].unwrap())
        .await
        .unwrap_err();

    let RlsError::Schema(SchemaError::Privilege { sql, .. }) = &error else {
        panic!("{error:?}")
    };

    assert_eq!(
        *sql,
        format!("GRANT USAGE ON SCHEMA \"public\" TO \"{app}\"")
    );
}

#[tokio::test]
async fn force_is_not_lifted_for_good() {
    let world = world().await;
    let table = world
        .sync(registry![user::Entity, task::Entity].unwrap())
        .await
        .map(|_| "public.task")
        .unwrap();

    let name = sea_orm_rls::model::TableName {
        schema: Some(sea_orm_rls::model::Identifier::new("public").unwrap()),
        table: sea_orm_rls::model::Identifier::new("task").unwrap(),
    };

    let lift = Change::on(name.clone(), RowSecurityChange::LiftForce);
    let restore = Change::on(name, RowSecurityChange::RestoreForce);
    let error = sea_orm_rls::schema::apply_changes(&world.plain, std::slice::from_ref(&lift))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::LiftedForGood { table: said }) if said == table),
        "{error:?}"
    );
    sea_orm_rls::schema::apply_changes(&world.plain, &[lift, restore])
        .await
        .unwrap();
    assert_eq!(texts(&world.plain, UNFORCED).await, Vec::<String>::new());
}

#[tokio::test]
async fn privilege_that_another_role_granted_is_said_to_need_who_granted_it() {
    let world = world().await;
    let (app, plain, lender) = (
        world.config.app_role(),
        world.database.role("plain"),
        world.database.role("lender"),
    );

    let lent = format!(
        "CREATE ROLE {lender}; GRANT {lender} TO CURRENT_USER; GRANT USAGE ON SCHEMA public TO \
         {lender};
         GRANT TRUNCATE ON task TO {lender} WITH GRANT OPTION; SET ROLE {lender};
         GRANT TRUNCATE ON task TO \"{app}\"; RESET ROLE; GRANT {plain} TO CURRENT_USER"
    );

    world.database.execute(&lent).await.unwrap();

    let error = world
        .sync(registry![user::Entity, task::Entity].unwrap())
        .await
        .unwrap_err();

    let RlsError::Schema(SchemaError::Privilege { what, sql, .. }) = &error else {
        panic!("{error:?}")
    };

    assert_eq!(
        (what.as_str(), sql.contains("REVOKE TRUNCATE")),
        ("revoke this", true),
        "{error}"
    );
}
