//! Migrations that drop or alter what policies read (FAULTS M1), and entities that name what a later
//! migration makes (M2). As a login that owns the tables and is no superuser, and while someone looks
//! as the application's role.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbErr, TransactionTrait};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTraitSelf, SchemaManager};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::model::{Expression, Privilege};
use sea_orm_rls::policy::{Command, Policy};
use sea_orm_rls::schema::MissingTables;
use sea_orm_rls::{Registry, RlsConfig, RlsSchema, registry};

use crate::fixture::{Public, config, plain_login};
use crate::schema::{text, texts};

/// Users, their documents, and the pages of these, with keys of one type.
macro_rules! entities {
    ($module:ident, $key:ident) => {
        #[allow(dead_code, reason = "SeaORM generates more than each test uses")]
        mod $module {
            pub mod user {
                use sea_orm::entity::prelude::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = "user")]
                #[user_scoped(identity)]
                pub struct Model {
                    #[sea_orm(primary_key, auto_increment = false)]
                    pub id: $key,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }

            pub mod doc {
                use sea_orm::entity::prelude::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = "doc")]
                #[user_scoped(user = super::user::Entity)]
                pub struct Model {
                    #[sea_orm(primary_key, auto_increment = false)]
                    pub id: $key,
                    pub owner_id: $key,
                    pub body: String,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }

            pub mod page {
                use sea_orm::entity::prelude::*;
                use sea_orm_rls::UserScoped;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
                #[sea_orm(table_name = "page")]
                #[user_scoped(via = "doc")]
                pub struct Model {
                    #[sea_orm(primary_key, auto_increment = false)]
                    pub id: i32,
                    pub doc_id: $key,
                    pub body: String,
                    #[sea_orm(belongs_to, from = "doc_id", to = "id")]
                    pub doc: HasOne<super::doc::Entity>,
                }

                impl ActiveModelBehavior for ActiveModel {}
            }
        }
    };
}

entities!(narrow, i32);
entities!(wide, i64);

mod shared {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "doc")]
    #[user_scoped(user = super::narrow::user::Entity, read = "published")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub owner_id: i32,
        pub body: String,
        pub published: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod member {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "member")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub doc_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    transaction: Option<bool>,
    up: &'static str,
    down: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(self.up).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared(self.down).await.map(drop)
    }

    fn use_transaction(&self) -> Option<bool> {
        self.transaction
    }
}

struct Steps(Vec<Step>);

impl MigratorTraitSelf for Steps {
    fn migrations(&self) -> Vec<Box<dyn MigrationTrait>> {
        let boxed = |step: &Step| Box::new(*step) as Box<dyn MigrationTrait>;
        self.0.iter().map(boxed).collect()
    }
}

const fn step(name: &'static str, up: &'static str, down: &'static str) -> Step {
    Step {
        name,
        transaction: None,
        up,
        down,
    }
}

/// A project of three migrations: what it declared with its first migration alone, and what it declares with all three.
#[derive(Clone, Copy)]
struct Project {
    name: &'static str,
    before: fn() -> Registry,
    after: fn() -> Registry,
    steps: [Step; 3],
    /// The documents that Ann reads at the end, and her pages.
    reads: (&'static str, &'static str),
}

const TABLES: Step = step(
    "m1",
    r#"CREATE TABLE "user" (id integer PRIMARY KEY);
       CREATE TABLE doc (id integer PRIMARY KEY, owner_id integer NOT NULL, body text NOT NULL);
       CREATE TABLE page (id integer PRIMARY KEY, doc_id integer REFERENCES doc, body text NOT NULL);
       CREATE TABLE member (doc_id integer, user_id integer, PRIMARY KEY (doc_id, user_id))"#,
    r#"DROP TABLE member; ALTER TABLE page DROP COLUMN doc_id; DROP TABLE doc; DROP TABLE page;
       DROP TABLE "user""#,
);

fn narrow_entities() -> Registry {
    registry![
        narrow::user::Entity,
        narrow::doc::Entity,
        narrow::page::Entity
    ]
    .unwrap()
}

