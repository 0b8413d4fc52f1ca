//! Tables that have rows and policies already, and are then distributed.

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::error::{NotOnCitus, SchemaError};
use sea_orm_rls::schema::{Breaking, Change, apply_changes, ensure_roles};
use sea_orm_rls::{Registry, RlsError, RlsSchema, registry};

use crate::cluster::{config, create_tables, empty, entities, one, role, url};

/// The same tables as their entities were before: all rows on the coordinator.
mod before {
    use super::{Registry, registry};

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
            pub email: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    mod task {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::UserScoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "task")]
        #[user_scoped(user = super::user::Entity)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub owner_id: Uuid,
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub title: String,
            pub rank: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    mod country {
        use sea_orm::entity::prelude::*;
        use sea_orm_rls::Unscoped;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
        #[sea_orm(table_name = "country")]
        #[unscoped(reason = "the same for everyone", grant(select))]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub code: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub(super) fn entities() -> Registry {
        registry![user::Entity, task::Entity, country::Entity as Unscoped].unwrap()
    }
}

/// A login that owns its tables, and nothing else: forced row security binds it.
async fn plain_owner(superuser: &DatabaseConnection, schema: &str) -> DatabaseConnection {
    let name = role(schema, "owner");
    let create = format!("CREATE ROLE {name} LOGIN PASSWORD 'plain'");
    superuser.execute_unprepared(&create).await.unwrap();
    let own = format!("ALTER SCHEMA {schema} OWNER TO {name}");
    superuser.execute_unprepared(&own).await.unwrap();

    let (_, rest) = url()
        .split_once('@')
        .map(|(of, rest)| (of.to_owned(), rest.to_owned()))
        .unwrap();
    let mut options = ConnectOptions::new(format!("postgres://{name}:plain@{rest}"));
    options.max_connections(1).set_schema_search_path(schema);
    Database::connect(options).await.unwrap()
}

const COUNT: &str = "SELECT (SELECT count(*) FROM task) * 10 + (SELECT count(*) FROM \"user\")";
const DISTRIBUTED: &str = "SELECT count(*) FROM pg_dist_partition p
    JOIN pg_class c ON c.oid = p.logicalrelid WHERE c.relnamespace = current_schema()::regnamespace
      AND (p.partmethod = 'h' OR p.repmodel = 't')";

/// Citus copies the rows as the login. Under forced policies it would refuse to spread them, and on
/// the way back copy none and drop all, without an error.
#[tokio::test]
async fn tables_with_policies_are_distributed_by_a_plain_owner_and_keep_their_rows() {
    let (superuser, schema) = empty().await;
    let config = config(&schema);
    ensure_roles(&superuser, &config).await.unwrap();
    let owner = plain_owner(&superuser, &schema).await;
    create_tables(&owner).await;

    let before = RlsSchema::new(before::entities(), config.clone());
    before.sync(&owner).await.unwrap();
    let rows = "INSERT INTO \"user\" SELECT gen_random_uuid(), 'x' FROM generate_series(1, 5);
                INSERT INTO task (owner_id, id, title, rank)
                SELECT id, gen_random_uuid(), 'x', 1 FROM \"user\"";
    superuser.execute_unprepared(rows).await.unwrap();
    assert_eq!(
        one::<i64>(&owner, COUNT).await,
        0,
        "the policies bind the owner"
    );

    let after = RlsSchema::new(entities(), config);
    let breaking = after.plan(&owner).await.unwrap();
    let says = |(_, breaking): (&Change, Breaking)| breaking.fails.contains("MERGE");
    assert!(breaking.breaking().any(says), "{breaking}");
    let applied = after.sync(&owner).await.unwrap();
    assert_eq!(one::<i64>(&superuser, COUNT).await, 55);
    assert_eq!(one::<i64>(&superuser, DISTRIBUTED).await, 3);
    let plan = after.plan(&owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");

    // Citus moves no table back that has a foreign key. Nothing is changed by then.
    let back = applied.reverse();
    let error = apply_changes(&owner, back.changes()).await.unwrap_err();
    assert!(error.to_string().contains("has a foreign key"), "{error}");
    assert_eq!(one::<i64>(&superuser, COUNT).await, 55);
    assert_eq!(one::<i64>(&superuser, DISTRIBUTED).await, 3);

    let drop = "ALTER TABLE task DROP CONSTRAINT task_owner_id_fkey";
    owner.execute_unprepared(drop).await.unwrap();
    apply_changes(&owner, back.changes()).await.unwrap();
    assert_eq!(one::<i64>(&superuser, COUNT).await, 55);
    assert_eq!(one::<i64>(&superuser, DISTRIBUTED).await, 0);
    let forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity
                    AND relnamespace = current_schema()::regnamespace AND relname IN ('user', 'task')";
    assert_eq!(one::<i64>(&superuser, forced).await, 2, "force is restored");

    owner.close().await.unwrap();
    for sql in [
        format!("DROP SCHEMA {schema} CASCADE"),
        format!("DROP OWNED BY {}", role(&schema, "owner")),
        format!("DROP ROLE {}", role(&schema, "owner")),
        format!("DROP ROLE {}", role(&schema, "app")),
        format!("DROP ROLE {}", role(&schema, "admin")),
    ] {
        superuser.execute_unprepared(&sql).await.unwrap();
    }
}

/// Somebody distributed the tables before the library was there.
#[tokio::test]
async fn default_that_citus_cannot_give_any_more_is_refused_at_plan() {
    let (owner, schema) = empty().await;
    create_tables(&owner).await;
    for distribute in [
        "SELECT create_distributed_table('\"user\"', 'id')",
        "SELECT create_distributed_table('task', 'owner_id')",
    ] {
        owner.execute_unprepared(distribute).await.unwrap();
    }

    let rls = RlsSchema::new(entities(), config(&schema));
    let error = rls.plan(&owner).await.unwrap_err();
    let column = "owner_id".to_owned();
    let expected = NotOnCitus::Column { column };
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::NotOnCitus { reason, .. }) if *reason == expected),
        "{error:?}"
    );

    let drop = format!("DROP SCHEMA {schema} CASCADE");
    owner.execute_unprepared(&drop).await.unwrap();
}
