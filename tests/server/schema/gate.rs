//! Each fault that the gate finds, and what it says to do: one finding before, none after.

use sea_orm::ConnectionTrait;
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema};

use crate::fixture::{Fixture, entities};

async fn findings(fixture: &Fixture) -> Vec<GateFinding> {
    match RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities())
        .await
    {
        Ok(_) => Vec::new(),
        Err(RlsError::Gate(error)) => error.findings,
        Err(other) => panic!("{other}"),
    }
}

/// The SQL in a finding's words, which stands in backquotes; as the owner that the words name, or
/// as it is for a superuser.
fn statement(said: &str) -> Option<String> {
    let quoted: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
    let is_sql = |text: &&&str| text.starts_with("ALTER ") || text.starts_with("REVOKE ");
    let sql = quoted.iter().find(is_sql)?;

    let Some((_, owner)) = said.split_once("as its owner `") else {
        assert!(said.contains("superuser"), "{said}");
        return Some((*sql).to_owned());
    };

    let (owner, _) = owner.split_once('`').unwrap();
    Some(format!(
        "SET SESSION AUTHORIZATION \"{owner}\"; {sql}; RESET SESSION AUTHORIZATION"
    ))
}

/// A plain login migrates the database, and each remedy is run by who is named (FAULTS A10).
#[tokio::test]
async fn what_each_finding_says_ends_it() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());

    for (fault, expected) in [
        ("ALTER ROLE APP SUPERUSER", "Bypasses"),
        ("ALTER ROLE APP BYPASSRLS", "Bypasses"),
        ("ALTER ROLE APP CREATEROLE REPLICATION", "Bypasses"),
        ("GRANT postgres TO APP", "Bypasses"),
        ("GRANT pg_read_server_files TO APP", "Bypasses"),
        ("GRANT ADMIN TO APP", "ReachesAdmin"),
        ("ALTER TABLE task OWNER TO APP", "Owns"),
        ("GRANT TRUNCATE ON \"user\" TO PUBLIC", "Truncates"),
        ("GRANT TRUNCATE ON task TO APP", "Truncates"),
        (
            "ALTER TABLE \"user\" DISABLE ROW LEVEL SECURITY",
            "NotEnabled",
        ),
        ("ALTER TABLE task NO FORCE ROW LEVEL SECURITY", "NotForced"),
        ("DROP POLICY task_guard ON task", "PolicyMissing"),
        (
            "ALTER POLICY task_owner_select ON task USING (true)",
            "PolicyAltered",
        ),
        ("DROP TABLE rls_audit", "AuditMissing"),
        ("GRANT DELETE ON rls_audit TO ADMIN", "AuditOpen"),
    ] {
        let fault = fault
            .replace("APP", &format!("\"{app}\""))
            .replace("ADMIN", &format!("\"{admin}\""));
        superuser.execute_unprepared(&fault).await.unwrap();

        let found = findings(&fixture).await;
        let [finding] = found.as_slice() else {
            panic!("{fault}: {found:?}")
        };
        assert!(
            format!("{finding:?}").starts_with(expected),
            "{fault}: {finding:?}"
        );

        let said = finding.to_string();
        if let Some(sql) = statement(&said) {
            superuser
                .execute_unprepared(&sql)
                .await
                .unwrap_or_else(|error| panic!("{said}: {error}"));
        } else {
            assert!(said.contains("run the migrations"), "{said}");
            RlsSchema::new(entities(), fixture.config.clone())
                .sync(&fixture.owner)
                .await
                .unwrap();
        }

        assert_eq!(findings(&fixture).await, [], "{fault}: after {said}");

        RlsSchema::new(entities(), fixture.config.clone())
            .sync(&fixture.owner)
            .await
            .unwrap();
    }

    fixture
        .owner
        .execute_unprepared("DROP TABLE note")
        .await
        .unwrap();

    let found = findings(&fixture).await;
    assert!(
        matches!(found.as_slice(), [GateFinding::Missing { table }] if table.to_string() == "note"),
        "{found:?}"
    );
    fixture
        .owner
        .execute_unprepared(
            "CREATE TABLE note (id serial PRIMARY KEY, task_id uuid NOT NULL, body text NOT NULL)",
        )
        .await
        .unwrap();
    RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();
    assert_eq!(findings(&fixture).await, []);
}

/// FAULTS A11: the application finds tables in a schema of its own name, and migrations do not.
#[tokio::test]
async fn table_in_a_schema_of_the_login_s_name_is_named_with_it() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    let app = fixture.config.app_role();
    let shadow = format!(
        r#"CREATE SCHEMA "{app}"; CREATE TABLE "{app}".task (LIKE public.task);
           GRANT USAGE ON SCHEMA "{app}" TO "{app}"; GRANT SELECT ON "{app}".task TO "{app}""#
    );
    superuser.execute_unprepared(&shadow).await.unwrap();

    let found = findings(&fixture).await;
    let [finding @ GateFinding::Shadowed { table, .. }] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(table.to_string(), format!("{app}.task"));

    let said = finding.to_string();
    let rename = statement(&said).unwrap().replace('…', "other");
    assert!(
        rename.contains(&format!(r#"ALTER TABLE "{app}"."task""#)),
        "{said}"
    );
    superuser.execute_unprepared(&rename).await.unwrap();
    assert_eq!(findings(&fixture).await, []);
}
