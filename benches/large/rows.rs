//! Three owners in one table, of a thousand rows to ten million.

use harness::{Options, Pace, Strategy, Table, ratio, take_turns, time};
use sea_orm::Value;
use sea_orm_rls::registry;
use testbed::Server;
use uuid::Uuid;

use crate::world::{World, key, user};

mod task {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "task")]
    #[user_scoped(no_foreign_key, index(created_at))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub owner_id: Uuid,
        pub created_at: DateTimeWithTimeZone,
        pub title: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: &str = "CREATE TABLE task (id bigint PRIMARY KEY, owner_id uuid NOT NULL,
    created_at timestamptz NOT NULL, title text NOT NULL)";

/// A read, with `WHERE` for the side that needs the owner, and how many rows it gives.
const READS: [(&str, &str, usize); 3] = [
    ("newest 20", "SELECT id, title FROM task WHERE {owner} ORDER BY created_at DESC LIMIT 20", 20),
    (
        "20 in the middle",
        "SELECT id, title FROM task WHERE {owner} AND created_at < timestamptz '2026-01-01' + 500 * interval '1 second'
         ORDER BY created_at DESC LIMIT 20",
        20,
    ),
    ("one by its key", "SELECT id, title FROM task WHERE {owner} AND id = {first} + 400", 1),
];

pub async fn table(server: &Server, options: &Options) -> Table {
    let most = options.rows("BENCH_ROWS", 1_000, 1_000_000, 10_000_000);
    let owners = [1_000, most.div_ceil(100).max(1_000), most];
    let insert = |(number, rows): (u64, u64)| {
        format!(
            "INSERT INTO task SELECT {number} * 100000000 + i, {}, \
             timestamptz '2026-01-01' + i * interval '1 second', 'task ' || i \
             FROM generate_series(1, {rows}::bigint) i",
            key(&number.to_string())
        )
    };
    let fill: Vec<String> = (1..).zip(owners).map(insert).collect();
    let registry = registry![task::Entity].unwrap();
    let world = World::new(server, registry, TABLES, &fill.join("; ")).await;
    let mut table = Table::new(&[
        "",
        "rows",
        "WHERE, median",
        "scoped, median",
        "to WHERE",
        "growth",
    ]);

    for (name, sql, found) in READS {
        let world = &world;
        let strategies: Vec<_> = (1..=3_u64)
            .flat_map(|number| {
                let sql = sql.replace("{first}", &(number * 100_000_000).to_string());
                let with = |condition: &str| sql.replace("{owner}", condition);
                let (plain, scoped) = (with("owner_id = $1"), with("true"));
                let own: [Value; 1] = [Uuid::from_u128(number.into()).into()];
                let context = user(number);
                [
                    Strategy::new(name, move || {
                        let (plain, own) = (plain.clone(), own.clone());
                        async move { world.plain(&plain, &own, found).await }
                    }),
                    Strategy::new(name, move || {
                        let (scoped, context) = (scoped.clone(), context.clone());
                        async move { world.scoped(&context, &scoped, &[], found).await }
                    }),
                ]
            })
            .collect();

        let samples = take_turns(&strategies, Pace::of(options, 20, 20)).await;
        for (pair, rows) in samples.chunks(2).zip(owners) {
            table.row([
                name.to_owned(),
                rows.to_string(),
                time(pair[0].median()),
                time(pair[1].median()),
                format!("{:.2}", ratio(&pair[1], &pair[0])),
                format!("{:.2}", ratio(&pair[1], &samples[1])),
            ]);
        }
    }

    table
}
