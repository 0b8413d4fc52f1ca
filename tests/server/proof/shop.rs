//! A database with every kind of scope, whose rows are not easy to guess.

use rls_core::testing::{IsolationProof, Proof, ProofError, Reach};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, Set, Statement};
use sea_orm_rls::policy::{Command, PolicyDraft};
use sea_orm_rls::{Registry, RlsConfig, RlsConnection, RlsSchema, registry};

use crate::fixture::{config, signed_contexts, sync};

/// An entity of a table that SQL made: only the columns that its scope names.
macro_rules! entity {
    ($module:ident, $table:literal, [$($derive:ident),+], $(#[$scope:meta])+ { $($field:tt)* }) => {
        #[allow(dead_code, reason = "what is derived is not all used")]
        pub mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::{$($derive), +};

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, $($derive),+)]
            #[sea_orm(table_name = $table)]
            $(#[$scope])+
            pub struct Model { $($field)* }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

pub(crate) use entity;

entity!(org, "org", [TenantScoped], #[tenant_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
});

entity!(account, "account", [UserScoped], #[user_scoped(identity)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
});

entity!(country, "country", [Unscoped], #[unscoped(reason = "the same for all", grant(select))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
});

entity!(project, "project", [UserScoped, TenantScoped],
    #[user_scoped(read = is_public, soft_delete = deleted_at)]
    #[tenant_scoped(soft_delete = deleted_at)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
    pub tenant_id: Uuid,
    pub is_public: bool,
    pub deleted_at: Option<DateTimeWithTimeZone>,
});

entity!(step, "step", [UserScoped], #[user_scoped(via = project)] {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub project_id: i32,
    #[sea_orm(belongs_to, from = "project_id", to = "id")]
    pub project: HasOne<super::project::Entity>,
});

entity!(profile, "profile", [UserScoped], #[user_scoped(owner = account_id, grant(select, insert, update))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: i64,
});

entity!(member, "member", [UserScoped], #[user_scoped(owner = user_id, grant(select))] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub team_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: i64,
});

entity!(document, "document", [UserScoped], #[user_scoped(via = member)] {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub team_id: Uuid,
    #[sea_orm(belongs_to, from = "team_id", to = "team_id", skip_fk)]
    pub member: HasOne<super::member::Entity>,
});

entity!(sample, "sample", [UserScoped], #[user_scoped()] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
});

entity!(ticket, "ticket", [UserScoped], #[user_scoped(policies = super::open_to_all)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
    pub state: String,
});

entity!(notebook, "notebook", [UserScoped, TenantScoped], #[user_scoped()] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub owner_id: i64,
    pub tenant_id: Uuid,
});

entity!(page, "page", [UserScoped, TenantScoped],
    #[user_scoped(via = notebook)]
    #[tenant_scoped(via = notebook)] {
    #[sea_orm(primary_key)]
    pub id: i32,
    pub notebook_id: i32,
    #[sea_orm(belongs_to, from = "notebook_id", to = "id")]
    pub notebook: HasOne<super::notebook::Entity>,
});

fn open_to_all() -> [PolicyDraft; 1] {
    [sea_orm_rls::policy::Policy::permissive("ticket_open")
        .on([Command::Select])
        .using(true)]
}

