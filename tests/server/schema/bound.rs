//! References that stay with their owner, by keys and by policies.

use rls_core::testing::{Actor, Attempt, Fault, IsolationProof, Outcome, Proof};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::error::{GateError, GateFinding, SchemaError};
use sea_orm_rls::schema::{Change, ForeignKeyChange, TableChange, apply_changes, apply_statements};
use sea_orm_rls::{
    Registry, RlsConfig, RlsConnection, RlsError, RlsSchema, ScopedConnection, UserContext,
    registry,
};
use uuid::Uuid;

use super::{text, texts};
use crate::fixture::{Public, config, plain_login, user};
use crate::proof::shop::entity;

entity!(project, "project", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: Uuid,
});

entity!(task, "task", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, bind = "project")] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: Uuid,
    pub project_id: Option<i32>,
    #[sea_orm(belongs_to, from = "project_id", to = "id")]
    pub project: HasOne<super::project::Entity>,
});

// A row that refers to another of its table, and a key that no migration made.
entity!(step, "step", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, bind(before, project))] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: Uuid,
    pub before_id: Option<i32>,
    #[sea_orm(self_ref, relation_enum = "Before", from = "before_id", to = "id")]
    pub before: HasOne<Entity>,
    pub project_id: i32,
    #[sea_orm(belongs_to, from = "project_id", to = "id", skip_fk)]
    pub project: HasOne<super::project::Entity>,
});

entity!(label, "label", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, read = is_public)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: Uuid,
    pub is_public: bool,
});

// Rows that others may read, so that a key would say too little.
entity!(labelled, "labelled", [UserScoped], #[user_scoped(via = "task", bind = "label")] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub task_id: i32,
    #[sea_orm(belongs_to, from = "task_id", to = "id")]
    pub task: HasOne<super::task::Entity>,
    pub label_id: Option<i32>,
    #[sea_orm(belongs_to, from = "label_id", to = "id")]
    pub label: HasOne<super::label::Entity>,
});

entity!(org, "org", [TenantScoped], #[tenant_scoped(identity)] {
    #[sea_orm(primary_key)]
    pub id: i32,
});

entity!(book, "book", [TenantScoped, UserScoped],
    #[user_scoped(user = crate::fixture::user::Entity)]
    #[tenant_scoped(tenant = super::org::Entity)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub tenant_id: i32,
    pub owner_id: Uuid,
});

entity!(chapter, "chapter", [TenantScoped, UserScoped],
    #[user_scoped(user = crate::fixture::user::Entity)]
    #[tenant_scoped(tenant = super::org::Entity, bind = "book")] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub tenant_id: i32,
    pub owner_id: Uuid,
    pub book_id: i32,
    #[sea_orm(belongs_to, from = "book_id", to = "id")]
    pub book: HasOne<super::book::Entity>,
});

// It belongs to the tenant alone, so a key would let it refer to any user's book of the tenant.
entity!(shelf, "shelf", [TenantScoped], #[tenant_scoped(tenant = super::org::Entity, bind = "book")] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub tenant_id: i32,
    pub book_id: Option<i32>,
    #[sea_orm(belongs_to, from = "book_id", to = "id")]
    pub book: HasOne<super::book::Entity>,
});

// As SeaORM's schema sync makes them: it drops a unique key that no entity declares.
entity!(plan, "plan", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity)] {
    #[sea_orm(primary_key, unique_key = "owned")]
    pub id: i32,
    #[sea_orm(unique_key = "owned")]
    pub owner_id: Uuid,
});

entity!(part, "part", [UserScoped], #[user_scoped(user = crate::fixture::user::Entity, bind = "plan")] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: Uuid,
    pub plan_id: Option<i32>,
    #[sea_orm(belongs_to, from = "plan_id", to = "id")]
    pub plan: HasOne<super::plan::Entity>,
});

const TABLES: &str = r#"
CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE project (id serial PRIMARY KEY, owner_id uuid NOT NULL);
CREATE TABLE task (id serial PRIMARY KEY, owner_id uuid NOT NULL, project_id integer,
  CONSTRAINT of_project FOREIGN KEY (project_id) REFERENCES project ON UPDATE CASCADE ON DELETE SET NULL
    DEFERRABLE);
CREATE TABLE step (id serial PRIMARY KEY, owner_id uuid NOT NULL,
  before_id integer REFERENCES step MATCH FULL, project_id integer NOT NULL);
