//! The connections of all strategies over one link.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use harness::{Samples, timed};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction,
    TransactionTrait,
};
use sea_orm::{DbErr, Statement};
use sea_orm_rls::RlsConnection;

use crate::world::{Link, World, entities};

/// A pool for each strategy, so that none finds another's statements prepared.
pub struct Session {
    pub plain: DatabaseConnection,
    pub pinged: DatabaseConnection,
    pub transaction: DatabaseConnection,
    pub by_hand: DatabaseConnection,
    pub scoped: RlsConnection,
    between: DatabaseTransaction,
    world: Arc<World>,
    link: Link,
    turns: AtomicU64,
    round_trips: AtomicUsize,
}

impl Session {
    /// With pools of this many connections, all of them open.
    pub async fn open(world: &Arc<World>, link: Link, connections: u32) -> Self {
        let mut defaults = ConnectOptions::new(world.url(link));
        defaults
            .min_connections(connections)
            .max_connections(connections);

        let mut quiet = defaults.clone();
        quiet.test_before_acquire(false);

        let connect =
            async |options: &ConnectOptions| Database::connect(options.clone()).await.unwrap();
        let scoped =
            RlsConnection::connect_with(defaults.clone(), world.config().clone(), entities())
                .await
                .unwrap();

        Self {
            plain: connect(&quiet).await,
            pinged: connect(&defaults).await,
            transaction: connect(&quiet).await,
            by_hand: connect(&quiet).await,
            scoped,
            between: connect(&quiet).await.begin().await.unwrap(),
            world: Arc::clone(world),
            link,
            turns: AtomicU64::new(0),
            round_trips: AtomicUsize::new(0),
        }
    }

    pub fn link(&self) -> Link {
        self.link
    }

    /// A number that no other turn has.
    pub fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// The least that a statement can take over this link.
    pub async fn least(&self) -> Duration {
        let mut times = Samples::default();
        for _ in 0..200 {
            times.add(self.one().await);
        }

        times.median()
    }

    async fn one(&self) -> Duration {
        let statement = Statement::from_string(self.between.get_database_backend(), "SELECT 1");
        timed(self.between.query_one_raw(statement)).await
    }

    /// Times some work, alone: what the pools do behind the strategy before is over then.
    pub async fn alone(&self, work: impl Future<Output = Result<(), DbErr>>) -> Duration {
        // A pool asks for one more answer when it gets a connection back; two of another's outlast
        // it, and keep the processors awake, which a pause would let sleep.
        for _ in 0..2 {
            self.one().await;
        }

        self.world.proxy().reset();

        let time = timed(work).await;
        self.round_trips.store(
            self.world.proxy().counter().round_trips(),
            Ordering::Relaxed,
        );

        time
    }

    /// Those the last timed work waited for; none if the link has no proxy.
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::Relaxed)
    }
}
