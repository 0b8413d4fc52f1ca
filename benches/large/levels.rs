//! Rows that belong to whoever owns the row that they refer to, and so on, up to five times.

use harness::{Options, Pace, Strategy, Table, ratio, take_turns, time};
use sea_orm::Value;
use sea_orm_rls::registry;
use testbed::Server;
use uuid::Uuid;

use crate::world::{World, key, user};

pub const LEVELS: usize = 5;

/// Of the first level; each row has three rows of the next.
const OWNERS: u64 = 100;
const ROWS_EACH: u64 = 10;

/// Which user reads.
const READER: u64 = 7;

mod level_0 {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "level_0")]
    #[user_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub owner_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

macro_rules! level {
    ($name:ident, $table:literal, $above:ident) => {
        mod $name {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = $table)]
            #[user_scoped(via = $above)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: i64,
                pub above_id: i64,
                #[sea_orm(belongs_to, from = "above_id", to = "id")]
                pub above: HasOne<super::$above::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

level!(level_1, "level_1", level_0);
level!(level_2, "level_2", level_1);
level!(level_3, "level_3", level_2);
level!(level_4, "level_4", level_3);
level!(level_5, "level_5", level_4);

fn tables() -> (String, String) {
    let mut tables =
        "CREATE TABLE level_0 (id bigint PRIMARY KEY, owner_id uuid NOT NULL)".to_owned();
    let mut rows = OWNERS * ROWS_EACH;
    let mut fill = format!(
        "INSERT INTO level_0 SELECT i, {} FROM generate_series(0, {rows} - 1) i",
        key(&format!("i / {ROWS_EACH}"))
    );

    for level in 1..=LEVELS {
        let above = level - 1;
        rows *= 3;
        tables += &format!(
            "; CREATE TABLE level_{level} (id bigint PRIMARY KEY, above_id bigint NOT NULL REFERENCES level_{above});
             CREATE INDEX ON level_{level} (above_id)"
        );
        fill += &format!(
            "; INSERT INTO level_{level} SELECT i, i / 3 FROM generate_series(0, {rows} - 1) i"
        );
    }

    (tables, fill)
}

/// The condition that a row of a level is the user's, as one would write it.
fn condition(level: usize) -> String {
    match level {
        0 => "owner_id = $1".to_owned(),
        _ => {
            let above = level - 1;
            format!(
                "above_id IN (SELECT id FROM level_{above} WHERE {})",
                condition(above)
            )
        }
    }
}

pub async fn table(server: &Server, options: &Options) -> Table {
    let registry = registry![
        level_0::Entity,
        level_1::Entity,
        level_2::Entity,
        level_3::Entity,
        level_4::Entity,
        level_5::Entity
    ];
    let (tables, fill) = tables();
    let world = World::new(server, registry.unwrap(), &tables, &fill).await;
    let mut table = Table::new(&[
        "",
        "levels",
        "WHERE, median",
        "scoped, median",
        "to WHERE",
        "growth",
    ]);

    let own: Value = Uuid::from_u128(READER.into()).into();
    for (name, more, rows) in [
        ("one by its key", "AND id = ", Some(1)),
        ("all of the user's", "", None),
    ] {
        let (world, own) = (&world, &own);
        let strategies: Vec<_> = (0..=LEVELS)
            .flat_map(|level| {
                let all = ROWS_EACH * 3_u64.pow(u32::try_from(level).unwrap());
                let first = READER * all;
                let found = rows.unwrap_or_else(|| usize::try_from(all).unwrap());
                let more = if more.is_empty() {
                    String::new()
                } else {
                    format!("{more}{first}")
                };
                let plain = format!(
                    "SELECT * FROM level_{level} WHERE {} {more}",
                    condition(level)
                );
                let scoped = format!("SELECT * FROM level_{level} WHERE true {more}");
                [
                    Strategy::new(name, move || {
                        let plain = plain.clone();
                        async move { world.plain(&plain, std::slice::from_ref(own), found).await }
                    }),
                    Strategy::new(name, move || {
                        let scoped = scoped.clone();
                        async move { world.scoped(&user(READER), &scoped, &[], found).await }
                    }),
                ]
            })
            .collect();

        let samples = take_turns(&strategies, Pace::of(options, 20, 20)).await;
        for (level, pair) in samples.chunks(2).enumerate() {
            table.row([
                name.to_owned(),
                level.to_string(),
                time(pair[0].median()),
                time(pair[1].median()),
                format!("{:.2}", ratio(&pair[1], &pair[0])),
                format!("{:.2}", ratio(&pair[1], &samples[1])),
            ]);
        }
    }

    table
}
