//! Runs each attack as the application's login, at each level, and tells which reach Bob's rows.

use std::collections::BTreeMap;

use sea_orm::sqlx::postgres::PgRow;
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, Executor, PgConnection, Row, ValueRef,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait};
use sea_orm_rls::doctor::Doctor;

use super::attacks::{STATEMENTS, TEXTS};
use super::new_task;
use super::token::{Forged, Tokens};
use crate::fixture::{Fixture, config, entities, task};

/// Stands in each of Bob's rows, and nowhere else.
const SECRET: &str = "bobs secret";

/// The manual has the table that this test finds.
const PAGE: &str = include_str!("../../../docs/manual/signed_contexts.md");

/// How far the database is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Open,
    /// What `rls harden` says was run.
    Revoked,
    /// The same, and contexts are signed.
    Signed,
}

/// What came of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Held,
    Read,
    Wrote,
}

struct Target {
    fixture: Fixture,
    level: Level,
    tokens: Tokens,
}

impl Target {
    async fn new(level: Level) -> Self {
        let mut fixture = match level {
            Level::Open | Level::Revoked => {
                Fixture::configured(testbed::server().unwrap(), config, 1, |_| {}).await
            }
            Level::Signed => Fixture::signed(1).await,
        };
        new_task("ann's").insert(&fixture.ann()).await.unwrap();
        new_task(SECRET).insert(&fixture.bob()).await.unwrap();
        if level > Level::Open {
            let reached = if level == Level::Signed {
                "signed"
            } else {
                "revoked"
            };
            harden(&fixture, reached).await;
            fixture.db = fixture.connect_again().await;
        }

        let tokens = Tokens::of(&fixture, level == Level::Signed);

        Self {
            fixture,
            level,
            tokens,
        }
    }

    /// A session in Ann's context, as a statement of hers finds it.
    async fn session(&self) -> PgConnection {
        let role = self.fixture.config.app_role().as_str();
        let url = self.fixture.database.url_as(role, "app password'\\");
        let mut session = PgConnection::connect(&url).await.unwrap();
        let context = format!(
            "SET app.user_id = '{}'; SET rls.context = '{}'",
            self.fixture.ann, self.tokens.ann
        );
        session.execute(AssertSqlSafe(context)).await.unwrap();
        session
    }

    fn filled(&self, sql: &str) -> String {
        let Forged {
            forged,
            altered,
            expired,
            replayed,
        } = &self.tokens.forged;

        sql.replace("{bob}", &self.fixture.bob.to_string())
            .replace("{ann}", &self.fixture.ann.to_string())
            .replace("{forged}", forged)
            .replace("{altered}", altered)
            .replace("{expired}", expired)
            .replace("{replayed}", replayed)
    }

    async fn attack(&self, sql: &str, several: bool) -> Outcome {
        let mut session = self.session().await;
        let sql = AssertSqlSafe(self.filled(sql));
        let answer = if several {
            sqlx::raw_sql(sql).fetch_all(&mut session).await
        } else {
            sqlx::query(sql).fetch_all(&mut session).await
        };

        let seen = match &answer {
            Ok(rows) => rows.iter().any(shows_secret),
            Err(error) => error.to_string().contains(SECRET),
        };
        drop(session);

        if self.was_written().await {
            Outcome::Wrote
        } else if seen {
            Outcome::Read
        } else {
            Outcome::Held
        }
    }

    /// Whether Bob's rows are other than before; puts them back.
    async fn was_written(&self) -> bool {
        let bob = self.fixture.bob();
        let titles: Vec<String> = task::Entity::find()
            .all(&bob)
            .await
            .unwrap()
            .into_iter()
            .map(|task| task.title)
            .collect();
        if titles == [SECRET] {
            return false;
        }

        task::Entity::delete_many().exec(&bob).await.unwrap();
        new_task(SECRET).insert(&bob).await.unwrap();
        true
    }
}

/// Runs what `rls harden` prints, as a superuser.
async fn harden(fixture: &Fixture, reached: &str) {
    let doctor = Doctor::new(entities(), fixture.config.clone());
    let report = doctor.examine(&fixture.owner).await.unwrap();
    assert_eq!(report.level().to_string(), "open");

    for (_, statements) in report.hardening() {
        for statement in statements {
            fixture.owner.execute_unprepared(&statement).await.unwrap();
        }
    }

    let report = doctor.examine(&fixture.owner).await.unwrap();
    assert_eq!(report.level().to_string(), reached);
    assert!(report.hardening().is_empty(), "{}", report.text(false));
}

/// Whether a value of the row holds Bob's secret, whatever its type.
fn shows_secret(row: &PgRow) -> bool {
    row.columns().iter().any(|column| {
        let value = row.try_get_raw(column.ordinal()).unwrap();
        let bytes = if value.is_null() {
            &[]
        } else {
            value.as_bytes().unwrap()
        };
        String::from_utf8_lossy(bytes).contains(SECRET)
    })
}

/// limits.md: "SQL injection into a prepared statement".
#[tokio::test]
async fn signed_contexts_stop_each_injected_statement() {
    assert!(STATEMENTS.len() >= 60 && TEXTS.len() >= 25);

    let mut table: BTreeMap<(bool, &str), [Outcome; 3]> = BTreeMap::new();
    for (column, level) in [Level::Open, Level::Revoked, Level::Signed]
        .into_iter()
        .enumerate()
    {
        let target = Target::new(level).await;
        for (several, attacks) in [(false, STATEMENTS), (true, TEXTS)] {
            for (kind, sql) in attacks {
                let outcome = target.attack(sql, several).await;
                assert!(
                    target.level < Level::Signed || outcome == Outcome::Held,
                    "{outcome:?}: {sql}"
                );

                let row = table.entry((several, kind)).or_insert([Outcome::Held; 3]);
                row[column] = row[column].max(outcome);
            }
        }
    }

    let rows = table.iter().map(|((_, kind), outcomes)| {
        let [open, revoked, signed] = outcomes.map(word);
        format!("| {kind} | {open} | {revoked} | {signed} |\n")
    });
    let rows: String = rows.collect();
    println!("{rows}");
    assert!(
        PAGE.contains(&rows),
        "the manual's table is another one:\n{rows}"
    );

    // The attacks are real: without signed contexts, those that change the setting succeed.
    let open = |several, kind| table[&(several, kind)][0];
    assert_eq!(open(false, "set_config"), Outcome::Wrote);
    assert_eq!(open(true, "SET, then a statement"), Outcome::Wrote);
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Held => "-",
        Outcome::Read => "reads",
        Outcome::Wrote => "reads and writes",
    }
}