fn wide_entities() -> Registry {
    registry![wide::user::Entity, wide::doc::Entity, wide::page::Entity].unwrap()
}

fn shared_entities() -> Registry {
    registry![narrow::user::Entity, shared::Entity].unwrap()
}

/// Documents are shared with their members, unless a restrictive policy says that they are locked.
fn member_entities() -> Registry {
    let of_members = Policy::permissive("doc_member")
        .on([Command::Select])
        .using(Expression::raw_sql(
            "id IN (SELECT m.doc_id FROM member m WHERE m.user_id = (SELECT \
             NULLIF(current_setting('app.user_id', true), '')::integer))",
        ));
    let unlocked = Policy::restrictive("doc_unlocked")
        .on([Command::Select])
        .using(Expression::raw_sql(
            "NOT EXISTS (SELECT FROM member m WHERE m.doc_id = id AND m.user_id = 0)",
        ));

    Registry::new([
        Declaration::identity::<narrow::user::Entity>(),
        Declaration::owned::<narrow::doc::Entity>("owner_id")
            .user::<narrow::user::Entity>()
            .policies([of_members, unlocked]),
        Declaration::unscoped::<member::Entity>("read by policies", &[Privilege::Select]),
    ])
    .unwrap()
}

/// `read` on a column that comes, goes and is made anew.
const READ: Project = Project {
    name: "read",
    before: shared_without,
    after: shared_entities,
    steps: [
        TABLES,
        step(
            "m2",
            "ALTER TABLE doc ADD published boolean NOT NULL DEFAULT false",
            "ALTER TABLE doc DROP COLUMN published",
        ),
        step(
            "m3",
            "ALTER TABLE doc ALTER published DROP DEFAULT, ALTER published TYPE boolean USING NOT \
             NOT published, ALTER published SET DEFAULT false",
            "ALTER TABLE doc DROP COLUMN published; ALTER TABLE doc ADD published boolean NOT NULL \
             DEFAULT false",
        ),
    ],
    reads: ("ann", ""),
};

fn shared_without() -> Registry {
    registry![narrow::user::Entity, narrow::doc::Entity].unwrap()
}

/// The types of the key, the owner column and the column of `via`.
const TYPES: Project = Project {
    name: "types",
    before: narrow_entities,
    after: wide_entities,
    steps: [
        TABLES,
        step(
            "m2",
            r#"ALTER TABLE "user" ALTER id TYPE bigint; ALTER TABLE doc ALTER id TYPE bigint,
               ALTER owner_id TYPE bigint"#,
            r#"ALTER TABLE doc ALTER id TYPE integer, ALTER owner_id TYPE integer; ALTER TABLE
               "user" ALTER id TYPE integer"#,
        ),
        step(
            "m3",
            "ALTER TABLE page ALTER doc_id TYPE bigint",
            "ALTER TABLE page ALTER doc_id TYPE integer",
        ),
    ],
    reads: ("ann", "ann"),
};

/// The column of `via` is dropped and made anew, with what it held.
const VIA: Project = Project {
    name: "via",
    before: narrow_entities,
    after: narrow_entities,
    steps: [
        TABLES,
        step(
            "m2",
            "ALTER TABLE page RENAME doc_id TO was; ALTER TABLE page ADD doc_id integer REFERENCES \
             doc; ALTER TABLE page DROP COLUMN was",
            "ALTER TABLE page DROP COLUMN doc_id; ALTER TABLE page ADD doc_id integer REFERENCES doc",
        ),
        step(
            "m3",
            "ALTER TABLE page DROP COLUMN doc_id CASCADE; ALTER TABLE page ADD doc_id integer REFERENCES doc",
            "ALTER TABLE page DROP COLUMN doc_id CASCADE; ALTER TABLE page ADD doc_id integer \
             REFERENCES doc",
        ),
    ],
    reads: ("ann", ""),
};

