//! The audit's table in plans: made, mended, kept out of what is reported, undone.

use sea_orm::ConnectionTrait;
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::schema::{Change, PrivilegeChange, TableChange, UsageChange};
use sea_orm_rls::{RlsError, RlsSchema};

use super::recorded;
use crate::fixture::{Fixture, config, entities};
use crate::schema::{database, text, texts};

const PRIVILEGES: &str =
    "SELECT concat_ws(' ', CASE r.rolname WHEN 'APP' THEN 'app' WHEN 'ADM' THEN 'admin' ELSE 'all' \
     END,
                                 acl.privilege_type, g.column)
    FROM (SELECT relacl AS acl, NULL::name AS column FROM pg_class WHERE oid = 'rls_audit'::regclass
          UNION ALL SELECT attacl, attname FROM pg_attribute WHERE attrelid = \
          'rls_audit'::regclass) g,
         aclexplode(g.acl) acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
    WHERE acl.grantee <> (SELECT relowner FROM pg_class WHERE oid = 'rls_audit'::regclass) ORDER \
    BY 1";

async fn privileges(fixture: &Fixture) -> Vec<String> {
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    texts(
        &fixture.owner,
        &PRIVILEGES
            .replace("APP", app.as_str())
            .replace("ADM", admin.as_str()),
    )
    .await
}

#[tokio::test]
async fn administrator_gets_the_least() {
    let fixture = Fixture::new(1).await;
    assert_eq!(
        privileges(&fixture).await,
        ["admin INSERT reason", "admin SELECT"]
    );

    let plan = RlsSchema::new(entities(), fixture.config.clone())
        .plan(&fixture.owner)
        .await
        .unwrap();

    assert!(
        plan.is_empty() && plan.unmanaged().is_empty(),
        "{}",
        plan.text(false)
    );
}

#[tokio::test]
async fn drift_is_mended_and_rows_stay() {
    let fixture = Fixture::new(1).await;
    super::carol(&fixture, "before")
        .execute_unprepared("SELECT 1")
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), fixture.config.clone());
    for (drift, expected) in [
        ("GRANT SELECT, UPDATE ON rls_audit TO PUBLIC", 1),
        ("GRANT ALL ON rls_audit TO \"ADM\"", 2),
        (
            "GRANT INSERT (reason, actor), UPDATE (at) ON rls_audit TO \"ADM\"",
            2,
        ),
        ("GRANT SELECT (actor) ON rls_audit TO \"APP\"", 1),
        ("REVOKE ALL ON rls_audit FROM \"ADM\"", 2),
        (
            "ALTER TABLE rls_audit ALTER at SET DEFAULT '2000-01-01', ALTER login DROP DEFAULT",
            2,
        ),
    ] {
        let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
        let drift = drift
            .replace("APP", app.as_str())
            .replace("ADM", admin.as_str());
        fixture.owner.execute_unprepared(&drift).await.unwrap();

        let plan = rls.sync(&fixture.owner).await.unwrap();
        assert_eq!(plan.changes().len(), expected, "{drift}: {plan}");
        assert!(
            rls.plan(&fixture.owner).await.unwrap().is_empty(),
            "{drift}"
        );

        assert_eq!(
            privileges(&fixture).await,
            ["admin INSERT reason", "admin SELECT"],
            "{drift}"
        );
    }

    super::carol(&fixture, "after")
        .execute_unprepared("SELECT 1")
        .await
        .unwrap();

    let rows = recorded(&fixture).await;

    assert_eq!(
        rows.iter()
            .map(|row| row.reason.as_str())
            .collect::<Vec<_>>(),
        ["before", "after"]
    );
}

#[tokio::test]
async fn row_security_on_it_is_not_reported() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared("ALTER TABLE rls_audit ENABLE ROW LEVEL SECURITY")
        .await
        .unwrap();

    assert!(
        RlsSchema::new(entities(), fixture.config.clone())
            .plan(&fixture.owner)
            .await
            .unwrap()
            .unmanaged()
            .is_empty()
    );
}

#[tokio::test]
async fn it_is_where_it_is_told_to_be_or_nowhere() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared("DROP TABLE rls_audit; CREATE SCHEMA \"Ops\"")
        .await
        .unwrap();

    let none = RlsSchema::new(entities(), fixture.config.clone().danger_no_audit());
    assert!(none.plan(&fixture.owner).await.unwrap().is_empty());

    let elsewhere = fixture
        .config
        .clone()
        .audit_table("Ops.Admin's acts")
        .unwrap();

    let plan = RlsSchema::new(entities(), elsewhere.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();

    let [
        Change::Table(_, TableChange::CreateAudit),
        Change::Table(_, TableChange::Privilege(PrivilegeChange::Grant { .. })),
        Change::Table(_, TableChange::Privilege(PrivilegeChange::GrantColumns { .. })),
        Change::Schema(_, UsageChange::Grant { .. }),
        carriers @ ..,
    ] = plan.changes()
    else {
        panic!("{plan}")
    };
    assert!(carriers.iter().all(|change| {
        matches!(change, Change::Domain(name, _) | Change::Function(name, _)
            if name.schema.as_ref().is_some_and(|schema| schema.as_str() == "Ops"))
    }));

    let db =
        sea_orm_rls::RlsConnection::connect_with(fixture.database.url(), elsewhere, entities())
            .await
            .unwrap();

    db.admin(super::because("there"))
        .execute_unprepared("SELECT 1")
        .await
        .unwrap();
    assert_eq!(
        text(
            &fixture.owner,
            "SELECT reason FROM \"Ops\".\"Admin's acts\""
        )
        .await,
        "there"
    );
    for undo in plan.reverse().changes().iter().flat_map(Change::sql) {
        fixture.owner.execute_unprepared(&undo).await.unwrap();
    }

    assert_eq!(
        text(
            &fixture.owner,
            "SELECT count(*)::text FROM (
               SELECT FROM pg_class WHERE relnamespace = '\"Ops\"'::regnamespace UNION ALL
               SELECT FROM pg_type WHERE typnamespace = '\"Ops\"'::regnamespace UNION ALL
               SELECT FROM pg_proc WHERE pronamespace = '\"Ops\"'::regnamespace) o"
        )
        .await,
        "0"
    );
}

#[tokio::test]
async fn another_table_of_that_name_is_an_error() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            r#"CREATE TABLE "user" (id uuid PRIMARY KEY); CREATE TABLE task (id uuid PRIMARY KEY);
               CREATE TABLE note (id uuid PRIMARY KEY); CREATE TABLE rls_audit (id bigint, reason text)"#,
        )
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), config(&database));
    for taken in [
        "DROP TABLE rls_audit; CREATE VIEW rls_audit AS SELECT 1 AS id",
        "SELECT 1",
    ] {
        let error = rls.sync(&owner).await.unwrap_err();
        let RlsError::Schema(SchemaError::NotTheAudit { table, .. }) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(table, "public.rls_audit");
        owner.execute_unprepared(taken).await.unwrap();
    }

    let clash = config(&database).audit_table("task").unwrap();
    let error = RlsSchema::new(entities(), clash)
        .plan(&owner)
        .await
        .unwrap_err();

    assert!(
        matches!(error, RlsError::Schema(SchemaError::NotTheAudit { .. })),
        "{error:?}"
    );
}
