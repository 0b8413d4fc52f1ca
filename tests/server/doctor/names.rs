//! Names without a schema: plan, gate and doctor resolve them as the application's statements do.

use sea_orm::{ConnectionTrait, Database, EntityTrait};
use sea_orm_rls::doctor::{Doctor, Remedy};
use sea_orm_rls::error::GateFinding;
use sea_orm_rls::model::{Identifier, TableName};
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema, UserContext};

use super::Patient;
use crate::fixture::{Fixture, entities, task};

fn gate(result: Result<RlsConnection, RlsError>) -> Vec<GateFinding> {
    match result {
        Ok(_) => Vec::new(),
        Err(RlsError::Gate(error)) => error.findings,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn tables_behind_the_first_schema_are_found_by_all() {
    let fixture = Fixture::new(1).await;
    let config = fixture.config.clone();
    let (app, name) = (config.app_role().as_str(), fixture.database.name());

    fixture
        .owner
        .execute_unprepared(&format!(
            "CREATE SCHEMA first; GRANT USAGE ON SCHEMA first TO \"{app}\";
             ALTER DATABASE {name} SET search_path = first, public"
        ))
        .await
        .unwrap();

    // Only new sessions have the path.
    let owner = Database::connect(fixture.database.url()).await.unwrap();
    let db = RlsConnection::connect_with(fixture.database.url(), config.clone(), entities())
        .await
        .unwrap();
    task::Entity::find()
        .all(&db.scope(UserContext::new(fixture.ann)))
        .await
        .unwrap();

    let rls = RlsSchema::new(entities(), config.clone());
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    let report = Doctor::new(entities(), config.clone())
        .examine(&owner)
        .await
        .unwrap();

    assert_eq!(report.findings().len(), 6, "{}", report.text(false));

    // A table that shadows another is the one that statements reach, and that all three report.
    owner
        .execute_unprepared("CREATE TABLE first.task (LIKE public.task)")
        .await
        .unwrap();
    assert!(
        matches!(db.check_gate().await, Err(RlsError::Gate(_))),
        "checked again"
    );

    let findings =
        gate(RlsConnection::connect_with(fixture.database.url(), config.clone(), entities()).await);
    let shadow = TableName {
        schema: Some(Identifier::new("first").unwrap()),
        table: Identifier::new("task").unwrap(),
    };
    assert!(
        findings.iter().any(
            |finding| matches!(finding, GateFinding::NotEnabled { table, .. } if *table == shadow)
        ),
        "{findings:?}"
    );

    let plan = rls.plan(&owner).await.unwrap();
    assert!(plan.changes().iter().any(|change| {
        change
            .table()
            .is_some_and(|table| table.to_string() == "first.task")
    }));

    let report = Doctor::new(entities(), config.clone())
        .examine(&owner)
        .await
        .unwrap();

    assert!(
        report
            .findings()
            .iter()
            .any(|finding| (finding.rule.id, &*finding.object) == ("RLS103", "first.task")),
        "{}",
        report.text(false)
    );

    // The server skips a schema that the login may not use, and so does the gate.
    owner
        .execute_unprepared(&format!("REVOKE USAGE ON SCHEMA first FROM \"{app}\""))
        .await
        .unwrap();

    let findings =
        gate(RlsConnection::connect_with(fixture.database.url(), config, entities()).await);
    assert_eq!(findings, []);
    db.check_gate().await.unwrap();
}

#[tokio::test]
async fn temporary_table_that_shadows_a_scoped_one_is_reported() {
    let patient = Patient::new().await;
    patient
        .run("GRANT TEMPORARY ON DATABASE DATABASE_NAME TO APP")
        .await;

    let app = patient.fixture.config.app_role().as_str();
    let login = Database::connect(patient.fixture.database.url_as(app, "app password'\\"))
        .await
        .unwrap();
    login
        .execute_unprepared(
            "CREATE TEMPORARY TABLE task (id uuid); CREATE TEMPORARY TABLE mine (id uuid)",
        )
        .await
        .unwrap();
    patient
        .run("REVOKE TEMPORARY ON DATABASE DATABASE_NAME FROM APP")
        .await;

    let report = patient.examine().await;
    let news = patient.news(&report);
    let [finding] = news.as_slice() else {
        panic!("{}", report.text(false))
    };

    assert_eq!(
        (finding.rule.id, finding.object.as_str()),
        ("RLS016", "public.task")
    );
    let Remedy::Sql {
        statements, run_as, ..
    } = &finding.remedy
    else {
        panic!("{:?}", finding.remedy)
    };
    patient.run_as(run_as, statements).await;

    let report = patient.examine().await;

    assert_eq!(
        patient.news(&report),
        Vec::<&_>::new(),
        "{}",
        report.text(false)
    );
}