/// The table of memberships that policies read goes, and is made anew.
const MEMBERS: Project = Project {
    name: "memberships",
    before: member_entities,
    after: member_entities,
    steps: [
        TABLES,
        step(
            "m2",
            "ALTER TABLE member ALTER user_id TYPE bigint",
            "ALTER TABLE member ALTER user_id TYPE integer",
        ),
        step(
            "m3",
            "DROP TABLE member; CREATE TABLE member (doc_id integer, user_id integer, PRIMARY KEY \
             (doc_id, user_id))",
            "DROP TABLE member CASCADE; CREATE TABLE member (doc_id integer, user_id bigint, \
             PRIMARY KEY (doc_id, user_id))",
        ),
    ],
    reads: ("ann", ""),
};

/// The owner column is made anew, with what it held, and loses what keeps it.
const OWNER: Project = Project {
    name: "owner",
    before: narrow_entities,
    after: narrow_entities,
    steps: [
        TABLES,
        step("m2", MADE_ANEW, MADE_ANEW),
        step(
            "m3",
            "ALTER TABLE doc ALTER owner_id DROP NOT NULL, ALTER owner_id DROP DEFAULT, DROP \
             CONSTRAINT IF EXISTS doc_owner_id_fkey; DROP INDEX IF EXISTS doc_owner_id_idx",
            "ALTER TABLE doc ALTER owner_id DROP NOT NULL, ALTER owner_id SET DEFAULT 2",
        ),
    ],
    reads: ("ann", "ann"),
};

const MADE_ANEW: &str =
    "ALTER TABLE doc RENAME owner_id TO was; ALTER TABLE doc ADD owner_id integer;
    ALTER TABLE doc ALTER owner_id TYPE integer USING was; ALTER TABLE doc DROP COLUMN was";

struct World {
    database: testbed::Database,
    superuser: DatabaseConnection,
    plain: DatabaseConnection,
    config: RlsConfig,
}

impl World {
    async fn new() -> Self {
        let database = testbed::server()
            .unwrap()
            .database("standing")
            .await
            .unwrap();

        Self {
            superuser: Database::connect(database.url()).await.unwrap(),
            plain: plain_login(&database, Public::Owned).await,
            config: config(&database),
            database,
        }
    }

    fn migrator(&self, registry: Registry, steps: &[Step]) -> RlsMigrator<Steps> {
        RlsMigrator::with(Steps(steps.to_vec()), registry, self.config.clone())
    }

    /// Rows of two users, if there are none.
    async fn seed(&self) {
        const ROWS: &str = r#"INSERT INTO "user" (id) VALUES (1), (2) ON CONFLICT DO NOTHING;
            INSERT INTO doc (id, owner_id, body) VALUES (1, 1, 'ann'), (2, 2, 'bob')
              ON CONFLICT DO NOTHING;
            INSERT INTO page (id, doc_id, body) VALUES (1, 1, 'ann'), (2, 2, 'bob')
              ON CONFLICT DO NOTHING"#;
        self.superuser.execute_unprepared(ROWS).await.unwrap();
    }

    async fn assert_nothing_to_change(&self, project: &Project, after: &str) {
        let pending = Steps(project.steps.to_vec())
            .get_pending_migrations_read_only(&self.plain)
            .await
            .unwrap();
        let missing = if pending.is_empty() {
            MissingTables::Refuse
        } else {
            MissingTables::Skip
        };
        let rls = RlsSchema::new((project.after)(), self.config.clone()).missing_tables(missing);

        let plan = rls.plan(&self.superuser).await.unwrap();
        assert!(plan.is_empty(), "{}, {after}: {plan}", project.name);

        let plan = rls.plan(&self.plain).await.unwrap();
        assert!(plan.is_empty(), "{}, {after}: {plan}", project.name);
    }

    /// What Ann reads of a table, as the application's role.
    async fn reads(&self, table: &str) -> String {
        let app = self.app().await;
        let transaction = app.begin().await.unwrap();
        let set = "SELECT set_config('app.user_id', '1', true)";
        transaction.execute_unprepared(set).await.unwrap();
        text(&transaction, &format!("SELECT body FROM {table}")).await
    }

