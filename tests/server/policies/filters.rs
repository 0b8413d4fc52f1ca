//! Which conditions of a statement keep their index under row security, by type of column: a table
//! that the server's plans fill in. The manual shows it.

mod columns;

use columns::{Better, Column, Condition};
use sea_orm::sea_query::PostgresQueryBuilder;
use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use sea_orm_rls::model::Identifier;
use sea_orm_rls::{RlsConfig, RlsSchema, registry};

use crate::fixture::config;
use crate::schema::{database, text};

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod sample {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "sample")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// How many conditions were tried, how many lost their index, and how many of those have another
/// form that keeps one.
#[derive(Debug, Default)]
struct Count {
    tried: usize,
    lost: usize,
    found_again: usize,
}

struct Planner {
    owner: DatabaseConnection,
    config: RlsConfig,
    count: Count,
}

impl Planner {
    async fn new(database: &testbed::Database, owner: DatabaseConnection) -> Self {
        let tables = "CREATE EXTENSION citext; CREATE EXTENSION pg_trgm;
             CREATE TABLE \"user\" (id integer PRIMARY KEY);
             CREATE TABLE sample (id integer, owner_id integer NOT NULL);
             CREATE TYPE state AS ENUM ('open', 'shut')";
        owner.execute_unprepared(tables).await.unwrap();
        let config = config(database);
        let entities = registry![user::Entity, sample::Entity].unwrap();
        let schema = RlsSchema::new(entities, config.clone());
        schema.sync(&owner).await.unwrap();

        // Only the index of the condition is there to be used.
        let indexes = "DO $$ DECLARE i regclass; BEGIN
               FOR i IN SELECT indexrelid FROM pg_index WHERE indrelid = 'sample'::regclass LOOP
                 EXECUTE 'DROP INDEX ' || i;
               END LOOP;
             END $$";
        owner.execute_unprepared(indexes).await.unwrap();
        Self {
            owner,
            config,
            count: Count::default(),
        }
    }

    /// Whether the server uses an index for the condition, as the migrations' login or as the role
    /// named.
    async fn uses_index(&self, role: Option<&Identifier>, (_, query): &Condition) -> bool {
        let transaction = self.owner.begin().await.unwrap();
        let role = role.map_or_else(String::new, |role| format!("; SET LOCAL ROLE \"{role}\""));
        let settings = format!("SET LOCAL enable_seqscan = off; SET LOCAL app.user_id = '3'{role}");
        transaction.execute_unprepared(&settings).await.unwrap();
        let query = query.to_string(PostgresQueryBuilder);
        let plan = text(&transaction, &format!("EXPLAIN (COSTS OFF) {query}")).await;
        transaction.rollback().await.unwrap();

        str::contains(&plan, "Index Cond") || str::contains(&plan, "Order By")
    }

    /// The row of the manual's table for a column.
    async fn row(&mut self, column: Column) -> String {
        let Column {
            sql_type,
            index,
            conditions,
            better,
        } = column;
        let add = format!("ALTER TABLE sample ADD c {sql_type}; CREATE INDEX ON sample {index}");
        self.owner.execute_unprepared(&add).await.unwrap();
        let role = Some(self.config.app_role());

        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for condition in conditions {
            let name = condition.0;
            let without = self.uses_index(None, &condition).await;
            assert!(without, "{sql_type}: {name} uses no index at all");
            if self.uses_index(role, &condition).await {
                kept.push(name);
            } else {
                lost.push(name);
            }
        }
        self.count.tried += kept.len() + lost.len();
        self.count.lost += lost.len();

        let mut instead = Vec::new();
        for better in better {
            instead.push(self.instead(sql_type, &lost, better).await);
        }
        self.clean("c").await;

        let index = index.strip_prefix("USING ").unwrap_or(index);
        format!(
            "| `{sql_type}`, `{index}` | {} | {} | {} |\n",
            names(&kept),
            names(&lost),
            instead.join("; ")
        )
    }

    /// What to write instead, which is seen to use an index.
    async fn instead(&mut self, sql_type: &str, lost: &[&str], better: Better) -> String {
        self.owner.execute_unprepared(better.needs).await.unwrap();
        for condition in &better.conditions {
            let name = condition.0;
            assert!(lost.contains(&name), "{sql_type}: {name} is not lost");
            let keeps = self
                .uses_index(Some(self.config.app_role()), condition)
                .await;
            assert!(keeps, "{sql_type}: {name}: {} keeps no index", better.words);
        }
        self.clean("d").await;
        self.count.found_again += better.conditions.len();

        if better.conditions.len() == lost.len() {
            return better.words.to_owned();
        }
        let replaced: Vec<&str> = better.conditions.iter().map(|(name, _)| *name).collect();
        format!("{}: {}", names(&replaced), better.words)
    }

    async fn clean(&self, column: &str) {
        let clean = format!("ALTER TABLE sample DROP IF EXISTS {column}");
        self.owner.execute_unprepared(&clean).await.unwrap();
    }
}

/// As the manual has them: a method alone is code.
fn names(conditions: &[&str]) -> String {
    let is_method = |name: &str| name.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    let name = |name: &&str| {
        if is_method(name) {
            format!("`{name}`")
        } else {
            (*name).to_owned()
        }
    };
    conditions.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// limits.md: "Operators that are not leakproof".
#[tokio::test]
async fn table_of_the_manual_is_what_the_server_plans() {
    let (database, owner) = database().await;
    let mut planner = Planner::new(&database, owner).await;
    let mut table = String::new();
    for column in columns::all() {
        table += &planner.row(column).await;
    }
    let Count {
        tried,
        lost,
        found_again,
    } = planner.count;
    let counts = format!(
        "Of {tried} conditions, {lost} lose their index, and {found_again} of these have another \
         form that keeps one."
    );

    let manual = include_str!("../../../docs/manual/policies.md");
    let lines = manual.replace('\n', " ");
    for (text, part) in [(manual, &table), (&lines, &counts)] {
        assert!(
            str::contains(text, part.as_str()),
            "the manual does not have\n{table}\n{counts}"
        );
    }
}
