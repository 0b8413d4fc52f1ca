//! Who the application is logged in as, and what the gate refuses.

use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::model::{Identifier, TableName};
use sea_orm_rls::{RlsConfig, RlsConnection, RlsError, RlsSchema, UserContext};

use super::{text, texts};
use crate::fixture::{Fixture, entities, task};

async fn findings(fixture: &Fixture, config: RlsConfig) -> Vec<GateFinding> {
    match RlsConnection::connect_with(fixture.database.url(), config, entities()).await {
        Err(RlsError::Gate(error)) => error.findings,
        other => panic!("the gate was open: {other:?}"),
    }
}

#[tokio::test]
async fn login_is_the_application_role_whatever_the_url_says() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.ann();
    assert_eq!(
        text(&ann, "SELECT session_user::text").await,
        fixture.config.app_role().as_str()
    );
    assert_eq!(
        text(&fixture.admin(), "SELECT session_user::text").await,
        fixture.config.admin_role().as_str()
    );

    let given = fixture
        .database
        .url_as(fixture.config.app_role().as_str(), "app password'\\");
    let db = RlsConnection::connect_with(given, fixture.config.clone(), entities())
        .await
        .unwrap();

    assert_eq!(
        task::Entity::find()
            .count(&db.scope(UserContext::new(fixture.ann)))
            .await
            .unwrap(),
        0
    );
}

/// limits.md: "a superuser, `BYPASSRLS` or owner login".
#[tokio::test]
async fn gate_refuses_logins_that_policies_do_not_hold() {
    let fixture = Fixture::new(1).await;
    let app = fixture.config.app_role();
    let alter = |sql: &str| {
        fixture.owner.execute_unprepared(Box::leak(
            sql.replace("APP", &format!("\"{app}\"")).into_boxed_str(),
        ))
    };

    alter("ALTER ROLE APP SUPERUSER").await.unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Bypasses { .. }]
    ));
    alter("ALTER ROLE APP NOSUPERUSER BYPASSRLS").await.unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Bypasses { .. }]
    ));
    alter("ALTER ROLE APP NOBYPASSRLS").await.unwrap();

    for right in ["CREATEROLE", "REPLICATION"] {
        alter(&format!("ALTER ROLE APP {right}")).await.unwrap();
        assert!(matches!(
            findings(&fixture, fixture.config.clone()).await.as_slice(),
            [GateFinding::Bypasses { .. }]
        ));
        alter(&format!("ALTER ROLE APP NO{right}")).await.unwrap();
    }

    alter("GRANT pg_execute_server_program TO APP")
        .await
        .unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Bypasses { .. }]
    ));
    alter("REVOKE pg_execute_server_program FROM APP")
        .await
        .unwrap();
    alter("GRANT TRUNCATE ON task TO PUBLIC").await.unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Truncates { .. }]
    ));
    alter("REVOKE TRUNCATE ON task FROM PUBLIC").await.unwrap();

    for altered in [
        "ALTER POLICY task_owner_select ON task USING (true)",
        "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task USING (true)",
        "ALTER POLICY task_owner_delete ON task TO PUBLIC",
    ] {
        alter(altered).await.unwrap();

        let found = findings(&fixture, fixture.config.clone()).await;
        assert!(
            matches!(found.as_slice(), [GateFinding::PolicyAltered { .. }]),
            "{altered}: {found:?}"
        );

        RlsSchema::new(entities(), fixture.config.clone())
            .sync(&fixture.owner)
            .await
            .unwrap();
    }

    alter("GRANT postgres TO APP").await.unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Bypasses { .. }]
    ));
    alter("REVOKE postgres FROM APP").await.unwrap();

    let admin = fixture.config.admin_role().clone();
    alter(&format!("GRANT \"{admin}\" TO APP")).await.unwrap();
    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::ReachesAdmin { .. }]
    ));
    alter(&format!("REVOKE \"{admin}\" FROM APP"))
        .await
        .unwrap();
    alter("ALTER TABLE task OWNER TO APP").await.unwrap();

    assert!(matches!(
        findings(&fixture, fixture.config.clone()).await.as_slice(),
        [GateFinding::Owns { .. }]
    ));
}