    async fn app(&self) -> DatabaseConnection {
        let url = self
            .database
            .url_as(self.config.app_role().as_str(), "app password'\\");
        Database::connect(url).await.unwrap()
    }
}

/// Reads as the application's role until it is stopped.
struct Watch {
    stop: Arc<AtomicBool>,
    seen: tokio::task::JoinHandle<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    own: u32,
    foreign: u32,
    refused: u32,
}

impl Watch {
    async fn start(world: &World) -> Self {
        let (app, stop) = (world.app().await, Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let seen = tokio::spawn(async move {
            let mut seen = Seen::default();
            while !stopped.load(Ordering::Relaxed) {
                for (table, user) in [("doc", "1"), ("page", "1"), ("doc", ""), ("page", "")] {
                    match look(&app, table, user).await {
                        Ok(rows) => {
                            seen.own += u32::from(rows.contains(&"ann".to_owned()));
                            let foreign = rows.iter().any(|row| user.is_empty() || row != "ann");
                            seen.foreign += u32::from(foreign);
                        }
                        Err(_) => seen.refused += 1,
                    }
                }
            }

            seen
        });

        Self { stop, seen }
    }

    async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.seen.await.unwrap()
    }
}

async fn look(app: &DatabaseConnection, table: &str, user: &str) -> Result<Vec<String>, DbErr> {
    let transaction = app.begin().await?;
    transaction
        .execute_unprepared(&format!("SELECT set_config('app.user_id', '{user}', true)"))
        .await?;

    let statement = sea_orm::Statement::from_string(
        sea_orm::DbBackend::Postgres,
        format!("SELECT body FROM {table}"),
    );
    let rows = transaction.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// Everything that SeaORM's command line does, and after each step nothing is left to change.
async fn play(project: Project) {
    let world = World::new().await;
    let first = world.migrator((project.before)(), &project.steps[..1]);
    first.up(&world.plain, None).await.unwrap();
    world.seed().await;

    let watch = Watch::start(&world).await;
    let migrator = world.migrator((project.after)(), &project.steps);
    let nothing = |after| world.assert_nothing_to_change(&project, after);

    migrator.up(&world.plain, None).await.unwrap();
    nothing("up").await;
    assert_eq!(world.reads("doc").await, project.reads.0);

    migrator.down(&world.plain, Some(1)).await.unwrap();
    nothing("down 1").await;
    migrator.down(&world.plain, Some(1)).await.unwrap();
    nothing("down 2").await;
    migrator.up(&world.plain, None).await.unwrap();
    nothing("up again").await;
    assert_eq!(world.reads("doc").await, project.reads.0);

    migrator.refresh(&world.plain).await.unwrap();
    nothing("refresh").await;
    world.seed().await;

    migrator.reset(&world.plain).await.unwrap();
    nothing("reset").await;
    for after in ["up -n 1", "up -n 1 twice", "up -n 1 three times"] {
        migrator.up(&world.plain, Some(1)).await.unwrap();
        nothing(after).await;
        world.seed().await;
    }

    migrator.fresh(&world.plain).await.unwrap();
    nothing("fresh").await;
    world.seed().await;
    migrator.down(&world.plain, None).await.unwrap();
    nothing("down").await;
    migrator.up(&world.plain, None).await.unwrap();
    nothing("up at the end").await;
    world.seed().await;

    assert_eq!(world.reads("doc").await, project.reads.0);
    if !project.reads.1.is_empty() {
        assert_eq!(world.reads("page").await, project.reads.1);
    }

    let seen = watch.stop().await;
    assert!(
        seen.foreign == 0 && seen.own > 0,
        "{}: {seen:?}",
        project.name
    );
    assert_eq!(
        text(&world.superuser, "SELECT body FROM doc WHERE id = 2").await,
        "bob"
    );
}

/// Each project on a database of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projects_go_everywhere_and_nobody_reads_what_is_not_theirs() {
    let mut playing = tokio::task::JoinSet::new();
    for project in [READ, TYPES, VIA, MEMBERS, OWNER] {
        playing.spawn(play(project));
    }

    while let Some(played) = playing.join_next().await {
        played.unwrap();
    }
}

