//! Made-up values of columns, by their types.

use super::schema::{Column, Schema};
use crate::sql;

/// The first number for made-up values. It is high, so that few tables contain it, and leaves room
/// for thousands more in an `integer`.
pub(super) fn first_number() -> i64 {
    1_000_000_000 + i64::from(rand::random::<u32>() % 1_000_000_000)
}

/// `text` as a value of the column's type.
pub(super) fn cast(text: Option<&str>, sql_type: &str) -> String {
    match text.and_then(sql::literal) {
        Some(literal) => format!("{literal}::{sql_type}"),
        None => "NULL".to_owned(),
    }
}

/// A value of the column's type, another for each `number`; `None` if the type is not known here.
pub(super) fn of(column: &Column, schema: &Schema, number: i64) -> Option<String> {
    Some(cast(
        Some(&text(column.type_id, column.modifier, schema, number)?),
        &column.sql_type,
    ))
}

fn text(type_id: i64, modifier: i32, schema: &Schema, number: i64) -> Option<String> {
    let known = schema.types.get(&type_id)?;
    match known.kind.as_str() {
        "d" => return text(known.base, known.base_modifier, schema, number),
        "e" => {
            let at = usize::try_from(number)
                .ok()?
                .checked_rem(known.labels.len())?;
            return known.labels.get(at).cloned();
        }
        "c" => {
            return Some(format!(
                "({})",
                ",".repeat(usize::try_from(known.attributes).ok()?.saturating_sub(1))
            ));
        }
        "m" => return Some("{}".to_owned()),
        _ => {}
    }

    if let Some(element) = known.element {
        let element = text(element, modifier, schema, number)?;
        return Some(format!(
            "{{\"{}\"}}",
            element.replace('\\', "\\\\").replace('"', "\\\"")
        ));
    }

    if known.kind == "r" && !known.builtin {
        return Some("empty".to_owned());
    }

    if !known.builtin && !matches!(known.name.as_str(), "citext" | "hstore" | "ltree") {
        return None;
    }

    of_name(&known.name, modifier, number)
}

fn of_name(name: &str, modifier: i32, number: i64) -> Option<String> {
    moment(name, number)
        .or_else(|| address(name, number))
        .or_else(|| shape(name, number))
        .or_else(|| plain(name, modifier, number))
}

fn plain(name: &str, modifier: i32, number: i64) -> Option<String> {
    Some(match name {
        "uuid" => uuid::Uuid::from_u128(rand::random()).to_string(),
        "int2" => (number % 30_000).to_string(),
        "int4" | "int8" | "float4" | "float8" | "money" | "oid" | "xid8" => number.to_string(),
        "numeric" => numeric(modifier, number),
        "int4range" | "int8range" | "numrange" => format!("[{number},{})", number + 1),
        "text" | "varchar" | "bpchar" | "citext" | "name" | "ltree" => letters(modifier, number),
        "char" => char::from(b'a' + u8::try_from(number % 26).ok()?).to_string(),
        "bool" => "false".to_owned(),
        "json" | "jsonb" => "{}".to_owned(),
        "jsonpath" => "$".to_owned(),
        "xml" => "<row/>".to_owned(),
        "bytea" => format!("\\x{number:016x}"),
        "bit" => bits(number, usize::try_from(modifier).unwrap_or(1).max(1)),
        "varbit" => bits(number, usize::try_from(modifier).unwrap_or(32).clamp(1, 32)),
        "tsvector" | "hstore" => String::new(),
        "tsquery" => "a".to_owned(),
        "pg_lsn" => format!("0/{number:X}"),
        _ => return None,
    })
}

fn moment(name: &str, number: i64) -> Option<String> {
    let (year, month, day) = (
        1970 + number % 8000,
        1 + number / 8000 % 12,
        1 + number / 96_000 % 28,
    );
    let day = format!("{year}-{month:02}-{day:02}");
    let (hour, minute, second) = (number % 24, number / 24 % 60, number / 1440 % 60);

    Some(match name {
        "date" => day,
        "timestamp" | "timestamptz" => format!("{day} {hour:02}:{minute:02}:00"),
        "time" | "timetz" => format!("{hour:02}:{minute:02}:{second:02}"),
        "interval" => format!("{} seconds", number % 1_000_000),
        "daterange" | "tsrange" | "tstzrange" => format!("[{day},{day}]"),
        _ => return None,
    })
}

fn address(name: &str, number: i64) -> Option<String> {
    let (first, second, third) = (number % 256, number / 256 % 256, number / 65_536 % 256);

    Some(match name {
        "inet" | "cidr" => format!("10.{first}.{second}.{third}"),
        "macaddr" => format!("02:{first:02x}:{second:02x}:{third:02x}:00:00"),
        "macaddr8" => format!("02:{first:02x}:{second:02x}:00:00:00:00:00"),
        _ => return None,
    })
}

fn shape(name: &str, number: i64) -> Option<String> {
    Some(match name {
        "point" => format!("({},{})", number % 10_000, number / 10_000),
        "line" => "{1,1,0}".to_owned(),
        "lseg" | "path" => "[(0,0),(1,1)]".to_owned(),
        "box" => "(1,1),(0,0)".to_owned(),
        "polygon" => "((0,0),(1,0),(1,1))".to_owned(),
        "circle" => "<(0,0),1>".to_owned(),
        _ => return None,
    })
}

/// Digits that fit `numeric(p, s)`.
fn numeric(modifier: i32, number: i64) -> String {
    if modifier < 4 {
        return number.to_string();
    }

    let (precision, scale) = (((modifier - 4) >> 16) & 0xffff, (modifier - 4) & 0x7ff);
    let whole = u32::try_from(precision - scale).unwrap_or(0).min(18);

    (number % 10_i64.pow(whole)).to_string()
}

/// A word that fits `varchar(n)`. Its last letters differ from one number to the next.
fn letters(modifier: i32, number: i64) -> String {
    let word = format!("row{number:x}");
    match usize::try_from(modifier - 4) {
        Ok(room) if modifier > 4 && room < word.len() => word[word.len() - room..].to_owned(),
        _ => word,
    }
}

fn bits(number: i64, width: usize) -> String {
    (0..width)
        .rev()
        .map(|bit| {
            if bit < 63 && number >> bit & 1 == 1 {
                '1'
            } else {
                '0'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_types() {
        let numeric_of = |precision: i32, scale: i32| (precision << 16 | scale) + 4;
        assert_eq!(numeric(numeric_of(4, 2), 1_234_567_890), "90");
        assert_eq!(numeric(-1, 1_234_567_890), "1234567890");
        assert_eq!(letters(3 + 4, 0x4996_02d2), "2d2");
        assert_eq!(letters(-1, 0x4996_02d2), "row499602d2");
        assert_eq!(bits(5, 4), "0101");
        assert_eq!(cast(Some("it's"), "text"), "'it''s'::text");
    }

    #[test]
    fn values_differ_from_one_number_to_the_next() {
        for name in [
            "int2",
            "int4",
            "text",
            "date",
            "timestamptz",
            "bytea",
            "inet",
            "int4range",
            "pg_lsn",
            "uuid",
        ] {
            assert_ne!(
                of_name(name, -1, 1_500_000_000),
                of_name(name, -1, 1_500_000_001),
                "{name}"
            );
        }

        assert_eq!(of_name("vector", -1, 1), None);
    }
}
