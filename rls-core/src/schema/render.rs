//! Changes of a plan as SQL.

mod audit;
mod column;
mod distribution;
mod domain;
mod foreign_key;
mod function;
mod index;
mod online;
mod policy;
mod privilege;
mod role;
mod row_security;
mod signing;
mod statement;
mod usage;

use crate::name::TableName;
use crate::schema::plan::{Change, TableChange};
use crate::sql::{identifier, table};

pub(crate) use audit::{AUDIT_COLUMNS, AUDIT_GRANTED, create_audit, record};
pub(crate) use domain::{domain_base, domain_definition, printed_check};
pub(crate) use foreign_key::foreign_rows;
pub(crate) use function::{DEFINER_PATH, record_body};
pub(crate) use online::{Fill, Step, online};
pub(crate) use signing::keys_beside;
pub(crate) use statement::Statement;

/// The statements of a change, one a message.
pub(crate) fn change(change: &Change) -> Vec<Statement> {
    match change {
        Change::Role(role, change) => vec![role::statement(role, change)],
        Change::Table(table, change) => plain(of_table(table, change)),
        Change::Schema(schema, change) => {
            let schema = format!("SCHEMA {}", identifier(schema));
            vec![Statement::plain(usage::statement(&schema, change))]
        }
        Change::Sequence(sequence, change) => {
            let sequence = format!("SEQUENCE {}", table(sequence));
            vec![Statement::plain(usage::statement(&sequence, change))]
        }
        Change::Domain(domain, change) => plain(domain::statements(&table(domain), change)),
        Change::Function(function, change) => plain(function::statements(&table(function), change)),
    }
}

fn plain(statements: Vec<String>) -> Vec<Statement> {
    statements.into_iter().map(Statement::plain).collect()
}

/// The statements with which an administrator of the server makes a change by hand, each with its
/// end.
pub(crate) fn by_hand(of: &Change) -> Vec<String> {
    match of {
        Change::Role(role, change) => role::by_hand(role, change),
        other => change(other)
            .into_iter()
            .map(|statement| format!("{};", statement.text))
            .collect(),
    }
}

fn of_table(name: &TableName, change: &TableChange) -> Vec<String> {
    let quoted = table(name);
    match change {
        TableChange::Column(column, change) => column::statements(&quoted, column, change),
        TableChange::ForeignKey(change) => vec![foreign_key::statement(name, change)],
        TableChange::Index(change) => vec![index::statement(name, change)],
        TableChange::RowSecurity(change) => vec![row_security::statement(&quoted, *change)],
        TableChange::Policy(change) => policy::statements(&quoted, change),
        TableChange::Privilege(change) => vec![privilege::statement(&quoted, change)],
        TableChange::CreateAudit => vec![create_audit(&quoted)],
        TableChange::DropAudit => vec![format!("DROP TABLE {quoted}")],
        TableChange::Signing(change) => signing::statements(name, change),
        TableChange::Distribution(change) => vec![distribution::statement(name, change)],
    }
}
