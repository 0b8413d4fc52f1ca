//! Contexts of many settings, and of many bytes.

use harness::{Options, Pace, Samples, Strategy, Table, ratio, take_turns, time};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm_rls::Registry;
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::model::Settings;
use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};
use testbed::Server;

use crate::world::{World, key, user};

/// Which user reads, and how many rows each user has.
const READER: u64 = 7;
const ROWS_EACH: usize = 10;
const USERS: u64 = 1_000;

const READ: &str = "SELECT id, team_id FROM task";

mod task {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "task")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub owner_id: Uuid,
        pub team_id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A table whose policies read the settings; what is measured is a read of the other one.
mod other {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "other")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: &str =
    "CREATE TABLE task (id bigint PRIMARY KEY, owner_id uuid NOT NULL, team_id bigint NOT NULL);
    CREATE TABLE other (id bigint PRIMARY KEY)";

async fn world(server: &Server, of_tasks: Vec<PolicyDraft>, of_others: Vec<PolicyDraft>) -> World {
    let fill = format!(
        "INSERT INTO task SELECT i, {}, i FROM generate_series(0, {USERS} * {ROWS_EACH} - 1) i",
        key(&format!("i / {ROWS_EACH}"))
    );
    let registry = Registry::new([
        Declaration::owned::<task::Entity>("owner_id")
            .no_foreign_key()
            .policies(of_tasks),
        Declaration::policies_of::<other::Entity>(of_others),
    ]);
    World::new(server, registry.unwrap(), TABLES, &fill).await
}

fn row(table: &mut Table, what: String, sample: &Samples, least: &Samples, more: String) {
    let cells = [
        time(sample.median()),
        time(sample.p99()),
        format!("{:.2}", ratio(sample, least)),
        more,
    ];
    table.row(std::iter::once(what).chain(cells));
}

/// Each setting is a parameter of each statement, whether or not its table's policies read it.
pub async fn settings(server: &Server, options: &Options) -> Table {
    let name = |number: usize| format!("app.s{number}");
    let mut worlds = Vec::new();
    for count in [0_usize, 20, 200] {
        let read = |number| {
            Policy::permissive(&format!("of_{number}"))
                .on([Command::Select])
                .using(Expr::col("id").eq(policy::setting::<i64>(&name(number))))
        };
        let world = world(server, Vec::new(), (0..count.max(1)).map(read).collect()).await;
        let set = |settings: Settings, number| settings.with(&name(number), "1").unwrap();
        worlds.push((count, world, (0..count).fold(user(READER), set)));
    }

    let strategies: Vec<_> = worlds
        .iter()
        .map(|(_, world, context)| {
            Strategy::new(world.name(), move || {
                world.scoped(context, READ, &[], ROWS_EACH)
            })
        })
        .collect();
    let samples = take_turns(&strategies, Pace::of(options, 20, 20)).await;

    let mut table = Table::new(&["settings", "median", "p99", "growth", "session"]);
    for ((count, world, _), sample) in worlds.iter().zip(&samples) {
        let session = format!("{} KiB", world.session().await);
        row(
            &mut table,
            (count + 1).to_string(),
            sample,
            &samples[0],
            session,
        );
    }
    table
}

/// A list that a policy of the table reads, beside the owner's.
pub async fn bytes(server: &Server, options: &Options) -> Table {
    let list = Policy::permissive("of_teams")
        .on([Command::Select])
        .using(Expr::col("team_id").eq(PgFunc::any(policy::setting::<Vec<i64>>("app.team_ids"))));
    let world = world(server, vec![list], Vec::new()).await;
    let contexts = [0_usize, 1 << 10, 100 << 10, 1 << 20].map(|bytes| {
        // Numbers that no row has, of ten digits each.
        let numbers = (0..bytes / 11).map(|number| (9_000_000_000 + number).to_string());
        let numbers: Vec<String> = numbers.collect();
        let list = format!("{{{}}}", numbers.join(","));
        user(READER).with("app.team_ids", list).unwrap()
    });

    let world = &world;
    let strategy = |context| Strategy::new("", move || world.scoped(context, READ, &[], ROWS_EACH));
    let strategies: Vec<_> = contexts.iter().map(strategy).collect();
    let mut table = Table::new(&["bytes", "median", "p99", "growth", "session"]);
    let samples = take_turns(&strategies, Pace::of(options, 2, 5)).await;
    let session = format!("{} KiB", world.session().await);
    for (bytes, sample) in ["0", "1 KiB", "100 KiB", "1 MiB"].into_iter().zip(&samples) {
        row(
            &mut table,
            bytes.to_owned(),
            sample,
            &samples[0],
            session.clone(),
        );
    }
    table
}
