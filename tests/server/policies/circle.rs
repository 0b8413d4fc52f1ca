//! Policies that ask each other let no statement through (FAULTS M6).

use sea_orm::{
    ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement, TransactionTrait,
};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::error::SchemaError;
use sea_orm_rls::model::Expression;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};
use sea_orm_rls::{Registry, RlsConnection, RlsError, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::fixture::{Fixture, Public, config, plain_login, task, user};
use crate::schema::text;

mod note {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "note")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub task_id: Uuid,
        pub owner_id: Uuid,
        pub body: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod page {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "note")]
    #[user_scoped(via = "task")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub task_id: Uuid,
        pub body: String,
        #[sea_orm(belongs_to, from = "task_id", to = "id")]
        pub task: HasOne<crate::fixture::task::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: &str = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text);
    CREATE TABLE task (id uuid PRIMARY KEY, title text, rank integer);
    CREATE TABLE note (id serial PRIMARY KEY, task_id uuid REFERENCES task, body text)"#;

/// Users, tasks with a policy, notes with a policy.
fn entities(of_tasks: Vec<PolicyDraft>, of_notes: Vec<PolicyDraft>) -> Registry {
    Registry::new([
        Declaration::identity::<user::Entity>(),
        Declaration::owned::<task::Entity>("owner_id")
            .user::<user::Entity>()
            .policies(of_tasks),
        Declaration::owned::<note::Entity>("owner_id")
            .user::<user::Entity>()
            .policies(of_notes),
    ])
    .unwrap()
}

fn reads(name: &str, command: Command, condition: &str) -> Vec<PolicyDraft> {
    let policy = Policy::permissive(name)
        .on([command])
        .using(Expression::raw_sql(condition));
    vec![policy]
}

const TASK_OF_NOTE: &str = "id IN (SELECT n.task_id FROM note n)";
const NOTE_OF_TASK: &str = "task_id IN (SELECT t.id FROM task t)";
const OWN: &str = "EXISTS (SELECT FROM task t WHERE t.rank > task.rank)";

async fn logins() -> (testbed::Database, DatabaseConnection, DatabaseConnection) {
    let database = testbed::server().unwrap().database("circle").await.unwrap();
    let superuser = Database::connect(database.url()).await.unwrap();
    let plain = plain_login(&database, Public::Granted).await;
    plain.execute_unprepared(TABLES).await.unwrap();
    (database, superuser, plain)
}

#[tokio::test]
async fn policies_that_ask_each_other_are_refused_before_they_are_made() {
    let (database, superuser, plain) = logins().await;
    let config = config(&database);
    let select = Command::Select;
    let circles = [
        (
            reads("a", select, TASK_OF_NOTE),
            reads("b", select, NOTE_OF_TASK),
        ),
        (reads("a", select, OWN), vec![]),
        (
            vec![],
            reads("b", select, "body IN (SELECT n.body FROM note n)"),
        ),
        (reads("a", Command::Update, OWN), vec![]),
        // Only statements that write tasks ask, and come back to them.
        (
            reads("a", Command::Delete, TASK_OF_NOTE),
            reads("b", select, NOTE_OF_TASK),
        ),
    ];

    for (of_tasks, of_notes) in circles {
        let rls = RlsSchema::new(entities(of_tasks, of_notes), config.clone());
        for login in [&plain, &superuser] {
            let error = rls.sync(login).await.unwrap_err();
            assert!(
                matches!(&error, RlsError::Schema(SchemaError::PoliciesAskEachOther { table, .. })
                    if table == "public.task" || table == "public.note"),
                "{error}"
            );
        }

        let left = format!(
            "SELECT concat_ws(' ', (SELECT count(*) FROM pg_policy), to_regrole('{}'))",
            config.app_role()
        );
        assert_eq!(text(&superuser, &left).await, "0");
    }
}

#[tokio::test]
async fn policies_that_ask_in_one_direction_are_made_and_work() {
    let (database, superuser, plain) = logins().await;
    let config = config(&database);
    let registry = entities(reads("a", Command::Select, TASK_OF_NOTE), vec![]);

    let rls = RlsSchema::new(registry.clone(), config.clone());
    rls.sync(&plain).await.unwrap();
    for login in [&plain, &superuser] {
        let report = Doctor::new(registry.clone(), config.clone())
            .examine(login)
            .await
            .unwrap();
        let found = |rule: &str| report.findings().iter().any(|one| one.rule.id == rule);
        assert!(
            !found("RLS114") && !found("RLS113"),
            "{}",
            report.text(false)
        );
    }

    let members = format!(
        "SELECT count(*)::text FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
         WHERE m.roleid = '{}'::regrole AND r.rolname LIKE 'plain%' AND
           coalesce((to_jsonb(m)->>'set_option')::bool, true)",
        config.app_role()
    );
    assert_eq!(
        text(&superuser, &members).await,
        "0",
        "nobody stays a member"
    );
}

