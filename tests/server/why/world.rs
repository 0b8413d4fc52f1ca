//! A database with a table for each form of a policy, and rows of two users in two tenants.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};
use sea_orm_rls::{Registry, registry};

use crate::proof::shop::entity;
use crate::world::World;

entity!(org, "org", [TenantScoped], #[tenant_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
});

entity!(account, "account", [UserScoped], #[user_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
});

entity!(doc, "doc", [UserScoped], #[user_scoped(read = is_public, soft_delete = deleted_at)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub owner_id: i64,
    pub is_public: bool,
    pub deleted_at: Option<DateTimeWithTimeZone>,
});

entity!(sale, "sale", [TenantScoped], #[tenant_scoped()] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub tenant_id: i64,
});

entity!(project, "project", [UserScoped, TenantScoped], #[user_scoped()] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub owner_id: i64,
    pub tenant_id: i64,
});

entity!(step, "step", [UserScoped], #[user_scoped(via = doc)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub doc_id: i32,
    #[sea_orm(belongs_to, from = "doc_id", to = "id")]
    pub doc: HasOne<super::doc::Entity>,
});

entity!(remark, "remark", [UserScoped], #[user_scoped(via = step)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub step_id: i32,
    #[sea_orm(belongs_to, from = "step_id", to = "id")]
    pub step: HasOne<super::step::Entity>,
});

entity!(member, "member", [UserScoped], #[user_scoped(owner = user_id, grant(select))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i64,
});

entity!(file, "file", [UserScoped], #[user_scoped(via = member)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub team_id: i32,
    #[sea_orm(belongs_to, from = "team_id", to = "team_id", skip_fk)]
    pub member: HasOne<super::member::Entity>,
});

entity!(post, "post", [RlsPolicies], #[rls_policies(policies = super::rules)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub author: i64,
    pub is_open: bool,
    pub label: String,
});

entity!(ledger, "ledger", [UserScoped], #[user_scoped(grant(select, insert))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub owner_id: i64,
});

entity!(country, "country", [Unscoped], #[unscoped(reason = "the same for all", grant(select))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
});

entity!(event, "event", [UserScoped], #[user_scoped()] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub owner_id: i64,
});

entity!(note, "note", [UserScoped], #[sea_orm(schema_name = "side")] #[user_scoped()] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub owner_id: i64,
});

fn rules() -> [PolicyDraft; 3] {
    let mine = || Expr::col("author").eq(policy::setting::<i64>("app.user_id"));
    [
        Policy::permissive("post_open")
            .on([Command::Select])
            .using(Expr::col("is_open").or(mine())),
        Policy::permissive("post_mine")
            .on([Command::Insert, Command::Update, Command::Delete])
            .using(mine())
            .with_check(mine()),
        Policy::restrictive("post_not_secret").using(Expr::col("label").ne("secret")),
    ]
}

const TABLES: &str = "
CREATE SCHEMA side;
CREATE TABLE org (id bigint PRIMARY KEY);
CREATE TABLE account (id bigint PRIMARY KEY);
CREATE TABLE doc (id integer PRIMARY KEY, owner_id bigint NOT NULL,
  is_public boolean NOT NULL DEFAULT false, deleted_at timestamptz, title text UNIQUE);
CREATE TABLE sale (id integer PRIMARY KEY, tenant_id bigint NOT NULL);
CREATE TABLE project (id integer PRIMARY KEY, owner_id bigint NOT NULL, tenant_id bigint NOT NULL);
CREATE TABLE step (id integer PRIMARY KEY, doc_id integer NOT NULL REFERENCES doc, label text);
CREATE TABLE remark (id integer PRIMARY KEY, step_id integer NOT NULL REFERENCES step ON DELETE CASCADE);
CREATE TABLE member (team_id integer, user_id bigint, PRIMARY KEY (team_id, user_id));
CREATE TABLE file (id integer PRIMARY KEY, team_id integer NOT NULL);
CREATE TABLE post (id integer PRIMARY KEY, author bigint NOT NULL, is_open boolean NOT NULL,
  label text NOT NULL DEFAULT '');
CREATE TABLE ledger (id integer PRIMARY KEY, owner_id bigint NOT NULL, sum integer NOT NULL DEFAULT 0);
CREATE TABLE country (id integer PRIMARY KEY);
CREATE TABLE event (id integer PRIMARY KEY, owner_id bigint NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE event_first PARTITION OF event FOR VALUES FROM (0) TO (10);
CREATE TABLE side.note (id integer PRIMARY KEY, owner_id bigint NOT NULL);";

/// Ann is 1 and Bob is 2; both are in tenant 10, and only Ann is in 20.
const ROWS: &str = "
INSERT INTO org VALUES (10), (20);
INSERT INTO account VALUES (1), (2);
INSERT INTO doc VALUES (1, 1, false, NULL, 'a'), (2, 2, false, NULL, 'b'), (3, 2, true, NULL, 'c'),
  (4, 1, false, '2020-01-01', 'd');
INSERT INTO sale VALUES (1, 10), (2, 20);
INSERT INTO project VALUES (1, 1, 10), (2, 2, 10), (3, 1, 20);
INSERT INTO step VALUES (1, 1), (2, 2), (4, 4);
INSERT INTO remark VALUES (1, 1), (2, 2);
INSERT INTO member VALUES (100, 1), (100, 2), (200, 2);
INSERT INTO file VALUES (1, 100), (2, 200), (3, 300);
INSERT INTO post VALUES (1, 1, false, 'a'), (2, 2, true, 'b'), (3, 2, false, 'c'), (4, 1, true, 'secret'),
  (5, 2, false, 'secret');
INSERT INTO ledger VALUES (1, 1, 0);
INSERT INTO country VALUES (1);
INSERT INTO event VALUES (1, 1), (2, 2);
INSERT INTO side.note VALUES (1, 1)";

pub async fn new() -> World {
    World::of("why", TABLES, ROWS, entities()).await
}

fn entities() -> Registry {
    registry![
        org::Entity as TenantScoped,
        account::Entity,
        doc::Entity,
        sale::Entity as TenantScoped,
        project::Entity,
        project::Entity as TenantScoped,
        step::Entity,
        remark::Entity,
        member::Entity,
        file::Entity,
        post::Entity as RlsPolicies,
        ledger::Entity,
        country::Entity as Unscoped,
        event::Entity,
        note::Entity,
    ]
    .unwrap()
}
