//! Bad input gets a typed error, and nothing is half-applied.

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use sea_orm_rls::error::{DeclarationError, NoCopies, SchemaError};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, registry};

use super::{database, text};
use crate::fixture::{config, entities, task, user};

mod integer_task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The table of `task::Entity` under its full name, and another owner.
mod full_name {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task", schema_name = "public")]
    #[user_scoped(owner = "author_id")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn one_table_under_two_names_is_an_error() {
    let (database, owner) = database().await;
    let create =
        r#"CREATE TABLE "user" (id uuid PRIMARY KEY); CREATE TABLE task (id uuid PRIMARY KEY)"#;
    owner.execute_unprepared(create).await.unwrap();

    let registry = registry![user::Entity, task::Entity, full_name::Entity].unwrap();
    let error = RlsSchema::new(registry, config(&database))
        .sync(&owner)
        .await
        .unwrap_err();

    assert!(
        matches!(&error, RlsError::Declaration(DeclarationError::Clash { table }) if table == "public.task"),
        "{error}"
    );
}

#[test]
fn empty_registry_is_an_error() {
    assert_eq!(registry![].unwrap_err(), DeclarationError::NoEntities);
    assert_eq!(Registry::new([]).unwrap_err(), DeclarationError::NoEntities);
}

#[test]
fn entities_are_registered_once_a_table_and_found_by_linking() {
    let twice = registry![task::Entity, user::Entity, task::Entity].unwrap();
    assert_eq!(twice, registry![user::Entity, task::Entity].unwrap());

    let clash = registry![user::Entity, task::Entity, integer_task::Entity].unwrap_err();
    assert!(
        matches!(clash, DeclarationError::KeyMismatch { .. }),
        "{clash}"
    );

    // This binary links entities that contradict each other on purpose; the linked registry says
    // so.
    assert!(Registry::linked().is_err());
}

#[test]
fn owner_without_identity_or_of_another_type_is_an_error() {
    let error = registry![integer_task::Entity].unwrap_err();
    assert!(
        matches!(&error, DeclarationError::NoIdentity { table, .. } if table == "task"),
        "{error}"
    );

    let error = registry![integer_task::Entity, user::Entity].unwrap_err();
    let expected = "table `task`: the owner column `owner_id` is integer, but the identity's key \
                    `user.id` is uuid: give both one type";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn owner_column_of_another_type_in_the_database_is_an_error() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            r#"CREATE TABLE "user" (id uuid PRIMARY KEY); CREATE TABLE task (id uuid, owner_id integer)"#,
        )
        .await
        .unwrap();

    let rls = RlsSchema::new(
        registry![user::Entity, task::Entity].unwrap(),
        config(&database),
    );

    let error = rls.sync(&owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::OwnerType { found, .. }) if found == "integer"),
        "{error}"
    );

    assert_eq!(
        text(&owner, "SELECT count(*)::text FROM pg_policies").await,
        "0"
    );
}

#[tokio::test]
async fn identity_without_its_key_is_an_error() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(r#"CREATE TABLE "user" (name text)"#)
        .await
        .unwrap();

    let error = RlsSchema::new(registry![user::Entity].unwrap(), config(&database))
        .sync(&owner)
        .await
        .unwrap_err();

    assert!(
        matches!(&error, RlsError::Schema(SchemaError::MissingKey { column, .. }) if column == "id"),
        "{error}"
    );
}