CREATE TABLE label (id serial PRIMARY KEY, owner_id uuid NOT NULL, is_public boolean NOT NULL DEFAULT false);
CREATE TABLE labelled (id serial PRIMARY KEY, task_id integer NOT NULL REFERENCES task,
  label_id integer REFERENCES label);"#;

const KEYS: &str = "SELECT conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
    WHERE contype = 'f' AND conrelid::regclass::text IN ('task', 'step') AND conname !~ 'owner_id_fkey'
    ORDER BY 1";

fn entities() -> Registry {
    registry![
        user::Entity,
        project::Entity,
        task::Entity,
        step::Entity,
        label::Entity,
        labelled::Entity,
    ]
    .unwrap()
}

struct World {
    database: testbed::Database,
    owner: DatabaseConnection,
    config: RlsConfig,
    rls: RlsSchema,
    users: [Uuid; 2],
}

impl World {
    /// Two users with a project each, the first and the second. Nothing is scoped yet.
    async fn new() -> Self {
        let database = testbed::server().unwrap().database("bound").await.unwrap();
        let owner = sea_orm::Database::connect(database.url()).await.unwrap();
        Self::of(database, owner).await
    }

    async fn of(database: testbed::Database, owner: DatabaseConnection) -> Self {
        owner.execute_unprepared(TABLES).await.unwrap();

        let users = [Uuid::from_u128(1), Uuid::from_u128(2)];
        for id in users {
            owner
                .execute_unprepared(&format!(
                    "INSERT INTO \"user\" VALUES ('{id}', '{id}'); INSERT INTO project (owner_id) VALUES ('{id}')"
                ))
                .await
                .unwrap();
        }

        let config = config(&database);
        let rls = RlsSchema::new(entities(), config.clone());
        Self {
            database,
            owner,
            config,
            rls,
            users,
        }
    }

    async fn run(&self, sql: &str) {
        let [first, second] = self.users;
        let sql = sql.replace("$1", &format!("'{first}'"));
        let sql = sql.replace("$2", &format!("'{second}'"));
        self.owner.execute_unprepared(&sql).await.unwrap();
    }

    async fn connect(&self) -> Result<RlsConnection, RlsError> {
        RlsConnection::connect_with(self.database.url(), self.config.clone(), entities()).await
    }

    async fn first(&self) -> ScopedConnection {
        let db = self.connect().await.unwrap();
        db.scope(UserContext::new(self.users[0]))
    }

    async fn prove(&self) -> Proof {
        let db = self.connect().await.unwrap();
        let registry = entities();
        let proof = IsolationProof::new(&registry);
        proof.run(&self.owner, &db).await.unwrap()
    }
}

const BOUND: [&str; 3] = [
    "of_project: FOREIGN KEY (owner_id, project_id) REFERENCES project(owner_id, id) ON UPDATE \
     CASCADE ON DELETE SET NULL (project_id) DEFERRABLE",
    "step_before_id_fkey: FOREIGN KEY (owner_id, before_id) REFERENCES step(owner_id, id)",
    "step_owner_id_project_id_fkey: FOREIGN KEY (owner_id, project_id) REFERENCES project(owner_id, id)",
];

#[tokio::test]
async fn owner_is_put_into_the_key_that_is_there() {
    let world = World::new().await;
    let before = texts(&world.owner, KEYS).await;

    let plan = world.rls.sync(&world.owner).await.unwrap();
    assert_eq!(texts(&world.owner, KEYS).await, BOUND, "{plan}");
    assert!(world.rls.plan(&world.owner).await.unwrap().is_empty());

    // Nothing is left to find but what keys and labels of the test itself show.
    let doctor = Doctor::new(entities(), world.config.clone());
    let report = doctor.examine(&world.owner).await.unwrap();
    let of_keys = [
        "RLS105", "RLS106", "RLS107", "RLS109", "RLS110", "RLS114", "RLS115", "RLS209",
    ];
    let found: Vec<&str> = report.findings().iter().map(|it| it.rule.id).collect();
    assert!(
        !found.iter().any(|id| of_keys.contains(id)),
        "{}",
        report.text(false)
    );

    let first = world.first().await;
    let insert = async |sql: &str| first.execute_unprepared(sql).await;
    insert("INSERT INTO task (project_id) VALUES (1), (NULL)")
        .await
        .unwrap();
    let refused = insert("INSERT INTO task (project_id) VALUES (2)").await;
    assert_eq!(state(refused), "23503");
    let refused = insert("UPDATE task SET project_id = 2").await;
    assert_eq!(state(refused), "23503");

    // The row stays its owner's when what it refers to goes.
    insert("DELETE FROM project").await.unwrap();
    let tasks = "SELECT count(*)::text FROM task WHERE project_id IS NULL AND owner_id IS NOT NULL";
    assert_eq!(text(&world.owner, tasks).await, "2");

    // Back, and forth again by the reversed changes.
    let back = plan.reverse();
    let keys = |change: &&Change| {
        matches!(
            change,
            Change::Table(_, TableChange::ForeignKey(_) | TableChange::Index(_))
        )
    };
    let back: Vec<Change> = back.changes().iter().filter(keys).cloned().collect();
    apply_changes(&world.owner, &back).await.unwrap();
    assert_eq!(texts(&world.owner, KEYS).await, before);
    let unique = "SELECT count(*)::text FROM pg_indexes WHERE indexname ~ '_owner_id_id_key'";
    assert_eq!(text(&world.owner, unique).await, "0");

    world.rls.sync(&world.owner).await.unwrap();
    assert_eq!(texts(&world.owner, KEYS).await, BOUND);
}

