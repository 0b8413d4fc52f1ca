//! What the doctor reports on a database that the migrations made, as other logins, and under other
//! configurations.

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_rls::doctor::{Doctor, Remedy, Report, Severity, Suppressions};
use sea_orm_rls::schema::{Change, ForeignKeyChange, TableChange};
use sea_orm_rls::{RlsConfig, RlsSchema, registry};

use super::Patient;
use crate::fixture::{Fixture, entities, user};
use crate::schema::{database, text};

fn rules(report: &Report) -> Vec<&str> {
    report
        .findings()
        .iter()
        .map(|finding| finding.rule.id)
        .collect()
}

#[tokio::test]
async fn migrated_database_has_six_hints_alone() {
    let fixture = Fixture::new(1).await;
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let report = doctor.examine(&fixture.owner).await.unwrap();
    let found: Vec<(&str, &str)> = report
        .findings()
        .iter()
        .map(|finding| (finding.rule.id, finding.object.as_str()))
        .collect();

    // The server's administrator decides about the first four. The last two are an
    // entity's relation and `unique`.
    assert_eq!(
        found,
        [
            ("RLS009", "pg_catalog.set_config"),
            ("RLS017", "pg_temp"),
            ("RLS021", "plpgsql"),
            ("RLS023", "pg_catalog.lo_create"),
            ("RLS115", "public.note.fk-note-task_id"),
            ("RLS208", "public.user_email_key")
        ],
        "{}",
        report.text(false)
    );
    assert_eq!(
        (
            report.count(Severity::Hint),
            report.exit_code(Severity::Warning)
        ),
        (6, 0)
    );

    let suppressions = Suppressions::parse(
        "allow RLS009 * nobody lets SQL in\nallow RLS017 * nor this\nallow RLS021 * nor \
         this\nallow RLS023 * nor this\nallow RLS115 * anyone notes anything\nallow RLS208 \
         public.user_email_key known",
    )
    .unwrap();

    assert_eq!(report.under(&suppressions).exit_code(Severity::Hint), 0);
}

/// A signed context is not what `set_config` could set, and the keys and their view are no tables of
/// the application's.
#[tokio::test]
async fn signed_contexts_leave_nothing_to_find() {
    let fixture = Fixture::signed(1).await;
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let report = doctor.examine(&fixture.owner).await.unwrap();
    let hints = [
        "RLS017", "RLS021", "RLS023", "RLS025", "RLS030", "RLS115", "RLS208",
    ];
    assert_eq!(rules(&report), hints, "{}", report.text(false));
}

/// Under any name, in any schema, and whether or not it is written.
#[tokio::test]
async fn audit_table_needs_no_entity() {
    let fixture = Fixture::new(1).await;
    let six = ["RLS009", "RLS017", "RLS021", "RLS023", "RLS115", "RLS208"];
    let renamed = fixture
        .config
        .clone()
        .audit_table("record of \"what\"")
        .unwrap();

    fixture
        .owner
        .execute_unprepared("CREATE SCHEMA ops")
        .await
        .unwrap();

    let moved = fixture.config.clone().audit_table("ops.record").unwrap();
    let off = fixture.config.clone().danger_no_audit();

    for config in [renamed, moved, off] {
        RlsSchema::new(entities(), config.clone())
            .sync(&fixture.owner)
            .await
            .unwrap();

        let report = Doctor::new(entities(), config)
            .examine(&fixture.owner)
            .await
            .unwrap();

        assert_eq!(rules(&report), six, "{}", report.text(false));
    }

    // The table of an earlier configuration still says who did what.
    RlsSchema::new(entities(), fixture.config.clone())
        .sync(&fixture.owner)
        .await
        .unwrap();
    let app = fixture.config.app_role();
    fixture
        .owner
        .execute_unprepared(&format!("GRANT SELECT ON ops.record TO \"{app}\""))
        .await
        .unwrap();

    let report = Doctor::new(entities(), fixture.config.clone())
        .examine(&fixture.owner)
        .await
        .unwrap();

    assert_eq!(
        rules(&report),
        [
            "RLS502", "RLS009", "RLS017", "RLS021", "RLS023", "RLS115", "RLS208"
        ],
        "{}",
        report.text(false)
    );
}

