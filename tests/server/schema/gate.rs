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

/// The SQL in a finding's words, which stands in backquotes.
fn statement(said: &str) -> Option<String> {
    let quoted = said.split('`').skip(1).step_by(2);
    quoted
        .into_iter()
        .find(|text| text.starts_with("ALTER ") || text.starts_with("REVOKE "))
        .map(str::to_owned)
}

#[tokio::test]
async fn what_each_finding_says_ends_it() {
    let fixture = Fixture::new(1).await;
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
        fixture.owner.execute_unprepared(&fault).await.unwrap();

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
            fixture
                .owner
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
