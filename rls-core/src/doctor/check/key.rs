use crate::doctor::case::{Case, Table};
use crate::doctor::facts::Oid;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;

/// What constraints and indexes, which see every row, tell or do across holders.
pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for index in &case.facts.indexes {
        let Some((_, table)) = case.scoped_table(index.relation) else {
            continue;
        };
        let columns: Vec<&Identifier> = index.columns.iter().flatten().collect();

        if index.unique
            && !columns.iter().any(|column| holds(table, column))
            && is_natural(case, index.relation, &index.columns)
        {
            let why =
                "an insert that clashes with a hidden row fails, which tells that the row is there";
            let remedy = Remedy::words(
                "let the holder's column lead the key, or allow it if that may be known",
            );
            found.push(Finding::new(&rules::RLS208, &index.name, why, remedy));
        }

        let leads_with_holder = columns.first().is_some_and(|column| holds(table, column));

        if !index.leakproof && !leads_with_holder {
            let why = "its operators are not leakproof, so policies are asked first, and a query \
                       reads all of one's rows";
            let remedy = Remedy::words(
                "let the holder's column lead the index (`btree_gin`, `btree_gist`), or filter by \
                 it",
            );
            found.push(Finding::new(&rules::RLS210, &index.name, why, remedy));
        }
    }

    for key in case
        .facts
        .foreign_keys
        .iter()
        .filter(|key| key.enforced && !key.acts.is_empty())
    {
        let (Some((relation, table)), Some((parent, _))) = (
            case.scoped_table(key.relation),
            case.scoped_table(key.parent),
        ) else {
            continue;
        };

        if key.columns.iter().any(|column| holds(table, column)) {
            continue;
        }

        let why = format!(
            "{} on `{}`: who writes a row there changes rows here that are another's",
            key.acts.join(", "),
            parent.name
        );

        let remedy = Remedy::words(
            "put the holder's column into the key on both sides, or let it refuse (`NO ACTION`)",
        );

        found.push(Finding::new(
            &rules::RLS209,
            format!("{}.{}", relation.name, key.name),
            why,
            remedy,
        ));
    }
}

/// Whether a column says whose a row is.
fn holds(table: &Table<'_>, column: &Identifier) -> bool {
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

/// Whether a key is of values that people choose; of random and counted ones there is nothing to
/// guess.
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
