//! Rewrite rules by which statements reach scoped tables.

use crate::doctor::case::Case;
use crate::doctor::facts::{Oid, Relation, Rewrite};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for rewrite in &case.facts.rewrites {
        let Some(relation) = case.facts.relations.get(&rewrite.relation) else {
            continue;
        };
        let Some(why) = why(case, rewrite, relation) else {
            continue;
        };

        let drop = format!(
            "DROP RULE {} ON {}",
            identifier(&rewrite.name),
            table(&relation.name)
        );

        findings.push(Finding::new(
            &rules::RLS312,
            format!("{}.{}", relation.name, rewrite.name),
            why,
            Remedy::sql(relation.owned(), drop),
        ));
    }
}

fn why(case: &Case<'_>, rewrite: &Rewrite, relation: &Relation) -> Option<String> {
    if case.scoped_table(rewrite.relation).is_some() {
        return Some(format!(
            "what it adds to statements runs as the table's owner `{}`",
            relation.owner_name
        ));
    }

    let reaches = |(reader, base): &&(Oid, Oid)| {
        *reader == rewrite.relation && case.scoped_table(*base).is_some()
    };

    let (_, base) = case.facts.readers.iter().find(reaches)?;
    let (base, _) = case.scoped_table(*base)?;
    let is_granted = !case.grants_on(rewrite.relation).is_empty();

    is_granted.then(|| {
        format!(
            "a write to `{}` reaches `{}` through it, as `{}`",
            relation.name, base.name, relation.owner_name
        )
    })
}