fn state<T: std::fmt::Debug>(result: Result<T, sea_orm::DbErr>) -> String {
    let error = RlsError::from(result.unwrap_err());
    error.sqlstate().unwrap_or_else(|| error.to_string())
}

/// It knows foreign keys by their names, and unique keys by what entities declare.
#[tokio::test]
async fn schema_sync_leaves_what_binds() {
    let database = testbed::server().unwrap().database("bound").await.unwrap();
    let owner = sea_orm::Database::connect(database.url()).await.unwrap();
    let create = async || {
        sea_orm::Schema::new(sea_orm::DbBackend::Postgres)
            .builder()
            .register(user::Entity)
            .register(plan::Entity)
            .register(part::Entity)
            .sync(&owner)
            .await
            .unwrap();
    };
    let entities = registry![user::Entity, plan::Entity, part::Entity].unwrap();
    let rls = RlsSchema::new(entities, config(&database));
    let keys = KEYS.replace("('task', 'step')", "('part')");

    create().await;
    rls.sync(&owner).await.unwrap();
    let bound = texts(&owner, &keys).await;
    assert_eq!(bound.len(), 1, "{bound:?}");
    assert!(bound[0].contains("(owner_id, plan_id)"), "{bound:?}");

    create().await;
    assert_eq!(texts(&owner, &keys).await, bound);
    assert!(rls.plan(&owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn generated_statements_bind_and_unbind() {
    let world = World::new().await;
    let script = world.rls.script(&world.owner).await.unwrap();
    let each = |statements: &[String]| statements.join(";\n");
    assert!(each(&script.up).contains("CREATE UNIQUE INDEX \"project_owner_id_id_key\""));

    sea_orm_rls::schema::ensure_roles(&world.owner, &world.config)
        .await
        .unwrap();
    let up: Vec<&str> = script.up.iter().map(String::as_str).collect();
    apply_statements(&world.owner, &up).await.unwrap();
    assert_eq!(texts(&world.owner, KEYS).await, BOUND);

    let down: Vec<&str> = script.down.iter().map(String::as_str).collect();
    apply_statements(&world.owner, &down).await.unwrap();
    let plain = texts(&world.owner, KEYS).await;
    assert!(
        plain.iter().all(|key| !key.contains("owner_id")),
        "{plain:?}"
    );
}

#[tokio::test]
async fn big_tables_are_bound_in_steps() {
    let world = World::new().await;
    world
        .run("INSERT INTO task (owner_id, project_id) VALUES ($1, 1), ($2, 2), ($2, NULL)")
        .await;

    let prepared = world.rls.prepare_online(&world.owner).await.unwrap();
    let bound = prepared.changes().iter().filter(|change| {
        matches!(
            change,
            Change::Table(_, TableChange::ForeignKey(ForeignKeyChange::Bind { .. }))
        )
    });
    assert_eq!(bound.count(), 3, "{prepared}");
    assert_eq!(texts(&world.owner, KEYS).await, BOUND);

    let rest = world.rls.sync(&world.owner).await.unwrap();
    assert!(!rest.to_string().contains("FOREIGN KEY"), "{rest}");
    assert!(world.rls.plan(&world.owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_that_refer_to_rows_of_others_are_counted_and_nothing_is_changed() {
    let world = World::new().await;
    world
        .run(
            "INSERT INTO task (owner_id, project_id) VALUES ($1, 1), ($1, 2), ($2, 1), ($2, NULL);
             INSERT INTO step (owner_id, project_id) VALUES ($1, 99)",
        )
        .await;
    let before = texts(&world.owner, KEYS).await;

    let found = |error: RlsError, table: &str, count: i64| match error {
        RlsError::Schema(SchemaError::ForeignRows {
            table: of,
            rows,
            find,
            ..
        }) => {
            assert_eq!((of, rows), (format!("public.{table}"), count));
            find
        }
        other => panic!("{other}"),
    };

    let online = world.rls.prepare_online(&world.owner).await.unwrap_err();
    found(online, "step", 1);
    assert_eq!(texts(&world.owner, KEYS).await, before);

    world.run("DELETE FROM step").await;
    let error = world.rls.sync(&world.owner).await.unwrap_err();
    let find = found(error, "task", 2);
    assert_eq!(
        texts(&world.owner, &find.replace("c.*", "c.id::text")).await,
        ["2", "3"]
    );
    assert_eq!(
        texts(&world.owner, KEYS).await,
        before,
        "nothing is bound by half"
    );

    world
        .run("UPDATE task SET project_id = NULL WHERE id IN (2, 3)")
        .await;
    world.rls.sync(&world.owner).await.unwrap();
    assert_eq!(texts(&world.owner, KEYS).await, BOUND);
}

/// A login that is held by the policies of the tables that it owns.
#[tokio::test]
async fn forced_tables_are_bound() {
    let database = testbed::server().unwrap().database("bound").await.unwrap();
    let plain = plain_login(&database, Public::Granted).await;
    let world = World::of(database, plain).await;
    world.rls.sync(&world.owner).await.unwrap();

    let unbind = "ALTER TABLE task DROP CONSTRAINT of_project,
        ADD CONSTRAINT of_project FOREIGN KEY (project_id) REFERENCES project";
    world.run(unbind).await;
    assert_eq!(world.unbound().await, "project_id");

    world.rls.sync(&world.owner).await.unwrap();
    let unforced =
        "SELECT count(*)::text FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity";
    assert_eq!(text(&world.owner, unforced).await, "0");
    world.connect().await.unwrap();
}

impl World {
    /// The reference of which the gate says that nothing binds it.
    async fn unbound(&self) -> String {
        match self.connect().await.unwrap_err() {
            RlsError::Gate(GateError { findings }) => {
                let [GateFinding::Unbound { column, .. }] = findings.as_slice() else {
                    panic!("{findings:?}")
                };
                column.to_string()
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn policy_binds_what_a_key_cannot() {
    let world = World::new().await;
    world.rls.sync(&world.owner).await.unwrap();
    world
        .run(
            "INSERT INTO task (owner_id) VALUES ($1);
             INSERT INTO label (owner_id, is_public) VALUES ($1, false), ($2, true), ($2, false)",
        )
        .await;

    let first = world.first().await;
    let insert = async |label: &str| {
        let sql = format!("INSERT INTO labelled (task_id, label_id) VALUES (1, {label})");
        first.execute_unprepared(&sql).await
    };
    for label in ["1", "2", "NULL"] {
        insert(label).await.unwrap();
    }

    for refused in [
        insert("3").await,
        first
            .execute_unprepared("UPDATE labelled SET label_id = 3")
            .await,
    ] {
        let error = RlsError::from(refused.unwrap_err());
        assert!(matches!(error, RlsError::PolicyRefused { .. }), "{error}");
    }

    // Administrators are not bound by policies.
    world
        .run("INSERT INTO labelled (task_id, label_id) VALUES (1, 3)")
        .await;
}

#[tokio::test]
async fn control_sees_that_the_proof_notices_free_references() {
    let world = World::new().await;
    world.rls.sync(&world.owner).await.unwrap();
    let db = world.connect().await.unwrap();
    let registry = entities();
    let control = IsolationProof::new(&registry);
    let control = control.control(&world.owner, &db).await.unwrap();

    control.assert_seeing();
    for table in ["task", "step", "labelled"] {
        for attempt in [Attempt::Forge, Attempt::Move] {
            let is_tried = control.trials().iter().any(|trial| {
                trial.fault == Fault::Unbound
                    && trial.table.table.as_str() == table
                    && trial.attempt == Some(attempt)
            });
            assert!(is_tried, "{table}: {attempt:?}");
        }
    }
}

#[tokio::test]
async fn proof_refers_to_rows_of_the_other_user() {
    let world = World::new().await;
    world.rls.sync(&world.owner).await.unwrap();
    world.prove().await.assert_isolated();

    for (unbind, table, attempts) in [
        (
            "ALTER POLICY labelled_bound_insert ON labelled WITH CHECK (true)",
            "labelled",
            &[Attempt::Forge][..],
        ),
        (
            "ALTER POLICY labelled_bound_update ON labelled WITH CHECK (true)",
            "labelled",
            &[Attempt::Move][..],
        ),
    ] {
        let db = world.connect().await.unwrap();
        world.run(unbind).await;
        let registry = entities();
        let proof = IsolationProof::new(&registry);
        let proof = proof.run(&world.owner, &db).await.unwrap();
        let leaks: Vec<(String, Attempt, Actor)> = proof
            .failures()
            .filter(|cell| matches!(cell.outcome, Outcome::Leak { .. }))
            .map(|cell| (cell.table.table.to_string(), cell.attempt, cell.actor))
            .collect();
        let expected: Vec<_> = attempts
            .iter()
            .flat_map(|attempt| {
                [Actor::First, Actor::Second].map(|actor| (table.to_owned(), *attempt, actor))
            })
            .collect();
        assert_eq!(leaks, expected, "{proof}");
        world.rls.sync(&world.owner).await.unwrap();
    }

    for (unbind, table) in [
        (
            "ALTER TABLE task DROP CONSTRAINT of_project,
             ADD CONSTRAINT of_project FOREIGN KEY (project_id) REFERENCES project",
            "task",
        ),
        (
            "ALTER TABLE step DROP CONSTRAINT step_before_id_fkey,
             ADD CONSTRAINT step_before_id_fkey FOREIGN KEY (before_id) REFERENCES step",
            "step",
        ),
    ] {
        let db = world.connect().await.unwrap();
        world.run(unbind).await;
        let registry = entities();
        let proof = IsolationProof::new(&registry);
        let proof = proof.run(&world.owner, &db).await.unwrap();
        for attempt in [Attempt::Forge, Attempt::Move] {
            let outcome = proof.outcome(table, attempt, Actor::First);
            assert!(
                matches!(outcome, Some(Outcome::Leak { .. })),
                "{unbind}\n{proof}"
            );
        }
        assert!(
            matches!(proof.gate(), [GateFinding::Unbound { .. }]),
            "{proof}"
        );
        world.rls.sync(&world.owner).await.unwrap();
    }

    world.prove().await.assert_isolated();
}

/// The rows that belong to both in part have references that fit them.
#[tokio::test]
async fn tenant_and_user_are_both_in_the_key() {
    let database = testbed::server().unwrap().database("bound").await.unwrap();
    let owner = sea_orm::Database::connect(database.url()).await.unwrap();
    let tables = r#"CREATE TABLE "user" (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE TABLE org (id integer PRIMARY KEY);
        CREATE TABLE book (id serial PRIMARY KEY, tenant_id integer NOT NULL, owner_id uuid NOT NULL);
        CREATE TABLE chapter (id serial PRIMARY KEY, tenant_id integer NOT NULL, owner_id uuid NOT NULL,
          book_id integer NOT NULL REFERENCES book ON DELETE CASCADE);
        CREATE TABLE shelf (id serial PRIMARY KEY, tenant_id integer NOT NULL, book_id integer REFERENCES book)"#;
    owner.execute_unprepared(tables).await.unwrap();

    let registry = registry![
        user::Entity,
        org::Entity as TenantScoped,
        book::Entity,
        book::Entity as TenantScoped,
        chapter::Entity,
        chapter::Entity as TenantScoped,
        shelf::Entity as TenantScoped,
    ]
    .unwrap();
    let config = config(&database);
    let rls = RlsSchema::new(registry.clone(), config.clone());
    rls.sync(&owner).await.unwrap();
    assert!(rls.plan(&owner).await.unwrap().is_empty());

    let key = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'chapter_book_id_fkey'";
    assert_eq!(
        text(&owner, key).await,
        "FOREIGN KEY (tenant_id, owner_id, book_id) REFERENCES book(tenant_id, owner_id, id) ON DELETE CASCADE"
    );
    let policies =
        "SELECT string_agg(polname, ' ' ORDER BY polname) FROM pg_policy WHERE polname ~ '_bound_'";
    assert_eq!(
        text(&owner, policies).await,
        "shelf_bound_insert shelf_bound_update"
    );

    let db = RlsConnection::connect_with(database.url(), config, registry.clone())
        .await
        .unwrap();
    let proof = IsolationProof::new(&registry);
    let proof = proof.run(&owner, &db).await.unwrap();
    proof.assert_isolated();
}