#[tokio::test]
async fn login_without_createrole_is_told_what_to_run() {
    let (database, owner) = database().await;
    let weak = database.role("weak");
    owner
        .execute_unprepared(&format!(
            r#"CREATE ROLE "{weak}" LOGIN PASSWORD 'weak'; CREATE SCHEMA own AUTHORIZATION "{weak}";
               ALTER ROLE "{weak}" SET search_path = own"#
        ))
        .await
        .unwrap();

    let weak = Database::connect(database.url_as(&weak, "weak"))
        .await
        .unwrap();
    weak.execute_unprepared(r#"CREATE TABLE "user" (id uuid PRIMARY KEY)"#)
        .await
        .unwrap();

    let config = config(&database);
    let rls = RlsSchema::new(registry![user::Entity].unwrap(), config.clone());
    let error = rls.sync(&weak).await.unwrap_err();
    let RlsError::Schema(SchemaError::RolesRefused { statements, .. }) = &error else {
        panic!("{error:?}")
    };

    assert_eq!(error.sqlstate().as_deref(), Some("42501"));
    assert!(
        statements
            .iter()
            .all(|statement| error.to_string().contains(statement)),
        "{error}"
    );
    assert!(!error.to_string().contains("password'"), "{error}");

    // What psql does with `\\password`, and with the rest.
    for statement in statements {
        let sql = match statement.strip_prefix("\\password ") {
            Some(role) => format!("ALTER ROLE {role} PASSWORD 'x'"),
            None => statement.clone(),
        };
        owner.execute_unprepared(&sql).await.unwrap();
    }

    rls.sync(&weak).await.unwrap();
    assert!(
        rls.plan(&weak).await.unwrap().is_empty(),
        "an owner that is no superuser converges too"
    );

    let alter = format!("ALTER ROLE \"{}\" INHERIT CREATEDB", config.app_role());
    owner.execute_unprepared(&alter).await.unwrap();

    let error = rls.sync(&weak).await.unwrap_err();
    let RlsError::Schema(SchemaError::RolesRefused { statements, .. }) = &error else {
        panic!("{error:?}")
    };

    assert_eq!(
        *statements,
        [format!(
            "ALTER ROLE \"{}\" NOCREATEDB NOINHERIT;",
            config.app_role()
        )]
    );
}

/// limits.md: "temporary tables and functions".
#[tokio::test]
async fn login_without_temporary_cannot_verify() {
    let (database, owner) = database().await;
    let weak = database.role("no_temp");
    owner
        .execute_unprepared(&format!(
            r#"REVOKE TEMPORARY ON DATABASE "{}" FROM PUBLIC; CREATE ROLE "{weak}" LOGIN PASSWORD 'weak' CREATEROLE;
               GRANT ALL ON SCHEMA public TO "{weak}""#,
            database.name()
        ))
        .await
        .unwrap();

    let weak = Database::connect(database.url_as(&weak, "weak"))
        .await
        .unwrap();
    weak.execute_unprepared(r#"CREATE TABLE "user" (id uuid PRIMARY KEY)"#)
        .await
        .unwrap();

    let error = RlsSchema::new(registry![user::Entity].unwrap(), config(&database))
        .plan(&weak)
        .await
        .unwrap_err();

    assert!(
        matches!(
            error,
            RlsError::Schema(SchemaError::CannotVerify {
                because: NoCopies::Privilege
            })
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn no_server_and_other_backends_are_typed_errors() {
    let config = RlsConfig::new();
    for (url, backend) in [
        ("sqlite::memory:", "sqlite"),
        ("mysql://root@localhost/x", "mysql"),
        ("nonsense", "nonsense"),
    ] {
        let error = RlsConnection::connect_with(url, config.clone(), entities())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, RlsError::Backend { backend: found } if found == backend),
            "{error:?}"
        );
    }

    let mut gone = ConnectOptions::new("postgres://nobody:secret@127.0.0.1:1/nothing");
    gone.acquire_timeout(std::time::Duration::from_secs(1));

    let error = RlsConnection::connect_with(gone, config.clone(), entities())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RlsError::Unreachable { address, .. } if address == "127.0.0.1:1"),
        "{error:?}"
    );

    let error = RlsConnection::connect_with("postgres://u:secret@[", config, entities())
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// FAULTS A1: an existing superuser, named as the application's role, lost SUPERUSER.
#[tokio::test]
async fn role_of_an_administrator_is_refused_before_anything_is_created() {
    for power in ["SUPERUSER", "BYPASSRLS", "CREATEROLE", "REPLICATION"] {
        let (database, owner) = database().await;
        let create = "CREATE TABLE \"user\" (id uuid PRIMARY KEY, email text); CREATE TABLE task (id \
                      uuid PRIMARY KEY); CREATE TABLE note (id serial PRIMARY KEY)";
        owner.execute_unprepared(create).await.unwrap();
        let (boss, other) = (database.role("boss"), database.role("other"));
        let create = format!("CREATE ROLE \"{boss}\" LOGIN {power}");
        owner.execute_unprepared(&create).await.unwrap();

        for config in [
            RlsConfig::new()
                .app_login(&boss, "app")
                .unwrap()
                .admin_login(&other, "admin")
                .unwrap(),
            RlsConfig::new()
                .app_login(&other, "app")
                .unwrap()
                .admin_login(&boss, "admin")
                .unwrap(),
        ] {
            let rls = RlsSchema::new(entities(), config.clone());
            let refused = [
                rls.plan(&owner).await.unwrap_err(),
                rls.sync(&owner).await.unwrap_err(),
                sea_orm_rls::schema::ensure_roles(&owner, &config)
                    .await
                    .unwrap_err(),
            ];

            for error in refused {
                assert!(
                    matches!(&error, RlsError::Schema(SchemaError::RoleHasPowers { role, powers })
                        if *role == boss && powers == power),
                    "{error}"
                );
                assert!(error.to_string().contains("application's own"), "{error}");
            }
        }

        let state = format!(
            "SELECT concat_ws(' ', (SELECT rolsuper OR rolbypassrls OR rolcreaterole OR \
             rolreplication FROM pg_roles WHERE rolname = '{boss}'),
             (SELECT count(*) FROM pg_roles WHERE rolname = '{other}'),
             (SELECT count(*) FROM pg_policy), to_regclass('rls_audit'))"
        );
        assert_eq!(text(&owner, &state).await, "t 0 0");
        let drop = format!("DROP ROLE \"{boss}\"");
        owner.execute_unprepared(&drop).await.unwrap();
    }
}

/// Models without an owner field, and a relation to the identity by another column.
macro_rules! reviewed {
    ($module:ident, $attribute:meta) => {
        #[allow(dead_code, reason = "SeaORM generates more than each test uses")]
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = "review")]
            #[$attribute]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: Uuid,
                pub reader: Uuid,
                #[sea_orm(belongs_to, from = "reader", to = "id")]
                pub by: HasOne<crate::fixture::user::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

reviewed!(bare, doc = "Says nothing of an owner.");
reviewed!(named, user_scoped(owner = "reader"));
reviewed!(both, user_scoped(table_only));

/// FAULTS A2: the relation tells what the name does not.
#[test]
fn owner_column_beside_one_that_refers_to_the_identity_is_an_error() {
    let error = registry![user::Entity, task::Entity, bare::Entity].unwrap_err();
    assert!(
        matches!(&error, DeclarationError::OwnerElsewhere { table, column, other }
            if table == "review" && column == "owner_id" && other == "reader"),
        "{error}"
    );

    registry![user::Entity, task::Entity, named::Entity].unwrap();
    registry![user::Entity, task::Entity, both::Entity].unwrap();
}
