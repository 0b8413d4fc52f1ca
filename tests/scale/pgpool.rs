//! Pgpool-II, which sends reads to a standby.

mod balanced;

use sea_orm::sqlx::{Connection as _, PgConnection, Row as _, query_scalar, raw_sql};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, EntityTrait as _, IsolationLevel,
    PaginatorTrait as _, Set, TransactionTrait as _,
};
use sea_orm_rls::context::{ContextTransaction, Role};
use sea_orm_rls::{AdminConnection, AdminContext, RlsConnection, RlsError, UserContext};
use uuid::Uuid;

use crate::fixture::task;
use crate::release::Release;
use crate::rows::new_task;
use crate::suite::{Suite, World};
use crate::table::Row;
use balanced::Balanced;

pub async fn run(suite: &Suite) -> Vec<Row> {
    let mut rows = Vec::new();
    for (version, release) in [("4.6.1", Release::Trixie), ("4.3.5", Release::Bookworm)] {
        let balanced = Balanced::start(release, |_| Vec::new()).await;
        let db = balanced.world.connect(balanced.address, 32).await.unwrap();
        transaction_stays_where_it_began(&balanced.world, &db).await;
        administrator_reads_nothing_on_a_standby(&balanced.world, &db).await;
        context_in_a_text_is_refused(&balanced).await;

        let row = Row::new("Pgpool-II", version, "load balancing");
        rows.push(suite.all(row, &balanced.world, &db).await);
        assert!(balanced.reads_of_the_standby().await > 100);
        db.close().await;

        let cached = |_: &World| vec![("memory_cache_enabled", "on".to_owned())];
        let balanced = Balanced::start(release, cached).await;
        rows_of_users_are_not_cached(&balanced).await;
    }

    let to_primary = |world: &World| {
        let admin = format!("{}:primary", world.config.admin_role());
        vec![("user_redirect_preference_list", admin)]
    };
    let balanced = Balanced::start(Release::Trixie, to_primary).await;
    let db = balanced.world.connect(balanced.address, 2).await.unwrap();
    administrator_reads_and_is_recorded(&balanced.world, &db).await;
    db.close().await;

    rows
}

/// What reads after a write in a transaction sees it, so it is not sent to the standby, however the
/// transaction began.
async fn transaction_stays_where_it_began(world: &World, db: &RlsConnection) {
    let user = world.users[0];
    let own = db.scope(UserContext::new(user));
    let repeatable = Some(IsolationLevel::RepeatableRead);
    for _ in 0..10 {
        let level = own.begin_with_config(repeatable, None).await.unwrap();
        sees_own_write(level, user).await;
        sees_own_write(own.begin().await.unwrap(), user).await;
        sees_own_write(admin(db).begin().await.unwrap(), user).await;

        // What has its context in a text.
        own.execute_unprepared("UPDATE task SET rank = 3")
            .await
            .unwrap();
    }
}

async fn sees_own_write<R: Role>(transaction: ContextTransaction<R>, user: Uuid) {
    let before = task::Entity::find().count(&transaction).await.unwrap();
    let mut row = new_task("within");
    row.owner_id = Set(user);
    row.insert(&transaction).await.unwrap();

    let after = task::Entity::find().count(&transaction).await.unwrap();
    assert_eq!(after, before + 1);
    transaction.rollback().await.unwrap();
}

/// A login without the right to `set_config` has its context in the begin message, where Pgpool-II
/// does not see the transaction: its reads would come back empty, from the standby.
async fn context_in_a_text_is_refused(balanced: &Balanced) {
    let world = &balanced.world;
    let database = &world.database;
    let revoke = "REVOKE EXECUTE ON FUNCTION set_config FROM PUBLIC";
    database.execute(revoke).await.unwrap();
    let refused = world.connect(balanced.address, 2).await.unwrap_err();
    assert!(matches!(refused, RlsError::BalancedReads), "{refused}");

    let direct = world.connect(balanced.primary.address, 2).await.unwrap();
    let own = direct.scope(UserContext::new(world.users[0]));
    sees_own_write(own.begin().await.unwrap(), world.users[0]).await;
    direct.close().await;

    let grant = "GRANT EXECUTE ON FUNCTION set_config TO PUBLIC";
    database.execute(grant).await.unwrap();
}

/// The query cache of these versions passes over tables with row security. Of a table without, it
/// answers, so it is on.
async fn rows_of_users_are_not_cached(balanced: &Balanced) {
    let world = &balanced.world;
    let plain = "CREATE TABLE plain AS SELECT 1 AS id; GRANT SELECT ON plain TO PUBLIC";
    world.database.execute(plain).await.unwrap();
    let db = world.connect(balanced.address, 2).await.unwrap();
    let (ann, bob) = (
        UserContext::new(world.users[0]),
        UserContext::new(world.users[1]),
    );
    let (ann, bob) = (db.scope(ann), db.scope(bob));
    new_task("own").insert(&ann).await.unwrap();

    let mut session = PgConnection::connect(&world.url(balanced.address))
        .await
        .unwrap();
    for _ in 0..5 {
        assert_eq!(task::Entity::find().all(&ann).await.unwrap().len(), 1);
        assert_eq!(task::Entity::find().all(&bob).await.unwrap().len(), 0);
    }
    assert_eq!(hits(&mut session).await, 0);

    for _ in 0..5 {
        let id: i32 = query_scalar("SELECT id FROM plain")
            .fetch_one(&mut session)
            .await
            .unwrap();
        assert_eq!(id, 1);
    }
    assert!(hits(&mut session).await > 0);
    db.close().await;
}

/// How many answers the query cache gave.
async fn hits(session: &mut PgConnection) -> u32 {
    let shown = raw_sql("SHOW pool_cache").fetch_one(session).await.unwrap();
    let hits: &str = shown.try_get(0).unwrap();
    hits.parse().unwrap()
}

fn admin(db: &RlsConnection) -> AdminConnection {
    db.admin(AdminContext::new("tester", "looks through Pgpool-II").unwrap())
}

/// Its record cannot be written there, so it is refused.
async fn administrator_reads_nothing_on_a_standby(world: &World, db: &RlsConnection) {
    let own = db.scope(UserContext::new(world.users[0]));
    new_task("own").insert(&own).await.unwrap();
    let error = task::Entity::find().all(&admin(db)).await.unwrap_err();
    let error = RlsError::from(error);
    assert!(matches!(error, RlsError::AuditFailed { .. }), "{error}");
}

async fn administrator_reads_and_is_recorded(world: &World, db: &RlsConnection) {
    new_task("own")
        .insert(&db.scope(UserContext::new(world.users[0])))
        .await
        .unwrap();
    for _ in 0..10 {
        assert_eq!(task::Entity::find().count(&admin(db)).await.unwrap(), 1);
        let transaction = admin(db).begin().await.unwrap();
        assert_eq!(task::Entity::find().count(&transaction).await.unwrap(), 1);
        transaction.commit().await.unwrap();
    }

    let recorded = query_scalar("SELECT count(*) FROM rls_audit WHERE reason LIKE '%Pgpool-II'");
    let recorded: i64 = recorded.fetch_one(&world.owner).await.unwrap();
    assert_eq!(recorded, 20);
}