/// FAULTS A12.
#[tokio::test]
async fn any_login_finds_a_healthy_database_healthy() {
    let (fixture, superuser) = Fixture::of_plain_owner(1).await;
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let login = async |role: &str, password: &str| {
        let url = fixture.database.url_as(role, password);
        Database::connect(url).await.unwrap()
    };

    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    let app = login(app.as_str(), "app password'\\").await;
    let admin = login(admin.as_str(), "admin password").await;

    let hints = ["RLS009", "RLS017", "RLS021", "RLS023", "RLS115", "RLS208"];
    for owner in [&fixture.owner, &superuser] {
        let report = doctor.examine(owner).await.unwrap();
        assert_eq!(rules(&report), hints, "{}", report.text(false));
    }

    // What the migrations would do is not for these two to find out, and nothing is wrong with that.
    // The administrator's login cannot act as the application's role either.
    let mut hints = vec![
        "RLS009", "RLS017", "RLS021", "RLS023", "RLS113", "RLS115", "RLS208",
    ];
    for login in [&app, &admin] {
        let report = doctor.examine(login).await.unwrap();
        assert_eq!(rules(&report), hints, "{}", report.text(false));
        hints.insert(4, "RLS113");
        assert_eq!(report.exit_code(Severity::Warning), 0);
    }
}

#[tokio::test]
async fn application_s_login_examines_all_but_the_plan() {
    let patient = Patient::new().await;
    let app = patient.fixture.config.app_role().as_str();
    let url = patient.fixture.database.url_as(app, "app password'\\");
    let login: DatabaseConnection = Database::connect(url).await.unwrap();

    patient
        .run(
            "REVOKE TEMPORARY ON DATABASE DATABASE_NAME FROM PUBLIC; ALTER TABLE task DISABLE ROW \
              LEVEL SECURITY",
        )
        .await;

    let report = patient.doctor.examine(&login).await.unwrap();
    let mut expected = rules(&patient.healthy);
    expected.extend(["RLS103", "RLS113"]);

    let mut found = rules(&report);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{}", report.text(false));
}

/// FAULTS A2: it is not taken for a note if a policy reads it.
#[tokio::test]
async fn column_that_refers_to_users_is_one_finding_until_a_policy_reads_it_or_it_is_accepted() {
    let patient = Patient::new().await;
    patient
        .run("ALTER TABLE task ADD assigned_to uuid REFERENCES \"user\"")
        .await;

    let report = patient.examine().await;
    let [finding] = patient.news(&report)[..] else {
        panic!("{}", report.text(false))
    };
    assert_eq!(
        (finding.rule.id, finding.object.as_str()),
        ("RLS211", "public.task.assigned_to")
    );

    let accepted = "allow RLS211 public.task.assigned_to a task can be assigned to anyone";
    let accepted = Suppressions::parse(accepted).unwrap();
    let counted = report.clone().under(&accepted);
    assert_eq!(
        counted.count(Severity::Hint),
        report.count(Severity::Hint) - 1
    );

    patient
        .run("CREATE POLICY own ON task AS RESTRICTIVE FOR INSERT WITH CHECK (assigned_to IS NULL)")
        .await;
    let report = patient.examine().await;
    assert!(
        !rules(&report).contains(&"RLS211"),
        "{}",
        report.text(false)
    );
}

