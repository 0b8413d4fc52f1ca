//! Logins and roles as managed clouds give them: none is a superuser.

use std::path::Path;

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, Database, DatabaseConnection, EntityTrait, TransactionTrait,
};
use sea_orm_rls::doctor::{Doctor, Severity};
use sea_orm_rls::{RlsConfig, RlsSchema};

use super::process::Process;
use crate::fixture::{Fixture, config, entities, task};
use crate::lane::new_task;
use crate::schema::{database, text};

/// What the login of the migrations has; on some clouds it bypasses row security too.
const LOGINS: [&str; 2] = [
    "CREATEROLE CREATEDB",
    "CREATEROLE CREATEDB REPLICATION BYPASSRLS",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_of_a_cloud_migrates_examines_and_undoes() {
    for attributes in LOGINS {
        let (database, superuser) = database().await;
        let login = database.role("cloud");
        let create = format!(
            "CREATE ROLE \"{login}\" LOGIN {attributes} PASSWORD 'cloud';
             ALTER DATABASE \"{}\" OWNER TO \"{login}\"",
            database.name()
        );
        // One message is one transaction, which `ALTER DATABASE … OWNER` may be in.
        superuser.execute_unprepared(&create).await.unwrap();

        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let process = Process {
            manifest: &manifest,
            package: "tasks-migration",
            database: &database,
        };
        let url = database.url_as(&login, "cloud");
        for (arguments, code) in [
            (["rls", "plan"].as_slice(), 3),
            (&["up"], 0),
            (&["rls", "plan"], 0),
            (&["rls", "apply"], 0),
            (&["rls", "doctor"], 0),
            (&["down"], 0),
            (&["rls", "plan"], 3),
            (&["up"], 0),
            (&["rls", "plan"], 0),
        ] {
            let mut command = process.command(arguments);
            let output = command.env("DATABASE_URL", &url).output().unwrap();
            assert_eq!(
                output.status.code(),
                Some(code),
                "{attributes}, {arguments:?}: {output:?}"
            );
        }

        let policies = "SELECT count(*)::text FROM pg_policies WHERE schemaname = 'public'";
        assert_eq!(text(&superuser, policies).await, "51");
    }
}

/// The roles of a Supabase project, and its default privileges: its API gives them all tables.
/// <https://github.com/supabase/postgres/blob/develop/migrations/db/init-scripts/00000000000000-initial-schema.sql>
struct Project {
    fixture: Fixture,
    superuser: DatabaseConnection,
    _server: testbed::Server,
}

impl Project {
    async fn new(configured: impl FnOnce(&testbed::Database) -> RlsConfig) -> Self {
        const ROLES: &str = "
            CREATE ROLE anon NOLOGIN NOINHERIT; CREATE ROLE authenticated NOLOGIN NOINHERIT;
            CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
            CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'api';
            GRANT anon, authenticated, service_role TO authenticator;
            CREATE ROLE cloud LOGIN CREATEROLE CREATEDB REPLICATION BYPASSRLS PASSWORD 'cloud';
            GRANT anon, authenticated, service_role TO cloud WITH ADMIN OPTION;
            GRANT ALL ON SCHEMA public TO cloud;
            GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
            ALTER DEFAULT PRIVILEGES FOR ROLE cloud IN SCHEMA public
              GRANT ALL ON TABLES TO anon, authenticated, service_role;
            ALTER DEFAULT PRIVILEGES FOR ROLE cloud IN SCHEMA public
              GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
            ALTER DEFAULT PRIVILEGES FOR ROLE cloud IN SCHEMA public
              GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role";

        let server = testbed::Server::builder().own().start().unwrap();
        let database = server.database("project").await.unwrap();
        let superuser = Database::connect(database.url()).await.unwrap();
        superuser.execute_unprepared(ROLES).await.unwrap();

        let cloud = Database::connect(database.url_as("cloud", "cloud"))
            .await
            .unwrap();
        let config = configured(&database);
        let fixture = Fixture::migrated_by(database, config, cloud, 1, |_| {}).await;

        let rls = RlsSchema::new(entities(), fixture.config.clone());
        let plan = rls.plan(&fixture.owner).await.unwrap();
        assert!(plan.is_empty(), "{plan}");

        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        new_task("bob's").insert(&fixture.bob()).await.unwrap();

        Self {
            fixture,
            superuser,
            _server: server,
        }
    }

    /// How many tasks the API's login sees when it becomes a role.
    async fn seen_by(&self, role: &str) -> String {
        let url = self.fixture.database.url_as("authenticator", "api");
        let api = Database::connect(url).await.unwrap();
        let session = api.begin().await.unwrap();
        let become_role = format!("SET LOCAL ROLE {role}");
        session.execute_unprepared(&become_role).await.unwrap();
        text(&session, "SELECT count(*)::text FROM task").await
    }
}

#[tokio::test]
async fn roles_of_a_supabase_project_see_no_row() {
    let project = Project::new(config).await;
    let own = task::Entity::find()
        .all(&project.fixture.ann())
        .await
        .unwrap();
    assert_eq!(own.len(), 1);
    assert_eq!(
        text(&project.superuser, "SELECT count(*)::text FROM task").await,
        "2"
    );

    for role in ["anon", "authenticated"] {
        assert_eq!(project.seen_by(role).await, "0", "{role}");
    }
    assert_eq!(
        project.seen_by("service_role").await,
        "2",
        "it bypasses row security"
    );

    let report = Doctor::new(entities(), project.fixture.config.clone())
        .examine(&project.fixture.owner)
        .await
        .unwrap();
    let findings = report.findings().iter();
    let rules: Vec<_> = findings
        .filter(|one| one.severity > Severity::Hint)
        .map(|one| one.rule.id)
        .collect();
    assert_eq!(rules, [""; 0], "{report:?}");

    // The record is not opened by the default privileges either.
    let open = "SELECT count(*)::text FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relname = 'rls_audit' AND a.grantee IN
                  ('anon'::regrole, 'authenticated'::regrole, 'service_role'::regrole)";
    assert_eq!(text(&project.superuser, open).await, "0");
}

/// `RLS_APP_USER=authenticated`: the role learns to log in, and the API's sessions, which have no
/// context of this library, see nothing.
#[tokio::test]
async fn role_that_is_there_without_login_becomes_the_applications() {
    let project = Project::new(|database| {
        let config = config(database);
        config
            .app_login("authenticated", "app password'\\")
            .unwrap()
    })
    .await;

    let own = task::Entity::find()
        .all(&project.fixture.ann())
        .await
        .unwrap();
    assert_eq!(own.len(), 1);
    for role in ["anon", "authenticated"] {
        assert_eq!(project.seen_by(role).await, "0", "{role}");
    }

    let login = "SELECT rolcanlogin::text FROM pg_roles WHERE rolname = 'authenticated'";
    assert_eq!(text(&project.superuser, login).await, "true");
}