/// What the catalog holds of the documents' policies and grants, but for the versions of rows.
async fn held(world: &World) -> Vec<String> {
    texts(
        &world.superuser,
        "SELECT concat_ws('|', polname, polcmd, polpermissive, pg_get_expr(polqual, polrelid), \
         split_part(obj_description(oid, 'pg_policy'), ' ', 3)) FROM pg_policy
         UNION ALL SELECT concat_ws('|', relname, relacl) FROM pg_class WHERE relname IN ('doc', \
         'page', 'member')
         ORDER BY 1",
    )
    .await
}

#[tokio::test]
async fn failed_migration_leaves_policies_and_grants_as_they_were() {
    let world = World::new().await;
    let first = world.migrator(narrow_entities(), &[TABLES]);
    first.up(&world.plain, None).await.unwrap();
    let before = held(&world).await;

    let fails = step(
        "m2",
        "ALTER TABLE page DROP COLUMN doc_id; SELECT 1 / 0",
        "SELECT 1",
    );
    let migrator = world.migrator(narrow_entities(), &[TABLES, fails]);
    let error = migrator.up(&world.plain, None).await.unwrap_err();

    assert!(error.to_string().contains("division by zero"), "{error}");
    assert_eq!(held(&world).await, before);
}

#[tokio::test]
async fn table_without_one_of_its_policies_is_closed_until_they_converge() {
    let world = World::new().await;
    let migrator = world.migrator(member_entities(), &[TABLES]);
    migrator.up(&world.plain, None).await.unwrap();
    world.seed().await;
    world
        .superuser
        .execute_unprepared("INSERT INTO member VALUES (1, 0)")
        .await
        .unwrap();
    assert_eq!(world.reads("doc").await, "", "it is locked");

    // The convergence is refused, since an entity's table is not there.
    let later = step("m2", "DROP TABLE member CASCADE", "SELECT 1");
    let migrator = world.migrator(member_entities(), &[TABLES, later]);
    let error = migrator.up(&world.plain, None).await.unwrap_err();
    assert!(error.to_string().contains("`public.member`"), "{error}");

    let refused = look(&world.app().await, "doc", "1").await.unwrap_err();
    assert!(
        refused.to_string().contains("permission denied"),
        "{refused}"
    );

    // Nor is it open if someone grants by hand.
    let grant = format!("GRANT SELECT ON doc TO \"{}\"", world.config.app_role());
    world.superuser.execute_unprepared(&grant).await.unwrap();
    assert_eq!(world.reads("doc").await, "");
}

#[tokio::test]
async fn policies_made_by_hand_are_named() {
    let world = World::new().await;
    let migrator = world.migrator(narrow_entities(), &[TABLES]);
    migrator.up(&world.plain, None).await.unwrap();
    world
        .superuser
        .execute_unprepared("CREATE POLICY by_hand ON page USING (doc_id > 0)")
        .await
        .unwrap();
    let before = held(&world).await;

    let drops = step("m2", "ALTER TABLE page DROP COLUMN doc_id", "SELECT 1");
    let migrator = world.migrator(narrow_entities(), &[TABLES, drops]);
    let error = migrator
        .up(&world.plain, None)
        .await
        .unwrap_err()
        .to_string();

    assert!(
        error.contains("`by_hand` on table `public.page`") && error.contains("drop_policy"),
        "{error}"
    );
    assert_eq!(held(&world).await, before);
}

#[tokio::test]
async fn without_a_transaction_the_error_names_the_policies_and_a_lost_one_closes_the_table() {
    let world = World::new().await;
    let migrator = world.migrator(member_entities(), &[TABLES]);
    migrator.up(&world.plain, None).await.unwrap();
    world.seed().await;
    let before = held(&world).await;

    let alone = |up| Step {
        transaction: Some(false),
        ..step("m2", up, "SELECT 1")
    };
    let migrator = |step| world.migrator(member_entities(), &[TABLES, step]);

    let error = migrator(alone("ALTER TABLE member ALTER user_id TYPE bigint"))
        .up(&world.plain, None)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("`doc_member` on table `public.doc`") && error.contains("transaction"),
        "{error}"
    );
    assert_eq!(held(&world).await, before);

    let lost = alone("ALTER TABLE member DROP COLUMN doc_id CASCADE");
    migrator(lost).up(&world.plain, None).await.unwrap_err();
    let refused = look(&world.app().await, "doc", "1").await.unwrap_err();
    assert!(
        refused.to_string().contains("permission denied"),
        "{refused}"
    );
}

