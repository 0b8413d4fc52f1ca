//! What constraints and indexes, which see every row, reveal or do across owners.

use std::collections::BTreeMap;

use crate::doctor::case::{Case, Table};
use crate::doctor::expression::names;
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

    let checked = |key: &&ForeignKeyFact| key.enforced && !key.inherited;
    for key in case.facts.foreign_keys.iter().filter(checked) {
        let acting = (!key.acts.is_empty()).then(|| foreign_key(case, key));
        findings.extend(acting.flatten().or_else(|| unbound(case, key)));
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
        "bind the reference (`bind = \"…\"`), which adds the owner column to the key on both sides, or \
         let the key refuse (`NO ACTION`)",
    );

    Some(Finding::new(
        &rules::RLS209,
        format!("{}.{}", relation.name, key.name),
        why,
        remedy,
    ))
}

/// A key that leads to any row of a table whose rows belong to someone.
fn unbound(case: &Case<'_>, key: &ForeignKeyFact) -> Option<Finding> {
    let (relation, table) = case.scoped_table(key.relation)?;
    let (parent, parent_table) = case.scoped_table(key.parent)?;

    // Of a key to the users or tenants, RLS211 speaks. Through the others, the row belongs to someone.
    let is_identity = |table: &Table<'_>| table.scope.keys.iter().any(|it| it.owned().is_none());
    let mut through = table.scope.through.iter();
    if is_identity(parent_table) || through.any(|it| key.columns.contains(&it.column)) {
        return None;
    }

    let declared = table.scope.bound.iter().find(|bound| {
        bound.parent.found_in(&case.facts.server.schemas) == parent.name
            && key.columns.contains(&bound.column)
    });
    let by_key = declared.filter(|bound| !bound.key().is_empty());
    let reports_plan = by_key.is_some() && case.plan.is_some();

    if has_owner(table, parent_table, key) || reports_plan || is_checked(case, key) {
        return None;
    }

    let why = format!(
        "keys see every row: a user who writes a row here can let it refer to a row of another in `{}`, \
         which learns that it exists, and may keep it from being deleted",
        parent.name
    );
    let remedy = match declared {
        Some(_) => Remedy::Migrate,
        None => Remedy::words(
            "bind the reference (`#[user_scoped(bind = \"…\")]` or `#[tenant_scoped(…)]`, with the \
             relation's name), or allow the finding if it may lead to rows of others",
        ),
    };

    Some(Finding::new(
        &rules::RLS115,
        format!("{}.{}", relation.name, key.name),
        why,
        remedy,
    ))
}

/// Whether the columns that name the owners of both rows are in the key.
fn has_owner(table: &Table<'_>, parent: &Table<'_>, key: &ForeignKeyFact) -> bool {
    let pairs = || key.columns.iter().zip(&key.parent_columns);

    !parent.scope.keys.is_empty()
        && parent.scope.through.is_empty()
        && parent.scope.keys.iter().all(|of| {
            let mut own = table
                .scope
                .keys
                .iter()
                .filter(|own| own.holder == of.holder);
            own.any(|own| pairs().any(|pair| pair == (&own.column, &of.column)))
        })
}

/// Whether a policy looks at the reference of a row that is written.
fn is_checked(case: &Case<'_>, key: &ForeignKeyFact) -> bool {
    let policies = case.facts.policies.get(&key.relation);
    let mut written = policies
        .into_iter()
        .flat_map(BTreeMap::values)
        .filter_map(|actual| actual.policy.with_check());

    written.any(|check| {
        let mut columns = key.columns.iter();
        columns.any(|column| names(check.as_str(), column))
    })
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
