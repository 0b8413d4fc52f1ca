//! Publications that send scoped rows to subscribers.

use std::collections::BTreeSet;

use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let mut reported = BTreeSet::new();

    // A table that is named comes before its parts, which are published with it.
    let mut publications: Vec<_> = case.facts.publications.iter().collect();
    publications.sort_by_key(|publication| (!publication.named, publication.relation));

    for publication in publications {
        let Some((relation, _)) = case.rows_behind(publication.relation) else {
            continue;
        };
        let Some(sent) = case.facts.relations.get(&publication.relation) else {
            continue;
        };
        let object = if publication.named {
            relation.name.to_string()
        } else {
            publication.name.to_string()
        };

        if reported.contains(&(&publication.name, relation.name.to_string()))
            || !reported.insert((&publication.name, object.clone()))
        {
            continue;
        }

        let why = format!(
            "`{}` sends every row to its subscribers, whatever the policies say",
            publication.name
        );

        let remedy = if publication.named {
            let name = identifier(&publication.name);
            let drop = format!("ALTER PUBLICATION {name} DROP TABLE {}", table(&sent.name));
            Remedy::sql(RunAs::Role(publication.owner_name.clone()), drop)
        } else {
            Remedy::words("list the publication's tables one by one, without this one")
        };

        findings.push(Finding::new(&rules::RLS314, object, why, remedy));
    }
}
