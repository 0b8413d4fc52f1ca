//! What constraints and indexes, which see every row, reveal or do across owners.

use crate::doctor::case::{Case, Table};
use crate::doctor::facts::{ForeignKeyFact, IndexFact, Oid};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for index in &case.facts.indexes {
        if let Some((_, table)) = case.scoped_table(index.relation) {
            indexes(case, table, index, findings);
        }
    }

    let acting = |key: &&ForeignKeyFact| key.enforced && !key.inherited && !key.acts.is_empty();
    for key in case.facts.foreign_keys.iter().filter(acting) {
        findings.extend(foreign_key(case, key));
    }
}

fn indexes(case: &Case<'_>, table: &Table<'_>, index: &IndexFact, findings: &mut Vec<Finding>) {
    let columns: Vec<&Identifier> = index.columns.iter().flatten().collect();

    if index.unique
        && !columns.iter().any(|column| names_owner(table, column))
        && is_natural(case, index.relation, &index.columns)
    {
        let why = "an insert that clashes with a hidden row fails, which reveals that row";
        let remedy = Remedy::words(
            "let the owner column lead the key, or allow the finding if the row may be known",
        );
        findings.push(Finding::new(&rules::RLS208, &index.name, why, remedy));
    }

    let leads_with_owner = columns
        .first()
        .is_some_and(|column| names_owner(table, column));

    // A condition on an expression calls its functions, of which hardly one is leakproof.
    let leads_with_expression = matches!(index.columns.first(), Some(None));

    if (!index.leakproof || leads_with_expression) && !leads_with_owner {
        let why = if leads_with_expression {
            "a condition on an expression is not leakproof, so policies are checked first, and a \
             query reads all rows of the user"
        } else {
            "its operators are not leakproof, so policies are checked first, and a query reads all \
             rows of the user"
        };
        let remedy = Remedy::words(
            "let the owner column lead the index (`btree_gin`, `btree_gist`), or filter by it",
        );
        findings.push(Finding::new(&rules::RLS210, &index.name, why, remedy));
    } else if index.patterns {
        let why = "`LIKE`, which SeaORM's `starts_with()` writes, is not leakproof, so policies are \
                   checked first, and the index is not used for it";
        let remedy =
            Remedy::words("write `column ^@ $1` or `starts_with(column, $1)`, which use the index");
        findings.push(Finding::new(&rules::RLS210, &index.name, why, remedy));
    }
}

fn foreign_key(case: &Case<'_>, key: &ForeignKeyFact) -> Option<Finding> {
    let (relation, table) = case.scoped_table(key.relation)?;
    let (parent, _) = case.scoped_table(key.parent)?;
    if key.columns.iter().any(|column| names_owner(table, column)) {
        return None;
    }

    let why = format!(
        "{} on `{}`: a user who changes a row there also changes rows here that belong to others",
        key.acts.join(", "),
        parent.name
    );

    let remedy = Remedy::words(
        "add the owner column to the key on both sides, or let the key refuse (`NO ACTION`)",
    );

    Some(Finding::new(
        &rules::RLS209,
        format!("{}.{}", relation.name, key.name),
        why,
        remedy,
    ))
}

/// Whether a column says to whom a row belongs.
fn names_owner(table: &Table<'_>, column: &Identifier) -> bool {
    table
        .scope
        .keys
        .iter()
        .any(|key| key.column == *column && key.owned().is_some())
        || table
            .scope
            .through
            .iter()
            .any(|through| through.column == *column)
}

/// Whether people choose the key's values. Random and counted values cannot be guessed.
fn is_natural(case: &Case<'_>, relation: Oid, columns: &[Option<Identifier>]) -> bool {
    columns.iter().all(|column| {
        let Some(column) = column
            .as_ref()
            .and_then(|column| case.column(relation, column))
        else {
            return true;
        };
        column.sql_type != "uuid" && !column.serial
    })
}
