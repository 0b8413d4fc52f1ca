//! Columns of each type, with the index that serves their conditions, and what to write instead of
//! conditions that lose it.

use sea_orm::ColumnTrait;
use sea_orm::sea_query::extension::postgres::PgExpr as _;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

/// A query, under the name of the method of SeaORM that writes its condition.
pub type Condition = (&'static str, SelectStatement);

pub struct Column {
    pub sql_type: &'static str,
    pub index: &'static str,
    pub conditions: Vec<Condition>,
    pub better: Vec<Better>,
}

/// What keeps an index in place of what loses it.
pub struct Better {
    pub words: &'static str,
    /// The column `d` and its index, if it needs them.
    pub needs: &'static str,
    /// By the names of those they replace.
    pub conditions: Vec<Condition>,
}

impl Column {
    fn or(
        mut self,
        words: &'static str,
        needs: &'static str,
        conditions: impl IntoIterator<Item = Condition>,
    ) -> Self {
        self.better.push(Better {
            words,
            needs,
            conditions: conditions.into_iter().collect(),
        });
        self
    }
}

/// Strings, so that SeaORM's own methods write the conditions of strings.
mod phrase {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sample")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub c: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TEXT: phrase::Column = phrase::Column::C;

fn select() -> SelectStatement {
    let mut query = Query::select();
    query.expr(Expr::val(1)).from("sample");
    query
}

fn filter(name: &'static str, condition: Expr) -> Condition {
    (name, select().and_where(condition).to_owned())
}

/// A condition that SeaORM has no method for.
fn custom(name: &'static str, condition: &'static str) -> Condition {
    filter(name, Expr::cust(condition))
}

/// A bound value has the type that its Rust type has in PostgreSQL.
fn bound(value: &str, sql_type: &str) -> Expr {
    Expr::cust(format!("'{value}'::{sql_type}"))
}

/// The conditions of an order, on one of the columns `c` and `d`.
fn order(column: &'static str, sql_type: &str, [low, high]: [&str; 2]) -> Vec<Condition> {
    let column = || Expr::col(column);
    let (low, high) = (bound(low, sql_type), bound(high, sql_type));
    vec![
        filter("eq", column().eq(low.clone())),
        filter("gt", column().gt(low.clone())),
        filter("between", column().between(low.clone(), high.clone())),
        filter("is_in", column().is_in([low, high])),
        filter("is_null", column().is_null()),
    ]
}

/// A type with an order, and two values of it.
fn ordered(sql_type: &'static str, values: [&str; 2]) -> Column {
    searched(sql_type, "(c)", order("c", sql_type, values))
}

fn searched(sql_type: &'static str, index: &'static str, conditions: Vec<Condition>) -> Column {
    Column {
        sql_type,
        index,
        conditions,
        better: Vec::new(),
    }
}

/// Those that an index can lose: it keeps the others.
fn without_null(mut conditions: Vec<Condition>) -> Vec<Condition> {
    conditions.retain(|(name, _)| *name != "is_null");
    conditions
}

pub fn all() -> Vec<Column> {
    [numbers(), times(), texts(), patterns(), others(), within()]
        .into_iter()
        .flatten()
        .collect()
}

fn numbers() -> Vec<Column> {
    let mut integer = ordered("integer", ["1", "2"]);
    let wide = Expr::col("c").eq(bound("1", "bigint"));
    integer.conditions.push(filter("eq of an `i64`", wide));

    vec![
        ordered("smallint", ["1", "2"]),
        integer,
        ordered("bigint", ["1", "2"]),
        ordered("real", ["1", "2"]),
        ordered("double precision", ["1", "2"]),
        ordered("numeric", ["1", "2"]).or(
            "a `bigint` of the smallest unit",
            "ALTER TABLE sample ADD d bigint; CREATE INDEX ON sample (d)",
            without_null(order("d", "bigint", ["100", "200"])),
        ),
        ordered("boolean", ["false", "true"]),
    ]
}

fn times() -> Vec<Column> {
    let mut timestamp = ordered("timestamp", ["2026-01-01", "2026-02-01"]);
    let other = Expr::col("c").gt(bound("2026-01-01Z", "timestamptz"));
    timestamp
        .conditions
        .push(filter("gt of a `DateTimeUtc`", other));

    vec![
        ordered("date", ["2026-01-01", "2026-02-01"]),
        ordered("time", ["10:00", "11:00"]),
        timestamp.or(
            "a value of the column's own type",
            "",
            [custom(
                "gt of a `DateTimeUtc`",
                "c > '2026-01-01Z'::timestamptz::timestamp",
            )],
        ),
        ordered("timestamptz", ["2026-01-01Z", "2026-02-01Z"]),
        ordered("interval", ["1 day", "2 days"]),
    ]
}

fn texts() -> Vec<Column> {
    let lower = "ALTER TABLE sample ADD d text GENERATED ALWAYS AS (lower(c::text)) STORED; \
                 CREATE INDEX ON sample (d)";
    vec![
        ordered(
            "uuid",
            [
                "00000000-0000-4000-8000-000000000000",
                "00000000-0000-4000-8000-000000000001",
            ],
        ),
        ordered("text", ["a", "b"]),
        ordered("varchar", ["a", "b"]),
        ordered("char(2)", ["a", "b"]),
        ordered("citext", ["a", "b"]).or(
            "a generated column `lower(c)`",
            lower,
            without_null(order("d", "text", ["a", "b"])),
        ),
        searched(
            "text",
            "(lower(c))",
            vec![custom("eq of `lower(c)`", "lower(c) = 'ab'::text")],
        )
        .or(
            "a generated column `lower(c)`",
            lower,
            [custom("eq of `lower(c)`", "d = 'ab'::text")],
        ),
    ]
}

fn patterns() -> Vec<Column> {
    let begins = || {
        vec![
            filter("like", TEXT.like("ab%")),
            filter("starts_with", TEXT.starts_with("ab")),
        ]
    };
    let better = || {
        let like = custom("like", "c ^@ 'ab'::text");
        let starts_with = custom("starts_with", "starts_with(c, 'ab'::text)");
        [like, starts_with]
    };
    let words = "`\"c\" ^@ $1`, `starts_with(\"c\", $1)`";
    let parts = vec![
        filter("contains", TEXT.contains("abc")),
        filter("ends_with", TEXT.ends_with("abc")),
        filter("ilike", TEXT.ilike("abc%")),
    ];
    vec![
        searched("text", "(c text_pattern_ops)", begins()).or(words, "", better()),
        searched("varchar", "(c varchar_pattern_ops)", begins()).or(words, "", better()),
        searched("text", "USING gin (c gin_trgm_ops)", parts)
            .or(
                "`^@` on a generated column `reverse(c)`",
                "ALTER TABLE sample ADD d text GENERATED ALWAYS AS (reverse(c)) STORED; CREATE INDEX \
                 ON sample (d text_pattern_ops)",
                [custom("ends_with", "d ^@ 'cba'::text")],
            )
            .or(
                "`^@` on a generated column `lower(c)`",
                "ALTER TABLE sample ADD d text GENERATED ALWAYS AS (lower(c)) STORED; CREATE INDEX \
                 ON sample (d text_pattern_ops)",
                [custom("ilike", "d ^@ 'abc'::text")],
            ),
    ]
}

fn others() -> Vec<Column> {
    let mut inet = ordered("inet", ["10.0.0.1", "10.0.0.2"]);
    inet.conditions
        .push(custom("`<<=`", "c <<= '10.0.0.0/8'::inet"));

    vec![
        ordered("bytea", ["\\x00", "\\x01"]),
        ordered("state", ["open", "shut"]).or(
            "a `text` of the same values",
            "ALTER TABLE sample ADD d text; CREATE INDEX ON sample (d)",
            without_null(order("d", "text", ["open", "shut"])),
        ),
        inet,
        ordered("macaddr", ["00:00:00:00:00:01", "00:00:00:00:00:02"]),
    ]
}

fn within() -> Vec<Column> {
    let kind = "ALTER TABLE sample ADD d text GENERATED ALWAYS AS (c ->> 'kind') STORED; CREATE \
                INDEX ON sample (d)";
    let contains =
        |value, sql_type| filter("contains", Expr::col("c").contains(bound(value, sql_type)));
    let days = "'[2026-01-01,2026-02-01)'::daterange";
    let words = Expr::cust("plainto_tsquery('simple', 'open')");
    let mut near = select();
    near.order_by_expr(Expr::cust("c <-> '(0,0)'::point"), sea_orm::Order::Asc);

    vec![
        searched(
            "jsonb",
            "USING gin (c)",
            vec![contains(r#"{"kind": "open"}"#, "jsonb")],
        )
        .or(
            "a generated column `c ->> 'kind'`",
            kind,
            [custom("contains", "d = 'open'::text")],
        ),
        searched(
            "jsonb",
            "((c ->> 'kind'))",
            vec![custom(
                "eq of `c ->> 'kind'`",
                "c ->> 'kind' = 'open'::text",
            )],
        )
        .or(
            "a generated column `c ->> 'kind'`",
            kind,
            [custom("eq of `c ->> 'kind'`", "d = 'open'::text")],
        ),
        searched(
            "integer[]",
            "USING gin (c)",
            vec![
                contains("{1}", "integer[]"),
                custom("`&&`", "c && '{1}'::integer[]"),
            ],
        ),
        searched(
            "tsvector",
            "USING gin (c)",
            vec![filter("matches", Expr::col("c").matches(words))],
        ),
        searched(
            "daterange",
            "USING gist (c)",
            vec![
                filter("eq", Expr::col("c").eq(Expr::cust(days))),
                contains("[2026-01-01,2026-02-01)", "daterange"),
                custom("`&&`", "c && '[2026-01-01,2026-02-01)'::daterange"),
            ],
        ),
        searched(
            "point",
            "USING gist (c)",
            vec![
                custom("within a `box`", "c <@ '(1,1),(0,0)'::box"),
                ("`order_by` of `<->`", near),
            ],
        ),
    ]
}