/// FAULTS A27. Not every server has the extension.
#[tokio::test]
async fn extension_that_connects_elsewhere_is_reported() {
    let patient = Patient::new().await;
    let available = "SELECT count(*)::text FROM pg_available_extensions WHERE name = 'dblink'";
    let create = "CREATE EXTENSION dblink";

    if text(&patient.superuser, available).await == "0" {
        let refused = patient.superuser.execute_unprepared(create).await;
        assert!(refused.is_err(), "without it nobody has its functions");
        return;
    }

    patient.run(create).await;
    let report = patient.examine().await;
    let [finding] = patient.news(&report)[..] else {
        panic!("{}", report.text(false))
    };
    assert_eq!((finding.rule.id, &*finding.object), ("RLS318", "dblink"));

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

#[tokio::test]
async fn what_holds_is_healthy_however_it_is_spelt() {
    let patient = Patient::new().await;
    patient
        .run(
            "CREATE VIEW titles WITH (security_invoker = 'On') AS SELECT title FROM task; GRANT \
             SELECT ON titles TO APP;
             ALTER TABLE event_2026 ENABLE ROW LEVEL SECURITY; CREATE POLICY look ON event_2026 TO \
             ADMIN USING (true);
             GRANT SELECT ON event_2026 TO APP; CREATE MATERIALIZED VIEW years AS SELECT year FROM \
             event;
             ALTER MATERIALIZED VIEW years OWNER TO ADMIN;
             CREATE FUNCTION heard() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS \
             'BEGIN END'; ALTER EXTENSION plpgsql ADD FUNCTION heard",
        )
        .await;

    let report = patient.examine().await;

    assert_eq!(
        patient.news(&report),
        Vec::<&_>::new(),
        "{}",
        report.text(false)
    );
}

/// The plan has these changes too; for a key it lifts `FORCE` for a moment.
#[tokio::test]
async fn key_or_index_that_does_not_serve_is_one_finding() {
    const ADD: &str = "ALTER TABLE task DROP CONSTRAINT task_owner_id_fkey;
        ALTER TABLE task ADD CONSTRAINT task_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES \
        \"user\"";

    const DROP: &str =
        "DO $$ DECLARE key name := (SELECT conname FROM pg_constraint WHERE conrelid \
        = 'task'::regclass AND contype = 'f');
        BEGIN EXECUTE format('ALTER TABLE task DROP CONSTRAINT %I', key); END $$";

    let patient = Patient::new().await;
    let faults = [
        // The remedy gives it the name that the others have.
        ("RLS204", DROP.to_owned()),
        ("RLS205", format!("{ADD} ON DELETE CASCADE NOT VALID")),
        ("RLS203", "DROP INDEX task_owner_id_idx".to_owned()),
        (
            "RLS203",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = \
             'task_owner_id_idx'::regclass"
                .to_owned(),
        ),
    ];

    for (rule, fault) in faults {
        patient.run(&fault).await;

        let report = patient.examine().await;
        let news = patient.news(&report);
        let [finding] = news.as_slice() else {
            panic!("{fault}: {}", report.text(false))
        };

        assert_eq!(finding.rule.id, rule, "{fault}");
        match &finding.remedy {
            Remedy::Sql { statements, .. } => patient.run(&statements.join(";")).await,
            _ => drop(patient.rls.sync(&patient.fixture.owner).await.unwrap()),
        }

        let report = patient.examine().await;
        assert_eq!(patient.news(&report), Vec::<&_>::new(), "{fault}");
    }

    // The entity says nothing of the action (FAULTS M4).
    patient.run(&format!("{ADD} ON DELETE SET NULL")).await;
    let report = patient.examine().await;
    assert_eq!(patient.news(&report), Vec::<&_>::new());
}

#[tokio::test]
async fn remedy_of_a_missing_index_drops_no_unique_key() {
    let patient = Patient::new().await;
    let invalid = "DROP INDEX task_owner_id_idx;
        CREATE UNIQUE INDEX mine ON task (owner_id, title);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'mine'::regclass";
    patient.run(invalid).await;

    let report = patient.examine().await;
    let finding = patient
        .news(&report)
        .into_iter()
        .find(|finding| finding.rule.id == "RLS203")
        .expect("an invalid index does not serve");
    let Remedy::Sql { statements, .. } = &finding.remedy else {
        panic!("{:?}", finding.remedy)
    };

    patient.run(&statements.join(";")).await;
    patient.run("REINDEX INDEX mine").await;

    let report = patient.examine().await;
    assert!(
        !rules(&report).contains(&"RLS203"),
        "{}",
        report.text(false)
    );
}

#[tokio::test]
async fn index_with_an_expression_behind_the_owner_serves() {
    let patient = Patient::new().await;
    patient
        .run("DROP INDEX task_owner_id_idx; CREATE INDEX other ON task (owner_id, lower(title))")
        .await;

    let report = patient.examine().await;
    assert_eq!(
        patient.news(&report),
        Vec::<&_>::new(),
        "{}",
        report.text(false)
    );

    let plan = patient.rls.plan(&patient.fixture.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
}

mod part {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "event_2026")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub year: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test]
async fn key_that_a_partition_has_from_its_parent_serves() {
    let patient = Patient::new().await;
    let config = patient.fixture.config.clone();
    let registry = registry![user::Entity, part::Entity].unwrap();
    let report = Doctor::new(registry.clone(), config.clone())
        .examine(&patient.fixture.owner)
        .await
        .unwrap();

    assert!(
        !rules(&report).contains(&"RLS204"),
        "{}",
        report.text(false)
    );

    let plan = RlsSchema::new(registry, config)
        .plan(&patient.fixture.owner)
        .await
        .unwrap();

    assert!(
        !plan.changes().iter().any(|change| matches!(
            change,
            Change::Table(_, TableChange::ForeignKey(ForeignKeyChange::Add { .. }))
        )),
        "{plan}"
    );
}

#[tokio::test]
async fn switches_that_are_off_are_reported_and_not_their_tables() {
    let fixture = Fixture::new(1).await;
    let off = fixture
        .config
        .clone()
        .danger_enabled(false)
        .danger_force(false);

    RlsSchema::new(entities(), off.clone())
        .danger_accept_weakening(true)
        .sync(&fixture.owner)
        .await
        .unwrap();

    let report = Doctor::new(entities(), off)
        .examine(&fixture.owner)
        .await
        .unwrap();

    let errors: Vec<(&str, &str)> = report
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| (finding.rule.id, finding.object.as_str()))
        .collect();

    assert_eq!(errors, [("RLS012", "RLS_ENABLED"), ("RLS012", "RLS_FORCE")]);
}

