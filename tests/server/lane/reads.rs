//! Reads on a standby that follows its primary.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, Statement, TransactionTrait,
};
use sea_orm_rls::context::{Otherwise, ReadFrom, ReadOnlyScopedConnection};
use sea_orm_rls::model::WalPosition;
use sea_orm_rls::{RlsConnection, RlsError, UserContext};
use uuid::Uuid;

use super::new_task;
use super::standby::Standby;
use crate::fixture::{Fixture, task};
use crate::schema::text;

/// A primary that is as durable as one is by default, with a standby.
struct Pair {
    fixture: Fixture,
    db: RlsConnection,
    standby: Standby,
    /// Ends last.
    _server: testbed::Server,
}

impl Pair {
    async fn new(connections: u32, of_standby: &[(&'static str, &str)]) -> Self {
        Self::durable(connections, of_standby, "on").await
    }

    async fn durable(
        connections: u32,
        of_standby: &[(&'static str, &str)],
        synchronous_commit: &str,
    ) -> Self {
        let server = testbed::Server::builder()
            .own()
            .setting("synchronous_commit", synchronous_commit)
            .start()
            .unwrap();
        let fixture = Fixture::on(&server, connections, |_| {}).await;
        let standby = Standby::following(&server, of_standby).await;

        let url = standby.url("nobody", fixture.database.name());
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(connections);
        let db = fixture.db.clone().with_standby(options).await.unwrap();

        Self {
            fixture,
            db,
            standby,
            _server: server,
        }
    }

    fn ann(&self, from: ReadFrom) -> ReadOnlyScopedConnection {
        self.db.scope_read_only(self.fixture.ann_context(), from)
    }

    /// Waits until the standby has all that was committed.
    async fn settle(&self) {
        let position = self.db.position().await.unwrap();
        let all = self.ann(after(position, 10_000, Otherwise::Fail));
        all.execute_unprepared("SELECT 1").await.unwrap();
    }
}

fn after(position: WalPosition, millis: u64, otherwise: Otherwise) -> ReadFrom {
    ReadFrom::StandbyAfter {
        position,
        within: Duration::from_millis(millis),
        otherwise,
    }
}

pub(super) async fn is_standby(scope: &impl ConnectionTrait) -> bool {
    let sql = "SELECT pg_is_in_recovery()";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = scope.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn sees(scope: &impl ConnectionTrait, id: Uuid) -> bool {
    let found = task::Entity::find_by_id(id).one(scope).await.unwrap();
    found.is_some()
}

#[tokio::test]
async fn each_user_reads_own_rows_alone_on_a_standby_and_writes_none() {
    let pair = Pair::new(2, &[]).await;
    let hers = new_task("ann's").insert(&pair.fixture.ann()).await.unwrap();
    let his = new_task("bob's").insert(&pair.fixture.bob()).await.unwrap();
    pair.settle().await;

    let bob = UserContext::new(pair.fixture.bob);
    let bob = pair.db.scope_read_only(bob, ReadFrom::Standby);
    let ann = pair.ann(ReadFrom::Standby);
    for (scope, own, other) in [(&ann, hers.id, his.id), (&bob, his.id, hers.id)] {
        assert!(is_standby(scope).await);
        let seen = async |scope: &ReadOnlyScopedConnection| {
            let rows = task::Entity::find().all(scope).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(seen(scope).await, [own]);
        assert!(!sees(scope, other).await);

        let transaction = scope.begin().await.unwrap();
        let rows = task::Entity::find().all(&transaction).await.unwrap();
        assert_eq!(rows.len(), 1);
        transaction.commit().await.unwrap();
    }

    // Wherever it reads, it writes nothing; also in transactions, and by unprepared text.
    for from in [ReadFrom::Standby, ReadFrom::Primary] {
        let ann = pair.ann(from);
        assert_eq!(is_standby(&ann).await, from == ReadFrom::Standby);
        let mut errors = vec![new_task("no").insert(&ann).await.unwrap_err()];
        errors.push(
            ann.execute_unprepared("DELETE FROM task")
                .await
                .unwrap_err(),
        );
        let transaction = ann.begin().await.unwrap();
        errors.push(new_task("no").insert(&transaction).await.unwrap_err());
        transaction.rollback().await.unwrap();

        for error in errors {
            let error = RlsError::from(error);
            assert!(matches!(error, RlsError::ReadOnly { .. }), "{error}");
        }
    }

    assert_eq!(
        text(&pair.fixture.owner, "SELECT count(*)::text FROM task").await,
        "2"
    );
    assert_eq!(
        task::Entity::find()
            .all(&pair.fixture.ann())
            .await
            .unwrap()
            .len(),
        1
    );
    pair.db.clone().close().await;
}

#[tokio::test]
async fn standby_that_is_behind_is_told_and_the_caller_chooses() {
    let pair = Pair::new(2, &[]).await;
    pair.settle().await;
    pair.standby.execute("SELECT pg_wal_replay_pause()").await;
    let row = new_task("new").insert(&pair.fixture.ann()).await.unwrap();
    let position = pair.db.position().await.unwrap();

    // Stale, as it was asked for.
    assert!(!sees(&pair.ann(ReadFrom::Standby), row.id).await);

    let fails = pair.ann(after(position, 200, Otherwise::Fail));
    let statement = task::Entity::find().all(&fails).await.unwrap_err();
    let begun = fails.begin().await.unwrap_err();
    for error in [statement, begun] {
        let error = RlsError::from(error);
        assert!(
            matches!(error, RlsError::StandbyBehind { position: at, .. } if at == position),
            "{error}"
        );
    }

    for from in [
        after(position, 50, Otherwise::Primary),
        ReadFrom::PrimaryUntil(SystemTime::now() + Duration::from_mins(1)),
    ] {
        let primary = pair.ann(from);
        assert!(
            sees(&primary, row.id).await && !is_standby(&primary).await,
            "{from:?}"
        );
        let transaction = primary.begin().await.unwrap();
        assert!(sees(&transaction, row.id).await, "{from:?}");
        transaction.commit().await.unwrap();
        let error = RlsError::from(new_task("no").insert(&primary).await.unwrap_err());
        assert!(matches!(error, RlsError::ReadOnly { .. }), "{error}");
    }

    let resume = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        pair.standby.execute("SELECT pg_wal_replay_resume()").await;
    };
    let waits = pair.ann(after(position, 10_000, Otherwise::Fail));
    let (seen, ()) = tokio::join!(sees(&waits, row.id), resume);
    assert!(seen && is_standby(&waits).await);
    let later = pair.ann(ReadFrom::PrimaryUntil(SystemTime::now()));
    assert!(is_standby(&later).await && sees(&later, row.id).await);

    pair.db.clone().close().await;
}

/// The place where the next record begins stands after the header of a page, and a standby never
/// comes there by itself.
#[tokio::test]
async fn position_at_the_end_of_a_page_is_reached() {
    let pair = Pair::new(1, &[]).await;
    pair.settle().await;
    let fill = "DO $$ BEGIN FOR i IN 1..200000 LOOP
                  PERFORM pg_logical_emit_message(false, 'fill', repeat('x', i % 64));
                  IF (pg_current_wal_insert_lsn() - '0/0'::pg_lsn) % 8192 = 24 THEN RETURN; END IF;
                END LOOP; RAISE 'no page was filled'; END $$";

    for _ in 0..3 {
        pair.fixture.database.execute(fill).await.unwrap();
        let position = pair.db.position().await.unwrap();
        let reads = pair.ann(after(position, 3_000, Otherwise::Fail));
        reads.execute_unprepared("SELECT 1").await.unwrap();
    }

    pair.db.clone().close().await;
}

/// A commit that did not wait for the disk is before the position as well.
#[tokio::test]
async fn position_is_after_commits_that_are_not_yet_written() {
    let pair = Pair::durable(1, &[], "off").await;
    for _ in 0..20 {
        let row = new_task("new").insert(&pair.fixture.ann()).await.unwrap();
        let position = pair.db.position().await.unwrap();
        assert!(sees(&pair.ann(after(position, 5_000, Otherwise::Fail)), row.id).await);
    }

    pair.db.clone().close().await;
}

/// Roles, passwords, entities and policies are the same: only the database differs.
#[tokio::test]
async fn server_that_is_no_copy_is_refused_for_reads() {
    let server = testbed::Server::builder().own().start().unwrap();
    let other = testbed::Server::builder().own().start().unwrap();
    let fixture = Fixture::on(&server, 1, |_| {}).await;

    for server in [&server, &other] {
        let config = |_: &_| fixture.config.clone();
        let twin = Fixture::configured(server, config, 1, |_| {}).await;
        let url = twin.database.url();
        let error = fixture.db.clone().with_standby(url).await.unwrap_err();
        assert!(matches!(error, RlsError::OtherCluster), "{error}");
    }

    // The primary itself serves, as while developing.
    let url = fixture.database.url();
    let db = fixture.db.clone().with_standby(url).await.unwrap();
    let ann = db.scope_read_only(fixture.ann_context(), ReadFrom::Standby);
    assert!(!is_standby(&ann).await);
    db.close().await;
}

const PAIRS: usize = 10_000;
const TASKS: usize = 16;

/// Writes rows, and reads each of them at once. Returns how many were not seen.
async fn stale(
    pair: &Arc<Pair>,
    from: impl Fn(WalPosition) -> ReadFrom + Copy + Send + 'static,
) -> usize {
    let tasks: Vec<_> = (0..TASKS)
        .map(|at| {
            let pair = Arc::clone(pair);
            tokio::spawn(async move {
                let user = if at % 2 == 0 {
                    pair.fixture.ann
                } else {
                    pair.fixture.bob
                };
                let own = pair.db.scope(UserContext::new(user));
                let mut stale = 0;
                for _ in 0..PAIRS / TASKS {
                    let row = new_task("pair").insert(&own).await.unwrap();
                    let position = pair.db.position().await.unwrap();
                    let reads = pair
                        .db
                        .scope_read_only(UserContext::new(user), from(position));
                    stale += usize::from(!sees(&reads, row.id).await);
                }

                stale
            })
        })
        .collect();

    let mut stale = 0;
    for task in tasks {
        stale += task.await.unwrap();
    }

    stale
}

#[tokio::test(flavor = "multi_thread")]
async fn no_own_row_is_stale_at_any_setting_that_promises_it() {
    // Each commit is seen 10 ms later.
    let pair = Arc::new(Pair::new(8, &[("recovery_min_apply_delay", "10")]).await);

    let control = stale(&pair, |_| ReadFrom::Standby).await;
    assert!(
        control > 10,
        "{control} of {PAIRS} were stale without a promise"
    );

    let waits = |position| after(position, 20_000, Otherwise::Fail);
    assert_eq!(stale(&pair, waits).await, 0);

    // It waits for half of the delay, and so mostly reads on the primary.
    let either = |position| after(position, 5, Otherwise::Primary);
    assert_eq!(stale(&pair, either).await, 0);

    let sticky = |_| ReadFrom::PrimaryUntil(SystemTime::now() + Duration::from_secs(1));
    assert_eq!(stale(&pair, sticky).await, 0);
}