pub const TABLES: &str = "
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN positive AS integer CHECK (value > 0);
CREATE DOMAIN named AS varchar(4) NOT NULL;
CREATE TABLE org (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE country (code char(2) PRIMARY KEY, name text NOT NULL);
CREATE TABLE account (id bigint PRIMARY KEY, email varchar(12) NOT NULL UNIQUE, country char(2) \
NOT NULL REFERENCES country);
CREATE TABLE project (id serial PRIMARY KEY, title text NOT NULL, is_public boolean NOT NULL \
DEFAULT false,
                      deleted_at timestamptz, owner_id bigint NOT NULL, tenant_id uuid NOT NULL);
CREATE TABLE step (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, project_id integer NOT NULL \
REFERENCES project,
                   label varchar(3) NOT NULL UNIQUE, assignee bigint NOT NULL REFERENCES account,
                   parent bigint REFERENCES step);
CREATE TABLE profile (account_id bigint PRIMARY KEY, mood mood NOT NULL);
CREATE TABLE member (team_id uuid, user_id bigint, PRIMARY KEY (team_id, user_id));
CREATE TABLE document (id uuid PRIMARY KEY, team_id uuid NOT NULL, head uuid NOT NULL REFERENCES \
document, tags text[] NOT NULL);
CREATE TABLE sample (
  id integer GENERATED ALWAYS AS IDENTITY, owner_id bigint NOT NULL, at date NOT NULL,
  a smallint NOT NULL, b numeric(5, 2) NOT NULL, c real NOT NULL, d text NOT NULL, e char(3) NOT \
  NULL, f bytea NOT NULL,
  g timestamp NOT NULL, h time with time zone NOT NULL, i interval NOT NULL, j json NOT NULL, k \
  jsonb NOT NULL,
  l inet NOT NULL, m macaddr NOT NULL, n uuid[] NOT NULL, o mood NOT NULL, p mood[] NOT NULL, q \
  pair NOT NULL,
  r positive NOT NULL, s named, t int4range NOT NULL, u tstzrange NOT NULL, v bit(3) NOT NULL, w \
  tsvector NOT NULL,
  x point NOT NULL, y xml NOT NULL, z money NOT NULL, total numeric GENERATED ALWAYS AS (b * 2) \
  STORED,
  PRIMARY KEY (id, at), UNIQUE (d, at)
) PARTITION BY RANGE (at);
CREATE TABLE sample_all PARTITION OF sample DEFAULT;
CREATE TABLE ticket (id serial PRIMARY KEY, owner_id bigint NOT NULL, state text NOT NULL CHECK \
(state IN ('open', 'shut')));";

pub struct Shop {
    pub database: testbed::Database,
    /// As a superuser.
    pub owner: DatabaseConnection,
    pub config: RlsConfig,
    pub registry: Registry,
    pub db: RlsConnection,
}

impl Shop {
    pub async fn new() -> Self {
        Self::with(TABLES, entities()).await
    }

    pub async fn with(tables: &str, registry: Registry) -> Self {
        let database = testbed::server().unwrap().database("proof").await.unwrap();
        let config = config(&database).signed_contexts(signed_contexts());
        let owner = Database::connect(database.url()).await.unwrap();

        owner.execute_unprepared(tables).await.unwrap();
        let (config, _) = sync(&owner, config, &registry).await;

        let db = RlsConnection::connect_with(database.url(), config.clone(), registry.clone())
            .await
            .unwrap();

        Self {
            database,
            owner,
            config,
            registry,
            db,
        }
    }

    /// With the one value that cannot be guessed, and the one thing that the scopes do not tell.
    pub fn proof(&self) -> IsolationProof<'_> {
        self.proof_without_rows().rows(|_| open_ticket())
    }

    pub fn proof_without_rows(&self) -> IsolationProof<'_> {
        let reach = Reach::own(Command::EACH)
            .others([Command::Select])
            .nobody([Command::Select]);
        IsolationProof::new(&self.registry).expect::<ticket::Entity>(reach)
    }

    /// Where no table has policies of its own.
    pub async fn prove_plainly(&self) -> Result<Proof, ProofError> {
        IsolationProof::new(&self.registry)
            .run(&self.owner, &self.db)
            .await
    }

    pub async fn prove(&self) -> Result<Proof, ProofError> {
        self.proof().run(&self.owner, &self.db).await
    }

    /// As a superuser; `$app` and `$admin` are the two roles.
    pub async fn run(&self, sql: &str) {
        let sql = sql.replace("$app", self.config.app_role().as_str());
        let sql = sql.replace("$admin", self.config.admin_role().as_str());
        self.owner.execute_unprepared(&sql).await.unwrap();
    }

    /// As the entities say again.
    pub async fn mend(&self) {
        let rls = RlsSchema::new(self.registry.clone(), self.config.clone())
            .danger_accept_weakening(true);
        rls.sync(&self.owner).await.unwrap();
    }

    /// Gives everything to a login.
    pub async fn own(&self, role: &str) {
        let each = "SELECT format('ALTER TABLE %I OWNER TO %I', c.relname, $role) FROM pg_class c
                    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')";
        for alter in self
            .texts(&each.replace("$role", &format!("'{role}'")))
            .await
        {
            self.run(&alter).await;
        }
    }

    pub async fn number(&self, sql: &str) -> i64 {
        self.texts(&format!("SELECT ({sql})::text")).await[0]
            .parse()
            .unwrap()
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self
            .owner
            .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .unwrap();

        rows.iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect()
    }

    /// How many rows each table has.
    pub async fn counts(&self) -> Vec<String> {
        let mut counts = Vec::new();
        for scope in self.registry.scopes() {
            let count = self
                .number(&format!("SELECT count(*) FROM {}", scope.table))
                .await;
            counts.push(format!("{}: {count}", scope.table));
        }

        counts
    }
}

/// What its check lets in.
pub fn open_ticket() -> ticket::ActiveModel {
    ticket::ActiveModel {
        state: Set("open".to_owned()),
        ..Default::default()
    }
}

/// A child whose owner and tenant are both its parent's.
pub const NOTEBOOKS: &str = "
CREATE TABLE account (id bigint PRIMARY KEY);
CREATE TABLE org (id uuid PRIMARY KEY);
CREATE TABLE notebook (id serial PRIMARY KEY, owner_id bigint NOT NULL, tenant_id uuid NOT NULL);
CREATE TABLE page (id serial PRIMARY KEY, notebook_id int NOT NULL REFERENCES notebook)";

pub fn notebooks() -> Registry {
    registry![
        account::Entity,
        org::Entity as TenantScoped,
        notebook::Entity,
        notebook::Entity as TenantScoped,
        page::Entity,
        page::Entity as TenantScoped,
    ]
    .unwrap()
}

pub fn entities() -> Registry {
    registry![
        org::Entity as TenantScoped,
        account::Entity,
        country::Entity as Unscoped,
        project::Entity,
        project::Entity as TenantScoped,
        step::Entity,
        profile::Entity,
        member::Entity,
        document::Entity,
        sample::Entity,
        ticket::Entity,
    ]
    .unwrap()
}