#[tokio::test]
async fn database_that_was_never_migrated_is_examined() {
    let (database, owner) = database().await;
    let config = crate::fixture::config(&database);
    let doctor = Doctor::new(entities(), config);
    let report = doctor.examine(&owner).await.unwrap();
    let found = rules(&report);

    assert_eq!(
        found.iter().filter(|rule| **rule == "RLS101").count(),
        3,
        "{}",
        report.text(false)
    );
    assert!(found.contains(&"RLS001"), "{}", report.text(false));
}

mod tag {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "tag")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows that belong to the owner of their folder, which they name.
mod folder {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    pub mod owned {
        use super::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "folder")]
        #[user_scoped(no_foreign_key)]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub name: String,
            pub owner_id: Uuid,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod page {
        use super::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
        #[sea_orm(table_name = "page")]
        #[user_scoped(via = "owned")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub folder: String,
            #[sea_orm(belongs_to, from = "folder", to = "name")]
            pub of: HasOne<super::owned::Entity>,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

#[tokio::test]
async fn references_that_differ_in_case_alone_are_reported() {
    let (database, owner) = database().await;
    owner
        .execute_unprepared(
            "CREATE COLLATION one (provider = icu, locale = 'und-u-ks-level2', deterministic = \
             false);
             CREATE TABLE folder (name text PRIMARY KEY, owner_id uuid NOT NULL);
             CREATE TABLE page (id uuid PRIMARY KEY, folder text COLLATE one NOT NULL)",
        )
        .await
        .unwrap();

    let config = crate::fixture::config(&database);
    let registry = registry![folder::owned::Entity, folder::page::Entity].unwrap();
    RlsSchema::new(registry.clone(), config.clone())
        .sync(&owner)
        .await
        .unwrap();

    let report = Doctor::new(registry, config).examine(&owner).await.unwrap();
    let found: Vec<&str> = report
        .findings()
        .iter()
        .filter(|finding| finding.rule.id == "RLS207")
        .map(|finding| finding.object.as_str())
        .collect();

    assert_eq!(found, ["public.page.folder"], "{}", report.text(false));
}

#[tokio::test]
async fn owners_that_differ_in_case_alone_are_reported() {
    let (database, owner) = database().await;
    let sql = |collation: &str| {
        format!(
            "DROP TABLE IF EXISTS tag; CREATE TABLE tag (id uuid PRIMARY KEY, owner_id text \
             {collation} NOT NULL)"
        )
    };

    let nondeterministic =
        "CREATE COLLATION one (provider = icu, locale = 'und-u-ks-level2', deterministic = false)";
    owner.execute_unprepared(nondeterministic).await.unwrap();

    let config: RlsConfig = crate::fixture::config(&database);

    for (collation, found) in [("COLLATE one", 1), ("COLLATE \"C\"", 0)] {
        owner.execute_unprepared(&sql(collation)).await.unwrap();

        let registry = registry![tag::Entity].unwrap();
        RlsSchema::new(registry.clone(), config.clone())
            .sync(&owner)
            .await
            .unwrap();

        let report = Doctor::new(registry, config.clone())
            .examine(&owner)
            .await
            .unwrap();

        assert_eq!(
            rules(&report)
                .iter()
                .filter(|rule| **rule == "RLS207")
                .count(),
            found,
            "{}",
            report.text(false)
        );
    }
}