#[tokio::test]
async fn reviewed_migrations_keep_policies_and_say_what_to_do() {
    let world = World::new().await;
    let first = world.migrator(narrow_entities(), &[TABLES]);
    first.up(&world.plain, None).await.unwrap();
    let before = held(&world).await;

    let drops = step("m2", "ALTER TABLE page DROP COLUMN doc_id", "SELECT 1");
    let migrator = world.migrator(narrow_entities(), &[TABLES, drops]);
    let error = migrator
        .reviewed()
        .up(&world.plain, None)
        .await
        .unwrap_err()
        .to_string();

    assert!(
        error.contains("`page_owner_select` on table `public.page`")
            && error.contains("rls generate"),
        "{error}"
    );
    assert_eq!(held(&world).await, before);
}

/// FAULTS B: SeaORM's own fails on each of these (2BP01), except the view that reads a table.
#[tokio::test]
async fn fresh_drops_views_that_read_no_table() {
    const BESIDE: &str = r#"
        CREATE SCHEMA side; CREATE TABLE side.kept (id integer); CREATE VIEW side.kept_view AS SELECT 1 AS x;
        CREATE SEQUENCE numbers; CREATE VIEW of_doc AS SELECT body FROM doc;
        CREATE VIEW one AS SELECT 1 AS x; CREATE VIEW "Two's" AS SELECT x FROM one;
        CREATE MATERIALIZED VIEW three AS SELECT x FROM "Two's"; CREATE VIEW four AS SELECT x FROM three;
        CREATE VIEW elsewhere AS SELECT id FROM side.kept;
        CREATE FOREIGN DATA WRAPPER wire; CREATE SERVER far FOREIGN DATA WRAPPER wire;
        CREATE FOREIGN TABLE remote (id integer) SERVER far;
        CREATE EXTENSION pg_stat_statements"#;

    let world = World::new().await;
    let migrator = world.migrator(narrow_entities(), &[TABLES]);
    migrator.up(&world.superuser, None).await.unwrap();
    world.superuser.execute_unprepared(BESIDE).await.unwrap();

    let own = Steps(vec![TABLES]).fresh(&world.superuser).await;
    let own = own.unwrap_err().to_string();
    assert!(own.contains("cannot drop type"), "{own}");

    let extension = migrator.fresh(&world.superuser).await.unwrap_err();
    let extension = extension.to_string();
    assert!(
        extension.contains("because extension pg_stat_statements requires it"),
        "{extension}"
    );
    let kept = "SELECT count(*)::text FROM doc, of_doc, four, elsewhere";
    assert_eq!(
        text(&world.superuser, kept).await,
        "0",
        "nothing is dropped"
    );

    let elsewhere = "ALTER EXTENSION pg_stat_statements SET SCHEMA side";
    let superuser = &world.superuser;
    superuser.execute_unprepared(elsewhere).await.unwrap();
    migrator.fresh(&world.superuser).await.unwrap();
    let left = "SELECT format('%s.%s', relnamespace::regnamespace, relname) FROM pg_class
                WHERE relkind IN ('v', 'm', 'f') AND relnamespace::regnamespace::text IN ('public', 'side')
                ORDER BY 1";
    assert_eq!(
        texts(&world.superuser, left).await,
        [
            "side.kept_view",
            "side.pg_stat_statements",
            "side.pg_stat_statements_info"
        ]
    );
    assert_eq!(
        text(&world.superuser, "SELECT count(*)::text FROM side.kept").await,
        "0"
    );
    world
        .superuser
        .execute_unprepared("DROP SERVER far")
        .await
        .unwrap();
}
