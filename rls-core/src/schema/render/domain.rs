use std::collections::BTreeMap;

use crate::model::context_domain::ContextDomain;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{DomainChange, DomainDefinition};
use crate::sql::{identifier, known_literal, table};

/// The type of the values of a domain.
pub(crate) fn domain_base(domain: &ContextDomain) -> &'static str {
    match domain {
        ContextDomain::AnySetting => "text[]",
        ContextDomain::Setting(_) | ContextDomain::ReadOnly | ContextDomain::Record => "text",
    }
}

/// The desired definition of a domain. Its names are qualified, so that no `search_path` changes
/// what it calls.
///
/// The manual of `CREATE DOMAIN` says that the server takes a `CHECK` for immutable, and checks a
/// value only when it is first converted to the type. That is relied on: no value of these types is
/// ever stored.
pub(crate) fn domain_definition(domain: &ContextDomain, schema: &Identifier) -> DomainDefinition {
    let sets = |name: &str, value: &str| {
        let check = format!("CHECK (pg_catalog.set_config({name}, {value}, true) IS NOT NULL)");
        ("sets_context", check)
    };

    let (name, check) = match domain {
        ContextDomain::Setting(setting) => sets(&known_literal(setting.as_str()), "VALUE"),
        ContextDomain::AnySetting => sets("VALUE[1]", "VALUE[2]"),
        ContextDomain::ReadOnly => sets("'transaction_read_only'", "VALUE"),
        ContextDomain::Record => {
            let function = TableName {
                schema: Some(schema.clone()),
                table: domain.name(),
            };
            (
                "adds_record",
                format!("CHECK ({}(VALUE))", table(&function)),
            )
        }
    };

    let name = Identifier::new(name).unwrap_or_else(|_| unreachable!("a constant name"));
    DomainDefinition {
        base: format!("pg_catalog.{}", domain_base(domain)),
        default: None,
        not_null: false,
        checks: BTreeMap::from([(name, check)]),
    }
}

/// The constraint of a domain as the server prints it with `search_path` at `pg_catalog`; `None` if
/// it names a function outside that schema.
pub(crate) fn printed_check(domain: &ContextDomain) -> Option<String> {
    let sets = |name: &str, value: &str| {
        format!("CHECK ((set_config({name}, {value}, true) IS NOT NULL))")
    };

    match domain {
        ContextDomain::Setting(setting) => {
            let name = known_literal(setting.as_str());
            Some(sets(&format!("{name}::text"), "VALUE"))
        }
        ContextDomain::AnySetting => Some(sets("(VALUE)[1]", "(VALUE)[2]")),
        ContextDomain::ReadOnly => Some(sets("'transaction_read_only'::text", "VALUE")),
        ContextDomain::Record => None,
    }
}

/// Renders a change; `domain` is quoted already.
pub(super) fn statements(domain: &str, change: &DomainChange) -> Vec<String> {
    match change {
        DomainChange::Create { definition } => vec![create(domain, definition)],
        DomainChange::Drop { .. } => vec![format!("DROP DOMAIN {domain}")],
        DomainChange::Alter { definition, was } => alter(domain, definition, was),
        DomainChange::Own => vec![format!("ALTER DOMAIN {domain} OWNER TO CURRENT_USER")],
    }
}

fn create(domain: &str, definition: &DomainDefinition) -> String {
    let default = definition
        .default
        .iter()
        .map(|default| format!(" DEFAULT {default}"));
    let not_null = definition.not_null.then(|| " NOT NULL".to_owned());
    let checks = definition
        .checks
        .iter()
        .map(|(name, check)| format!(" CONSTRAINT {} {check}", identifier(name)));

    let said: String = default.chain(not_null).chain(checks).collect();
    format!("CREATE DOMAIN {domain} AS {}{said}", definition.base)
}

fn alter(domain: &str, definition: &DomainDefinition, was: &DomainDefinition) -> Vec<String> {
    let default = (definition.default != was.default).then(|| match &definition.default {
        Some(default) => format!("SET DEFAULT {default}"),
        None => "DROP DEFAULT".to_owned(),
    });

    let not_null = (definition.not_null != was.not_null)
        .then_some(if definition.not_null { "SET" } else { "DROP" })
        .map(|word| format!("{word} NOT NULL"));

    let dropped = was
        .checks
        .keys()
        .map(|name| format!("DROP CONSTRAINT {}", identifier(name)));
    let added = definition
        .checks
        .iter()
        .map(|(name, check)| format!("ADD CONSTRAINT {} {check}", identifier(name)));

    default
        .into_iter()
        .chain(not_null)
        .chain(dropped)
        .chain(added)
        .map(|action| format!("ALTER DOMAIN {domain} {action}"))
        .collect()
}
