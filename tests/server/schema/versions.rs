//! What PostgreSQL lets memberships and constraints be since 16 and 18, and was not there to be
//! read before.

use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_rls::doctor::{Doctor, Remedy};
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::schema::{
    Change, ColumnChange, ForeignKeyChange, RoleChange, RowSecurityChange, TableChange,
};
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema, registry};

use super::{database, text};
use crate::fixture::{Fixture, Public, config, entities, plain_login, task, user};

/// With this database's names for `APP`, `KEEPER` (the administrator), `HELPER` and `OTHER`.
async fn run(fixture: &Fixture, sql: &str) {
    let helper = fixture.database.role("helper");
    let sql = sql
        .replace("APP", &format!("\"{}\"", fixture.config.app_role()))
        .replace("KEEPER", &format!("\"{}\"", fixture.config.admin_role()))
        .replace("HELPER", &helper)
        .replace("OTHER", &fixture.database.role("other"));

    fixture
        .owner
        .execute_unprepared(&sql)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Whether the server is older than `version`, which brought the syntax of this statement. An older
/// server must refuse it: what it cannot say is no state of a database there.
async fn is_unknown_before(version: i32, db: &DatabaseConnection, sql: &str) -> bool {
    if super::version(db).await >= version {
        return false;
    }

    let refused = RlsError::from(db.execute_unprepared(sql).await.unwrap_err());
    assert_eq!(refused.sqlstate().as_deref(), Some("42601"), "{refused}");
    true
}

/// Brings the database back, after which nothing is left to change.
async fn sync(fixture: &Fixture) -> Vec<Change> {
    let rls = RlsSchema::new(entities(), fixture.config.clone());
    let plan = rls.sync(&fixture.owner).await.unwrap();
    let left = rls.plan(&fixture.owner).await.unwrap();

    assert!(left.is_empty(), "{left}");
    plan.changes().to_vec()
}

/// Granted by one who is neither the migrations' login nor a superuser, and passed on.
const MEMBERSHIP: &str = "GRANT KEEPER TO HELPER WITH ADMIN OPTION;
    SET SESSION AUTHORIZATION HELPER; GRANT KEEPER TO APP WITH ADMIN OPTION;
    SET SESSION AUTHORIZATION APP; GRANT KEEPER TO OTHER; RESET SESSION AUTHORIZATION";

#[tokio::test]
async fn membership_ends_whoever_granted_it() {
    let fixture = Fixture::new(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    let member = format!("SELECT pg_has_role('{app}', '{admin}', 'MEMBER')::text");

    run(&fixture, "CREATE ROLE HELPER; CREATE ROLE OTHER").await;
    run(&fixture, MEMBERSHIP).await;

    let changes = sync(&fixture).await;
    assert!(
        matches!(
            changes.as_slice(),
            [Change::Role(_, RoleChange::RevokeMembership { .. })]
        ),
        "{changes:?}"
    );
    assert_eq!(text(&fixture.owner, &member).await, "false");

    run(&fixture, MEMBERSHIP).await;

    let report = Doctor::new(entities(), fixture.config.clone())
        .examine(&fixture.owner)
        .await
        .unwrap();

    let finding = report
        .findings()
        .iter()
        .find(|finding| finding.rule.id == "RLS003")
        .unwrap();

    let Remedy::Sql {
        statements: remedy, ..
    } = &finding.remedy
    else {
        panic!("{:?}", finding.remedy)
    };
    run(&fixture, &remedy.join(";")).await;
    assert_eq!(text(&fixture.owner, &member).await, "false");
}

#[tokio::test]
async fn inherited_privileges_end() {
    let fixture = Fixture::new(1).await;
    run(
        &fixture,
        "CREATE TABLE secret (id integer); CREATE ROLE HELPER; GRANT SELECT ON secret TO HELPER;
         ALTER ROLE APP INHERIT; GRANT HELPER TO APP",
    )
    .await;

    let reads = format!(
        "SELECT has_table_privilege('{}', 'secret', 'SELECT')::text",
        fixture.config.app_role()
    );

    assert_eq!(text(&fixture.owner, &reads).await, "true");
    sync(&fixture).await;
    assert_eq!(text(&fixture.owner, &reads).await, "false");
}

#[tokio::test]
async fn passwords_that_the_login_may_not_set_are_left_alone() {
    let (database, owner) = database().await;
    let config = config(&database);
    let roles = format!(
        "CREATE ROLE \"{}\" LOGIN NOINHERIT PASSWORD E'app password\\'\\\\';
         CREATE ROLE \"{}\" LOGIN NOINHERIT PASSWORD 'admin password'",
        config.app_role(),
        config.admin_role()
    );

    owner.execute_unprepared(&roles).await.unwrap();

    let plain = plain_login(&database, Public::Granted).await;
    let tables = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
                    CREATE TABLE task (id uuid PRIMARY KEY, title text NOT NULL, rank integer NOT NULL)"#;
    plain.execute_unprepared(tables).await.unwrap();

    let entities = registry![user::Entity, task::Entity].unwrap();
    RlsSchema::new(entities.clone(), config.clone())
        .sync(&plain)
        .await
        .unwrap();

    RlsConnection::connect_with(database.url(), config, entities)
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test]
async fn column_is_not_null_when_its_rows_are_known_to_be() {
    let fixture = Fixture::new(1).await;
    let unproven = "ALTER TABLE task ADD CONSTRAINT unproven NOT NULL owner_id NOT VALID";
    if is_unknown_before(18, &fixture.owner, unproven).await {
        return;
    }

    for form in ["", "NO INHERIT"] {
        let unproven = format!(
            "ALTER TABLE task ALTER owner_id DROP NOT NULL;
             INSERT INTO task (id, title, rank, owner_id) VALUES (gen_random_uuid(), 't', 1, NULL);
             ALTER TABLE task ADD CONSTRAINT unproven NOT NULL owner_id {form} NOT VALID"
        );

        run(&fixture, &unproven).await;

        let error = RlsSchema::new(entities(), fixture.config.clone())
            .sync(&fixture.owner)
            .await
            .unwrap_err();

        assert!(
            matches!(
                &error,
                RlsError::Schema(SchemaError::RowsWithoutOwner { .. })
            ),
            "{error:?}"
        );
        run(&fixture, "DELETE FROM task").await;

        let changes = sync(&fixture).await;

        assert!(
            matches!(
                changes.as_slice(),
                [Change::Table(
                    _,
                    TableChange::Column(_, ColumnChange::SetNotNull { .. })
                )]
            ),
            "{changes:?}"
        );
    }
}

#[tokio::test]
async fn foreign_key_that_is_not_enforced_is_none() {
    let fixture = Fixture::new(1).await;
    let idle = "ALTER TABLE task ALTER CONSTRAINT task_owner_id_fkey NOT ENFORCED";
    if is_unknown_before(18, &fixture.owner, idle).await {
        return;
    }

    let idle = async || {
        let name = "SELECT quote_ident(conname) FROM pg_constraint WHERE conrelid = \
                    'task'::regclass AND contype = 'f'";
        let name = text(&fixture.owner, name).await;

        run(
            &fixture,
            &format!("ALTER TABLE task ALTER CONSTRAINT {name} NOT ENFORCED"),
        )
        .await;
    };

    idle().await;

    let mut changes = sync(&fixture).await;
    changes.retain(|change| {
        !matches!(
            change,
            Change::Table(
                _,
                TableChange::RowSecurity(
                    RowSecurityChange::LiftForce | RowSecurityChange::RestoreForce
                )
            )
        )
    });
    assert!(
        matches!(
            changes.as_slice(),
            [Change::Table(
                _,
                TableChange::ForeignKey(ForeignKeyChange::Replace { .. })
            )]
        ),
        "{changes:?}"
    );

    idle().await;

    let report = Doctor::new(entities(), fixture.config.clone())
        .examine(&fixture.owner)
        .await
        .unwrap();

    let found: Vec<_> = report
        .findings()
        .iter()
        .filter(|finding| finding.object.starts_with("public.task."))
        .collect();

    let [finding] = found.as_slice() else {
        panic!("{}", report.text(false))
    };
    assert_eq!(finding.rule.id, "RLS204", "{}", report.text(false));

    let Remedy::Sql {
        statements: remedy, ..
    } = &finding.remedy
    else {
        panic!("{:?}", finding.remedy)
    };
    run(&fixture, &remedy.join(";")).await;
    assert_eq!(sync(&fixture).await, []);
}
