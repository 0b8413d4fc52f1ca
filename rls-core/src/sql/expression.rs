//! The SQL of expressions.

use std::fmt;

use sea_orm::sea_query::{Expr, PostgresQueryBuilder, Query};

use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::name::{Identifier, SettingName};

use super::quote::{identifier, known_literal, table};
use super::signed;

/// The SQL of an expression.
pub(crate) fn expression(expression: &Expression) -> String {
    render(expression, 0)
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(expression(self).trim_end())
    }
}

/// `depth` is the number of subqueries that a column is in. In a subquery, a column is qualified by
/// the subquery's table, so that it never means a column of the policy's table.
fn render(expression: &Expression, depth: usize) -> String {
    let column = |name| column(name, depth);

    match expression {
        Expression::True => "true".to_owned(),
        Expression::False => "false".to_owned(),
        Expression::All(parts) if parts.is_empty() => "true".to_owned(),
        Expression::Any(parts) if parts.is_empty() => "false".to_owned(),
        Expression::All(parts) => joined(parts, " AND ", depth),
        Expression::Any(parts) => joined(parts, " OR ", depth),
        // In a subquery, the server reads the setting once a query and can use the column's index.
        // Without, it reads the setting once a row.
        Expression::IsCurrent {
            column: name,
            setting,
            key,
        } => {
            format!(
                "{} {} (SELECT {})",
                column(name),
                equals(*key == KeyType::Text),
                current(setting, *key)
            )
        }
        Expression::IsCurrentOnNode {
            column: name,
            setting,
            key,
        } => {
            format!(
                "{} {} {}",
                column(name),
                equals(*key == KeyType::Text),
                current(setting, *key)
            )
        }
        Expression::Current { setting, key } => current(setting, *key),
        Expression::IsTrue(name) => column(name),
        Expression::IsNull(name) => format!("{} IS NULL", column(name)),
        Expression::NotDeleted(name) => format!("({0} IS NULL OR {0} >= now())", column(name)),
        Expression::NotDeletedRounded(name, rounded) => {
            format!(
                "({0} IS NULL OR {0} >= CAST(now() AS {rounded}))",
                column(name)
            )
        }
        // As an array, the subquery is run once and the column's index is used. With IN, neither is
        // so.
        Expression::Through {
            column: name,
            parent,
            parent_column,
            holds,
        } => {
            let inner = depth + 1;
            format!(
                "{} {} ANY (ARRAY(SELECT p{inner}.{} FROM {} AS p{inner} WHERE {}))",
                column(name),
                equals(true),
                identifier(parent_column),
                table(parent),
                render(holds, inner)
            )
        }
        Expression::Query(expr) => query(expr),
        Expression::RawSql(sql) => raw(sql),
        signed @ (Expression::IsVerified { .. }
        | Expression::First(_)
        | Expression::FirstThrough { .. }
        | Expression::FirstNotDeleted(..)
        | Expression::OnVerified(..)) => in_signed_policy(signed, depth),
    }
}

/// The forms that only the policies of signed contexts have.
fn in_signed_policy(expression: &Expression, depth: usize) -> String {
    let column = |name| column(name, depth);

    match expression {
        Expression::IsVerified {
            column: name,
            setting,
            key,
            verified,
        } => {
            format!(
                "{} {} ANY (ARRAY[{}])",
                column(name),
                equals(*key == KeyType::Text),
                signed::current(setting, *key, verified)
            )
        }
        // An equality of its own would stand behind, and the array form costs more for each row. CASE is
        // leakproof if its comparison is, COALESCE never: so CASE stands in front also beside other
        // restrictive policies.
        Expression::First(part) => match part.as_ref() {
            Expression::IsVerified {
                column: name,
                setting,
                key,
                verified,
            } => format!(
                "CASE WHEN {} {} {} THEN true ELSE false END",
                column(name),
                equals(*key == KeyType::Text),
                signed::current(setting, *key, verified)
            ),
            part => format!("CASE WHEN {} THEN true ELSE false END", render(part, depth)),
        },
        // The planner expects ten rows of any array, and so hashes them however little memory it has.
        // A condition that is not hashed costs much, and stands behind those of a statement.
        Expression::FirstThrough {
            column: name,
            parent,
            parent_column,
            holds,
        } => {
            let inner = depth + 1;
            format!(
                "{} {} ANY (SELECT pg_catalog.unnest(ARRAY(\
                 SELECT p{inner}.{} FROM {} AS p{inner} WHERE {})))",
                column(name),
                equals(true),
                identifier(parent_column),
                table(parent),
                render(holds, inner)
            )
        }
        Expression::FirstNotDeleted(name, rounded) => {
            let now = match rounded {
                Some(rounded) => format!("CAST(now() AS {rounded})"),
                None => "now()".to_owned(),
            };
            format!(
                "({0} IS NULL OR {0} >= ANY (ARRAY[(SELECT {now})]))",
                column(name)
            )
        }
        Expression::OnVerified(part, verified) => {
            signed::on_verified(&render(part, depth), verified)
        }
        other => render(other, depth),
    }
}

/// A column as an expression in so many subqueries names it.
fn column(name: &Identifier, depth: usize) -> String {
    if depth == 0 {
        identifier(name)
    } else {
        format!("p{depth}.{}", identifier(name))
    }
}

fn query(expr: &Expr) -> String {
    let select = Query::select()
        .expr(expr.clone())
        .to_string(PostgresQueryBuilder);

    raw(select.strip_prefix("SELECT ").unwrap_or(&select))
}

/// If the types of both sides may differ, as `varchar` and `text` do, the server would prefer an
/// operator that someone made for just these types. So its own is named in full.
fn equals(may_differ: bool) -> &'static str {
    if may_differ {
        "OPERATOR(pg_catalog.=)"
    } else {
        "="
    }
}

/// A line break ends a comment, which would otherwise hide what follows.
fn raw(sql: &str) -> String {
    if sql.contains("--") {
        format!("{sql}\n")
    } else {
        sql.to_owned()
    }
}

fn joined(parts: &[Expression], word: &str, depth: usize) -> String {
    parts
        .iter()
        .map(|part| format!("({})", render(part, depth)))
        .collect::<Vec<_>>()
        .join(word)
}

/// The current key. Once a setting was set in a session, it reads `''`, not NULL, when it is not
/// set.
fn current(setting: &SettingName, key: KeyType) -> String {
    let name = known_literal(setting.as_str());
    let text = format!("NULLIF(current_setting({name}, true), '')");

    match key {
        KeyType::Text => text,
        KeyType::Uuid | KeyType::Integer | KeyType::BigInteger => {
            format!("{text}::{}", key.as_sql())
        }
    }
}
