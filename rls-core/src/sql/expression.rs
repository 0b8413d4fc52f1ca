use crate::name::{Identifier, SettingName};
use crate::policy::{Command, Expression, Policy, PolicyKind};
use crate::scope::KeyType;

use super::quote::{identifier, literal};

/// An expression's SQL.
pub(crate) fn expression(expression: &Expression) -> String {
    match expression {
        Expression::True => "true".to_owned(),
        // In a subquery the server reads the setting once a query and may use the column's index; bare, it reads it
        // once a row.
        Expression::IsCurrent { column, setting, key } => {
            format!("{} = (SELECT {})", identifier(column), current(setting, *key))
        }
        Expression::Current { setting, key } => current(setting, *key),
    }
}

/// The current user's key. A setting that was ever set in a session reads `''`, not NULL, where it is not set.
fn current(setting: &SettingName, key: KeyType) -> String {
    let name = literal(setting.as_str()).unwrap_or_else(|| unreachable!("a setting's name holds no NUL"));
    let text = format!("NULLIF(current_setting({name}, true), '')");
    match key {
        KeyType::Text => text,
        KeyType::Uuid | KeyType::Integer | KeyType::BigInteger => format!("{text}::{}", key.as_sql()),
    }
}

/// `CREATE POLICY` on a table whose name is quoted already.
pub(crate) fn create_policy(table: &str, policy: &Policy<Expression>) -> String {
    let mut sql = format!(
        "CREATE POLICY {} ON {table} AS {} FOR {} TO {}",
        identifier(&policy.name),
        match policy.kind {
            PolicyKind::Permissive => "PERMISSIVE",
            PolicyKind::Restrictive => "RESTRICTIVE",
        },
        command(policy.command),
        roles(policy.roles.iter()),
    );
    for (words, side) in [(" USING (", &policy.using), (" WITH CHECK (", &policy.with_check)] {
        if let Some(side) = side {
            sql.push_str(words);
            sql.push_str(&expression(side));
            sql.push(')');
        }
    }
    sql
}

pub(crate) fn command(command: Command) -> &'static str {
    match command {
        Command::All => "ALL",
        Command::Select => "SELECT",
        Command::Insert => "INSERT",
        Command::Update => "UPDATE",
        Command::Delete => "DELETE",
    }
}

fn roles<'a>(roles: impl ExactSizeIterator<Item = &'a Identifier>) -> String {
    if roles.len() == 0 {
        return "PUBLIC".to_owned();
    }
    roles.map(identifier).collect::<Vec<_>>().join(", ")
}