/// limits.md: "a superuser, `BYPASSRLS` or owner login".
#[tokio::test]
async fn gate_refuses_tables_that_are_not_protected() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(
            r#"ALTER TABLE task DISABLE ROW LEVEL SECURITY; ALTER TABLE "user" NO FORCE ROW LEVEL SECURITY;
               DROP POLICY user_guard ON "user"; DROP TABLE note"#,
        )
        .await
        .unwrap();

    let findings = findings(&fixture, fixture.config.clone()).await;
    let table = |table| TableName {
        schema: Some(Identifier::new("public").unwrap()),
        table: Identifier::new(table).unwrap(),
    };
    let login = text(&fixture.owner, "SELECT current_user::text").await;
    let owner = Identifier::new(&login).unwrap();
    assert_eq!(
        findings,
        [
            GateFinding::Missing {
                table: TableName {
                    schema: None,
                    ..table("note")
                }
            },
            GateFinding::NotEnabled {
                table: table("task"),
                owner: owner.clone()
            },
            GateFinding::NotForced {
                table: table("user"),
                owner
            },
            GateFinding::PolicyMissing {
                table: table("user"),
                missing: "user_guard".to_owned()
            },
        ]
    );

    let off = fixture.config.clone().danger_enabled(false);

    RlsConnection::connect_with(fixture.database.url(), off, entities())
        .await
        .unwrap();
}

#[tokio::test]
async fn policy_is_told_by_its_row_and_by_what_it_says() {
    let fixture = Fixture::new(1).await;
    let stamps = "SELECT obj_description(p.oid, 'pg_policy') FROM pg_policy p
                  WHERE p.polrelid = 'task'::regclass ORDER BY p.polname";
    let written = texts(&fixture.owner, stamps).await;

    assert!(
        written.iter().all(|stamp| stamp.split(' ').count() == 4),
        "with versions: {written:?}"
    );

    let is_open = async || {
        RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities())
            .await
            .is_ok()
    };

    let run = async |sql: &str| fixture.owner.execute_unprepared(sql).await.unwrap();

    // Another row that says the same; none that can be told; and the same row that says something
    // else.
    run("ALTER POLICY task_admin ON task USING (true)").await;
    assert!(is_open().await);
    run("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC").await;
    assert!(is_open().await);
    run("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC").await;
    run("ALTER TABLE task RENAME owner_id TO author_id; ALTER TABLE task ADD owner_id uuid").await;

    let found = findings(&fixture, fixture.config.clone()).await;
    assert!(
        matches!(found.as_slice(), [GateFinding::PolicyAltered { .. }]),
        "{found:?}"
    );
    run("ALTER TABLE task DROP owner_id; ALTER TABLE task RENAME author_id TO owner_id").await;
    assert!(is_open().await);

    RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();

    let anew = texts(&fixture.owner, stamps).await;
    let differ = written
        .iter()
        .zip(&anew)
        .filter(|(old, new)| old != new)
        .count();

    assert_eq!(differ, 1, "the row that was written anew: {anew:?}");
}

#[tokio::test]
async fn wrong_password_is_a_database_error_without_the_password() {
    let fixture = Fixture::new(1).await;
    let config = fixture
        .config
        .clone()
        .app_login(fixture.config.app_role().as_str(), "wrong-secret")
        .unwrap();

    let error = RlsConnection::connect_with(fixture.database.url(), config, entities())
        .await
        .unwrap_err();
    assert_eq!(error.sqlstate().as_deref(), Some("28P01"), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong-secret"));
}

#[tokio::test]
async fn refused_login_is_told_apart_from_a_lost_connection() {
    let fixture = Fixture::new(1).await;
    let wrong = fixture
        .config
        .clone()
        .app_login(fixture.config.app_role().as_str(), "wrong")
        .unwrap();

    let unknown = fixture
        .config
        .clone()
        .app_login("rls_nobody", "any")
        .unwrap();

    for config in [wrong, unknown] {
        let refused = RlsConnection::connect_with(fixture.database.url(), config, entities())
            .await
            .unwrap_err();
        assert!(
            matches!(&refused, RlsError::LoginRefused { .. }),
            "{refused:?}"
        );

        assert!(
            refused.to_string().contains("RLS_APP_PASSWORD"),
            "{refused}"
        );
    }
}
