//! Scripts: statements up to what the entities say, with every fingerprint, and down to what was
//! there before.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::RlsSchema;
use sea_orm_rls::schema::{apply_statements, read};

use super::catalog;
use crate::fixture::{Fixture, entities};
use crate::schema::text;

const DRIFTS: &[&str] = &[
    "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
    "DROP POLICY task_guard ON task",
    "ALTER POLICY task_owner_select ON task USING (title = 'it''s' OR title = E'a\\\\b')",
    "ALTER POLICY task_guard ON task TO PUBLIC",
    "ALTER POLICY task_guard ON task RENAME TO \"another name\"",
    "ALTER POLICY task_guard ON task RENAME TO a; ALTER POLICY task_admin ON task RENAME TO \
     task_guard;
     ALTER POLICY a ON task RENAME TO task_admin",
    "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task FOR DELETE USING (true)",
    "DROP POLICY task_guard ON task; CREATE POLICY task_guard ON task AS RESTRICTIVE FOR ALL TO \
     APP WITH CHECK (rank > 0)",
    "COMMENT ON POLICY task_guard ON task IS NULL",
    "COMMENT ON POLICY task_guard ON task IS E'two\\nlines'",
    "COMMENT ON POLICY task_guard ON task IS 'sea-orm-rls: 0 0'",
    "ALTER POLICY note_guard ON note RENAME TO old",
    "ALTER TABLE task ALTER COLUMN owner_id DROP NOT NULL",
    "ALTER TABLE task ALTER COLUMN owner_id DROP DEFAULT",
    "ALTER TABLE task ALTER COLUMN owner_id SET DEFAULT '00000000-0000-0000-0000-000000000000'",
    "ALTER TABLE note DROP COLUMN owner_id CASCADE",
    "DROP INDEX task_owner_id_idx",
    "GRANT TRUNCATE, TRIGGER ON task TO APP",
    "REVOKE UPDATE ON task FROM APP",
    "REVOKE USAGE ON SEQUENCE note_id_seq FROM APP",
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
];

#[tokio::test]
async fn scripts_go_up_and_down_from_every_drift() {
    let fixture = Fixture::new(1).await;
    let owner = &fixture.owner;
    owner
        .execute_unprepared("CREATE SCHEMA away")
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), fixture.config.clone());
    assert!(rls.script(owner).await.unwrap().is_empty());

    for drift in DRIFTS {
        let drift = drift.replace("APP", &format!("\"{}\"", fixture.config.app_role()));
        owner.execute_unprepared(&drift).await.unwrap();

        let before = catalog(owner).await;
        let script = rls.script(owner).await.unwrap();
        let up: Vec<&str> = script.up.iter().map(String::as_str).collect();
        let down: Vec<&str> = script.down.iter().map(String::as_str).collect();

        assert!(!up.is_empty() && !down.is_empty(), "{drift}");

        // Names are qualified: the file says the same wherever it is run.
        let elsewhere = owner.begin().await.unwrap();
        elsewhere
            .execute_unprepared("SET LOCAL search_path = away")
            .await
            .unwrap();
        apply_statements(&elsewhere, &up).await.unwrap();
        elsewhere.commit().await.unwrap();
        assert!(
            rls.script(owner).await.unwrap().is_empty(),
            "{drift}: {up:#?}"
        );

        let found = read::secured_tables(owner, &[]).await.unwrap();
        let by_hand = found
            .iter()
            .flat_map(|table| &table.policies)
            .filter(|p| p.origin != read::Origin::Applied);

        assert_eq!(by_hand.count(), 0, "{drift}");
        apply_statements(owner, &down).await.unwrap();
        assert_eq!(catalog(owner).await, before, "{drift}: {down:#?}");
        apply_statements(owner, &up).await.unwrap();

        assert!(
            rls.script(owner).await.unwrap().is_empty(),
            "{drift}: a second time"
        );
    }
}

#[tokio::test]
async fn statements_are_applied_all_or_none() {
    let fixture = Fixture::new(1).await;
    let before = catalog(&fixture.owner).await;
    let error = apply_statements(
        &fixture.owner,
        &[
            "DROP POLICY task_guard ON task",
            "DROP POLICY nothing ON task",
        ],
    )
    .await;

    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("`DROP POLICY nothing ON task` failed")
    );
    assert_eq!(catalog(&fixture.owner).await, before);

    let settings =
        "SELECT concat_ws('|', current_setting('search_path'), current_setting('row_security'))";
    let was = text(&fixture.owner, settings).await;
    apply_statements(&fixture.owner, &[]).await.unwrap();
    assert_eq!(text(&fixture.owner, settings).await, was);
}
