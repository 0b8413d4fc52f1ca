//! Tables about which nobody has decided.

use std::collections::BTreeSet;

use crate::doctor::case::Case;
use crate::doctor::facts::{Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::signed_context;
use crate::name::Identifier;

const SCOPED: &str = "#[derive(UserScoped)]";
const UNSCOPED: &str = "#[derive(Unscoped)] #[unscoped(reason = \"…\")]";

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let schemas: BTreeSet<&Identifier> = case
        .tables
        .iter()
        .filter_map(|table| table.desired.table.schema.as_ref())
        .collect();

    let owner_columns: BTreeSet<&Identifier> = case
        .registry
        .scopes()
        .iter()
        .flat_map(|scope| &scope.keys)
        .filter(|key| key.owned().is_some())
        .map(|key| &key.column)
        .collect();

    for (oid, relation) in undecided(case) {
        let columns = case.facts.columns.get(&oid);
        let owner = columns
            .and_then(|columns| columns.keys().find(|column| owner_columns.contains(column)));

        let schema = relation.name.schema.as_ref();

        // Whoever forced row security has decided, though not by an entity of this program.
        if let Some(owner) = owner.filter(|_| !(relation.enabled && relation.forced)) {
            let why = format!(
                "its column `{owner}` names owners elsewhere: is the crate of its entity linked \
                 into this program?"
            );
            let remedy = Remedy::Rust(format!("{SCOPED}, or {UNSCOPED}"));
            findings.push(Finding::new(&rules::RLS402, &relation.name, why, remedy));
        } else if schema.is_some_and(|schema| schemas.contains(schema))
            || !case.grants_on(oid).is_empty()
        {
            let why = "nobody has said whether its rows belong to users";
            let remedy = Remedy::Rust(format!("{UNSCOPED}, or {SCOPED}"));
            findings.push(Finding::new(&rules::RLS401, &relation.name, why, remedy));
        }
    }
}

/// The tables that no entity claims, neither directly nor through a parent, and that are neither an
/// extension's, the migrator's, the audit's nor that of signing keys.
fn undecided<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (Oid, &'a Relation)> {
    let registered: BTreeSet<Oid> = case
        .tables
        .iter()
        .filter_map(|table| Some(table.actual?.0))
        .collect();

    let is_undecided = move |oid: Oid, relation: &Relation| {
        let is_own = relation.name.table.as_str() == case.migrations
            || relation.name.table.as_str() == signed_context::KEYS
            || case.facts.audits.contains(&oid);
        let is_claimed = registered.contains(&oid)
            || case
                .facts
                .inheritance
                .ancestors(oid)
                .iter()
                .any(|parent| registered.contains(parent));

        matches!(relation.kind, Kind::Table | Kind::Foreign)
            && !relation.of_extension
            && !is_own
            && !is_claimed
    };

    case.facts
        .relations
        .iter()
        .map(|(oid, relation)| (*oid, relation))
        .filter(move |(oid, relation)| is_undecided(*oid, relation))
}
