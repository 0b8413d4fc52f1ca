//! Users in tenants: tables of each kind, some with odd names, and rows of three tenants.

use std::collections::BTreeSet;

use sea_orm_rls::context::Settings;
use sea_orm_rls::subject::Subject;
use sea_orm_rls::{Registry, registry};

use crate::proof::shop::entity;
use crate::schema::texts;
use crate::world::World;

entity!(org, "org", [TenantScoped], #[tenant_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
});

entity!(account, "account", [UserScoped], #[user_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
});

entity!(member, "member", [UserScoped, TenantScoped], #[user_scoped(owner = user_id)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i64,
});

entity!(project, "Project Of", [UserScoped, TenantScoped],
    #[sea_orm(schema_name = "Side")]
    #[user_scoped(read = is_public, soft_delete = deleted_at)]
    #[tenant_scoped(soft_delete = deleted_at)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    #[sea_orm(column_name = "The \"Owner\"")]
    pub owner_id: i64,
    pub tenant_id: String,
    pub is_public: bool,
    pub deleted_at: Option<DateTimeWithTimeZone>,
});

entity!(stage, "stage", [UserScoped, TenantScoped],
    #[user_scoped(via = project)]
    #[tenant_scoped(via = project)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub project_id: i32,
    #[sea_orm(belongs_to, from = "project_id", to = "id")]
    pub project: HasOne<super::project::Entity>,
});

// The user is named by the row, the tenant by the project.
entity!(draft, "draft", [UserScoped, TenantScoped],
    #[user_scoped()]
    #[tenant_scoped(via = project)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
    pub project_id: i32,
    #[sea_orm(belongs_to, from = "project_id", to = "id")]
    pub project: HasOne<super::project::Entity>,
});

// A column has the name by which the statements call the row.
entity!(sale, "sale", [TenantScoped], #[tenant_scoped(read = shared)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub tenant_id: String,
    pub shared: bool,
    pub t: String,
});

entity!(event, "event", [TenantScoped], #[tenant_scoped()] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub tenant_id: String,
});

entity!(setting, "setting", [UserScoped], #[user_scoped()] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
});

entity!(country, "country", [Unscoped], #[unscoped(reason = "the same for all", grant(select))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
});

const TABLES: &str = r#"
CREATE SCHEMA "Side";
CREATE TABLE org (id text PRIMARY KEY);
CREATE TABLE account (id bigint PRIMARY KEY);
CREATE TABLE member (tenant_id text, user_id bigint, PRIMARY KEY (tenant_id, user_id));
CREATE TABLE "Side"."Project Of" (id serial PRIMARY KEY, "The ""Owner""" bigint NOT NULL, tenant_id text NOT NULL,
  is_public boolean NOT NULL DEFAULT false, deleted_at timestamptz,
  parent integer REFERENCES "Side"."Project Of", double integer GENERATED ALWAYS AS (2) STORED);
CREATE TABLE stage (id serial PRIMARY KEY, project_id integer NOT NULL REFERENCES "Side"."Project Of");
CREATE TABLE draft (id serial PRIMARY KEY, owner_id bigint NOT NULL,
  project_id integer NOT NULL REFERENCES "Side"."Project Of");
CREATE TABLE sale (id serial PRIMARY KEY, tenant_id text NOT NULL, shared boolean NOT NULL, t text NOT NULL);
CREATE TABLE event (id integer, tenant_id text NOT NULL, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE event_low PARTITION OF event FOR VALUES FROM (0) TO (100);
CREATE TABLE event_high PARTITION OF event FOR VALUES FROM (100) TO (200);
CREATE TABLE setting (id serial PRIMARY KEY, owner_id bigint NOT NULL);
CREATE TABLE country (code text PRIMARY KEY)"#;

/// Users 1 and 2 are members of all tenants; `o'b"c` needs care in SQL.
const ROWS: &str = r#"
INSERT INTO org VALUES ('one'), ('o''b"c'), ('three');
INSERT INTO account VALUES (1), (2);
INSERT INTO member SELECT o.id, a.id FROM org o, account a;
INSERT INTO "Side"."Project Of" ("The ""Owner""", tenant_id, is_public, deleted_at)
  SELECT user_id, tenant_id, i % 2 = 0, CASE WHEN i = 3 THEN now() END FROM member, generate_series(1, 3) i;
UPDATE "Side"."Project Of" c SET parent = p.id FROM "Side"."Project Of" p
  WHERE p.tenant_id = c.tenant_id AND p."The ""Owner""" = c."The ""Owner""" AND p.id = c.id - 1 OR p.id = c.id AND c.id = 1;
INSERT INTO stage (project_id) SELECT id FROM "Side"."Project Of", generate_series(1, 2);
INSERT INTO draft (owner_id, project_id) SELECT "The ""Owner""", id FROM "Side"."Project Of";
INSERT INTO sale (tenant_id, shared, t) SELECT id, i = 1, 'text' FROM org, generate_series(1, 4) i;
INSERT INTO event SELECT 10 * i + n, o.id FROM (SELECT id, row_number() OVER () AS n FROM org) o,
  generate_series(0, 15) i;
INSERT INTO setting (owner_id) SELECT a.id FROM account a, generate_series(1, 2);
INSERT INTO country VALUES ('nz')"#;

/// The tables, with what of a row `t` is in the dump.
const DUMPED: [&str; 10] = [
    "org",
    "account",
    "member",
    "\"Side\".\"Project Of\"",
    "stage",
    "draft",
    "sale",
    "event",
    "setting",
    "country",
];

pub async fn new() -> World {
    World::of("subject", TABLES, ROWS, entities()).await
}

impl World {
    /// Every row of every table.
    pub async fn dump(&self) -> BTreeSet<String> {
        let all = DUMPED.map(|table| {
            let name = table.replace('\'', "''");
            format!("SELECT '{name} ' || CAST(row_to_json(t.*) AS text) FROM {table} AS t")
        });
        let all = texts(&self.owner, &all.join(" UNION ALL ")).await;
        all.into_iter().collect()
    }

    /// The rows of a query of tables with the alias `t`, as [`World::dump`] has them.
    pub async fn rows(&self, tables: &[(&str, &str)]) -> BTreeSet<String> {
        let mut rows = BTreeSet::new();
        for (table, condition) in tables {
            let query = format!(
                "SELECT '{table} ' || CAST(row_to_json(t.*) AS text) FROM {table} AS t WHERE {condition}"
            );
            rows.extend(texts(&self.owner, &query).await);
        }
        rows
    }

    /// The subject of these settings; the tables that belong to nobody are left out.
    pub fn subject(&self, settings: &[(&str, &str)]) -> Subject<'_> {
        let context = settings
            .iter()
            .fold(Settings::new(), |context, (name, value)| {
                context.with(name, *value).unwrap()
            });
        Subject::new(&self.db, context).skip("country", "the same for all")
    }
}

pub fn entities() -> Registry {
    registry![
        org::Entity as TenantScoped,
        account::Entity,
        member::Entity,
        member::Entity as TenantScoped,
        project::Entity,
        project::Entity as TenantScoped,
        stage::Entity,
        stage::Entity as TenantScoped,
        draft::Entity,
        draft::Entity as TenantScoped,
        sale::Entity as TenantScoped,
        event::Entity as TenantScoped,
        setting::Entity,
        country::Entity as Unscoped,
    ]
    .unwrap()
}
