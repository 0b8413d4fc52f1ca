use std::collections::BTreeSet;

use crate::doctor::case::Case;
use crate::doctor::facts::{Kind, Oid};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;

/// Tables that nobody decided about.
pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let schemas: BTreeSet<&Identifier> = case
        .tables
        .iter()
        .filter_map(|table| table.desired.table.schema.as_ref())
        .collect();

    let registered: BTreeSet<Oid> = case
        .tables
        .iter()
        .filter_map(|table| Some(table.found?.0))
        .collect();

    let holders: BTreeSet<&Identifier> = case
        .registry
        .scopes()
        .iter()
        .flat_map(|scope| &scope.keys)
        .filter(|key| key.owned().is_some())
        .map(|key| &key.column)
        .collect();

    for (oid, relation) in &case.facts.relations {
        let is_own =
            relation.name.table.as_str() == case.migrations || case.facts.audits.contains(oid);
        let is_table = matches!(relation.kind, Kind::Table | Kind::Foreign);
        if !is_table || relation.of_extension || registered.contains(oid) || is_own {
            continue;
        }

        if case
            .facts
            .inheritance
            .ancestors(*oid)
            .iter()
            .any(|parent| registered.contains(parent))
        {
            continue;
        }

        let in_place = relation
            .name
            .schema
            .as_ref()
            .is_some_and(|schema| schemas.contains(schema));

        let columns = case.facts.columns.get(oid);
        let holder =
            columns.and_then(|columns| columns.keys().find(|column| holders.contains(column)));

        // Who forced row security on it has decided, though not by an entity of this program.
        if let Some(holder) = holder.filter(|_| !(relation.enabled && relation.forced)) {
            let why = format!(
                "its column `{holder}` names holders; is the crate of its entity linked into this \
                 program?"
            );

            let remedy = Remedy::Rust(
                "#[derive(UserScoped)], or #[derive(Unscoped)] #[unscoped(reason = \"…\")]"
                    .to_owned(),
            );

            found.push(Finding::new(&rules::RLS402, &relation.name, why, remedy));
        } else if in_place {
            let why = "nobody has said whether its rows are someone's";
            let remedy = Remedy::Rust(
                "#[derive(Unscoped)] #[unscoped(reason = \"…\")], or #[derive(UserScoped)]"
                    .to_owned(),
            );
            found.push(Finding::new(&rules::RLS401, &relation.name, why, remedy));
        }
    }
}
