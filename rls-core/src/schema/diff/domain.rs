use crate::config::RlsConfig;
use crate::error::SchemaError;
use crate::model::context_domain::ContextDomain;
use crate::name::{Identifier, TableName};
use crate::schema::desired::DesiredDomains;
use crate::schema::plan::{Change, DomainChange, FunctionChange, RecordDefinition};
use crate::schema::render;
use crate::schema::snapshot::{ActualDomain, ActualFunction, Snapshot};

/// The changes that make the domains, and the function that one of them calls, as they are desired.
/// A domain keeps its OID, by which services use it. A domain of a setting that no policy reads any
/// more is left as it is: services of an earlier version may use it.
pub(super) fn changes(
    desired: &DesiredDomains,
    record: Option<RecordDefinition>,
    snapshot: &Snapshot,
    config: &RlsConfig,
    changes: &mut Vec<Change>,
) -> Result<(), SchemaError> {
    // The domain that records calls the function, which therefore comes first.
    if let Some(record) = record {
        let name = desired.name(&ContextDomain::Record);
        let mut change = |change| changes.push(Change::Function(name.clone(), change));

        function(&name, record, snapshot, &mut change)?;
        privileges(config.admin_role(), snapshot, &mut change);
    }

    for domain in &desired.domains {
        let name = desired.name(domain);
        let definition = render::domain_definition(domain, &desired.schema);
        let mut change = |change| changes.push(Change::Domain(name.clone(), change));

        match snapshot.domains.get(domain) {
            None => change(DomainChange::Create { definition }),
            Some(ActualDomain::Other) => {
                return Err(SchemaError::DomainTaken {
                    domain: name.to_string(),
                    base: render::domain_base(domain).to_owned(),
                });
            }
            Some(ActualDomain::Domain {
                definition: was,
                fits,
                is_owned,
            }) => {
                if *is_owned {
                    change(DomainChange::Own);
                }

                if !fits {
                    let was = was.clone();
                    change(DomainChange::Alter { definition, was });
                }
            }
        }
    }

    Ok(())
}

fn function(
    name: &TableName,
    record: RecordDefinition,
    snapshot: &Snapshot,
    change: &mut impl FnMut(FunctionChange),
) -> Result<(), SchemaError> {
    match &snapshot.recorder {
        None => change(FunctionChange::Create { record }),
        Some(ActualFunction::Other) => {
            return Err(SchemaError::FunctionTaken {
                function: name.to_string(),
            });
        }
        Some(ActualFunction::Function {
            definition,
            fits,
            is_owned,
            ..
        }) => {
            if *is_owned {
                change(FunctionChange::Own);
            }

            if !fits {
                let was = definition.clone();
                change(FunctionChange::Replace { record, was });
            }
        }
    }

    Ok(())
}

/// Lets the administrator alone execute the function.
fn privileges(admin: &Identifier, snapshot: &Snapshot, change: &mut impl FnMut(FunctionChange)) {
    let grantees = match &snapshot.recorder {
        Some(ActualFunction::Function { grantees, .. }) => grantees,
        _ => &snapshot.by_default.functions,
    };

    for role in grantees.iter().filter(|role| *role != admin).cloned() {
        change(FunctionChange::Revoke { role });
    }

    if !grantees.contains(admin) {
        let role = admin.clone();
        change(FunctionChange::Grant { role });
    }
}