#[tokio::test]
async fn doctor_names_what_the_application_cannot_run() {
    let (database, superuser, plain) = logins().await;
    let config = config(&database);
    let registry = entities(vec![], vec![]);
    RlsSchema::new(registry.clone(), config.clone())
        .sync(&plain)
        .await
        .unwrap();
    superuser
        .execute_unprepared(
            "CREATE TABLE secret (id uuid);
             CREATE POLICY a ON task FOR DELETE USING (id IN (SELECT id FROM secret));
             CREATE POLICY b ON note FOR SELECT USING (task_id IN (SELECT n.task_id FROM note n))",
        )
        .await
        .unwrap();

    let app = database.url_as(config.app_role().as_str(), "app password'\\");
    let app = Database::connect(app).await.unwrap();
    for login in [&plain, &superuser, &app] {
        let report = Doctor::new(registry.clone(), config.clone())
            .examine(login)
            .await
            .unwrap();
        let of_rule = report
            .findings()
            .iter()
            .filter(|one| one.rule.id == "RLS114");
        let found: Vec<(&str, &str)> = of_rule
            .map(|one| (one.object.as_str(), one.why.as_str()))
            .collect();

        let [(first, note), (second, task)] = found.as_slice() else {
            panic!("{}", report.text(false));
        };
        assert_eq!((*first, *second), ("public.note", "public.task"));
        assert!(note.contains("no SELECT of the application"), "{note}");
        assert!(
            task.contains("no DELETE of the application") && task.contains("secret"),
            "{task}"
        );
    }

    // The administrator's login can act as no other role.
    let admin = database.url_as(config.admin_role().as_str(), "admin password");
    let admin = Database::connect(admin).await.unwrap();
    let report = Doctor::new(registry, config).examine(&admin).await.unwrap();
    let statements = |one: &&sea_orm_rls::doctor::Finding| one.object == "statements";
    let unexamined: Vec<_> = report.findings().iter().filter(statements).collect();
    assert_eq!(unexamined.len(), 1, "{}", report.text(false));
    assert_eq!(unexamined[0].rule.id, "RLS113");
}

/// FAULTS M11: the child's policy looks the parent up, and does not see it yet.
#[tokio::test]
async fn parent_and_child_of_one_statement_are_refused_and_of_two_are_stored() {
    let (database, _, plain) = logins().await;
    let registry = registry![user::Entity, task::Entity, page::Entity].unwrap();
    let config = config(&database);
    RlsSchema::new(registry.clone(), config.clone())
        .sync(&plain)
        .await
        .unwrap();

    let db = RlsConnection::connect_with(database.url(), config, registry)
        .await
        .unwrap();
    let ann = Uuid::new_v4();
    let mine = db.scope(UserContext::new(ann));
    let run = |sql: String| mine.execute_raw(Statement::from_string(DbBackend::Postgres, sql));
    run(format!("INSERT INTO \"user\" (id) VALUES ('{ann}')"))
        .await
        .unwrap();

    let task = format!("INSERT INTO task (id, title, rank) VALUES ('{ann}', 't', 1)");
    let note = "INSERT INTO note (task_id, body)";
    let together = format!("WITH t AS ({task} RETURNING id) {note} SELECT t.id, 'n' FROM t");
    let refused = run(together).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    run(task).await.unwrap();
    run(format!("{note} VALUES ('{ann}', 'n')")).await.unwrap();
    assert_eq!(text(&mine, "SELECT body FROM note").await, "n");
}

#[tokio::test]
async fn sync_that_cannot_try_a_locked_table_fails() {
    let fixture = Fixture::new(1).await;
    let drift = "ALTER TABLE note DISABLE ROW LEVEL SECURITY";
    fixture.owner.execute_unprepared(drift).await.unwrap();
    let rls = RlsSchema::new(crate::fixture::entities(), fixture.config.clone());
    let before = rls.plan(&fixture.owner).await.unwrap();

    // Statements that write wait for it, and a sync that does not change the table does not.
    let holder = fixture.owner.begin().await.unwrap();
    let lock = "LOCK TABLE task IN SHARE MODE";
    holder.execute_unprepared(lock).await.unwrap();

    let error = rls.sync(&fixture.owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::LockTimeout { sql }) if sql.contains("task")),
        "{error}"
    );
    assert_eq!(rls.plan(&fixture.owner).await.unwrap(), before);

    holder.rollback().await.unwrap();
    assert_eq!(rls.sync(&fixture.owner).await.unwrap().changes().len(), 1);
}
