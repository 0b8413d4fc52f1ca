use crate::doctor::case::{Case, Table};
use crate::doctor::facts::{ForeignKeyFact, IndexFact, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::key::KeyType;
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, IndexChange, TableChange};
use crate::schema::table::DesiredColumn;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for (oid, relation, registered) in case.scoped() {
        for asked in &registered.desired.columns {
            column(case, (oid, relation), asked, found);
            foreign_key(case, (oid, relation), asked, found);
        }

        references(case, (oid, relation), registered, found);
        indexes(case, (oid, relation), registered, found);
    }

    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        if let Change::Table(table, TableChange::Column(column, ColumnChange::SetDefault { .. })) =
            change
            && *table != case.audit().0
        {
            let object = format!("{table}.{column}");
            let why =
                "a row that is inserted without an owner gets none, or another's, and is refused";

            found.push(Finding::new(
                &rules::RLS206,
                object,
                why,
                Remedy::Sql(change.sql()),
            ));
        }
    }
}

fn column(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    asked: &DesiredColumn,
    found: &mut Vec<Finding>,
) {
    let object = format!("{}.{}", relation.name, asked.name);
    let Some(column) = case.column(oid, &asked.name) else {
        let why = "no policy can tell whose a row is";
        found.push(Finding::new(&rules::RLS201, object, why, Remedy::Migrate));
        return;
    };

    if !column.not_null || column.unproven.is_some() {
        let why = "a row without an owner is nobody's: no user sees it, and none can mend it";
        let set = ColumnChange::SetNotNull {
            backfill: None,
            unproven: column.unproven.clone(),
        };
        let set = Change::on(
            relation.name.clone(),
            TableChange::Column(asked.name.clone(), set),
        );

        found.push(Finding::new(
            &rules::RLS202,
            &object,
            why,
            Remedy::Sql(set.sql()),
        ));
    }

    if asked.key == KeyType::Text && !column.deterministic {
        found.push(equals(object));
    }
}

/// Either side of a reference by which rows belong to someone; parents are registered, or not.
fn references(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    registered: &Table<'_>,
    found: &mut Vec<Finding>,
) {
    for through in &registered.scope.through {
        let parent = through.parent.found_in(&case.facts.server.schemas);
        let parent = case
            .facts
            .relations
            .iter()
            .find(|(_, relation)| relation.name == parent);

        let sides = [
            Some((oid, relation, &through.column)),
            parent.map(|(oid, it)| (*oid, it, &through.parent_column)),
        ];

        for (oid, relation, column) in sides.into_iter().flatten() {
            let object = format!("{}.{column}", relation.name);
            let is_loose = case
                .column(oid, column)
                .is_some_and(|column| !column.deterministic);

            if is_loose
                && !found
                    .iter()
                    .any(|found| found.rule == &rules::RLS207 && found.object == object)
            {
                found.push(equals(object));
            }
        }
    }
}

fn equals(object: String) -> Finding {
    let why = "its collation takes different texts for equal, so one holder's key may be another's";
    let remedy = Remedy::words("give the column a deterministic collation, as `COLLATE \"C\"`");
    Finding::new(&rules::RLS207, object, why, remedy)
}

fn foreign_key(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    asked: &DesiredColumn,
    found: &mut Vec<Finding>,
) {
    let Some(wanted) = &asked.foreign_key else {
        return;
    };
    let leads_there = |key: &&ForeignKeyFact| {
        key.relation == oid
            && key.columns == [asked.name.clone()]
            && key.parent_columns == [wanted.column.clone()]
            && case
                .facts
                .relations
                .get(&key.parent)
                .is_some_and(|parent| parent.name == wanted.table)
    };

    let (enforced, idle): (Vec<_>, Vec<_>) = case
        .facts
        .foreign_keys
        .iter()
        .filter(leads_there)
        .partition(|key| key.enforced);

    if enforced.is_empty() {
        let add = ForeignKeyChange::Add {
            column: asked.name.clone(),
            foreign_key: wanted.clone(),
        };
        let add = Change::on(relation.name.clone(), add);

        let why = format!(
            "rows of a holder that is gone from `{}` stay, and belong to who gets that key next",
            wanted.table
        );

        let object = format!("{}.{}", relation.name, asked.name);

        // One that is not enforced may have the name.
        let drop = |key: &ForeignKeyFact| {
            format!(
                "ALTER TABLE {} DROP CONSTRAINT {}",
                table(&relation.name),
                identifier(&key.name)
            )
        };

        let statements = idle.into_iter().map(drop).chain(add.sql()).collect();

        found.push(Finding::new(
            &rules::RLS204,
            object,
            why,
            Remedy::Sql(statements),
        ));
    }

    for key in enforced.into_iter().filter(|key| !key.validated) {
        let validate = format!(
            "ALTER TABLE {} VALIDATE CONSTRAINT {}",
            table(&relation.name),
            identifier(&key.name)
        );

        let why = "rows from before it was added may name holders that are not there";

        found.push(Finding::new(
            &rules::RLS205,
            format!("{}.{}", relation.name, key.name),
            why,
            Remedy::sql(validate),
        ));
    }
}

fn indexes(
    case: &Case<'_>,
    (oid, relation): (Oid, &Relation),
    registered: &Table<'_>,
    found: &mut Vec<Finding>,
) {
    for asked in &registered.desired.indexes {
        let of_table = || {
            case.facts
                .indexes
                .iter()
                .filter(|index| index.relation == oid)
        };

        let leads = |index: &&IndexFact| {
            index.columns.len() >= asked.columns.len()
                && index
                    .columns
                    .iter()
                    .zip(&asked.columns)
                    .all(|(found, asked)| found.as_ref() == Some(asked))
                && index.btree
                && index.only == asked.only
                && index.partial == asked.only.is_some()
        };

        let broken = of_table().find(|index| leads(index) && !index.valid);

        if !of_table().any(|index| leads(&index) && index.valid) {
            let create = IndexChange::Create {
                columns: asked.columns.clone(),
                only: asked.only.clone(),
            };
            let create = Change::on(relation.name.clone(), create);

            let columns: Vec<&str> = asked
                .columns
                .iter()
                .map(crate::name::Identifier::as_str)
                .collect();

            let why = "every read of one's own rows reads the whole table";
            let object = format!("{}.{}", relation.name, columns.join(","));

            // One that a failed `CREATE INDEX CONCURRENTLY` left holds the name.
            let remedy = match broken {
                Some(index) => Remedy::sql(format!("REINDEX INDEX {}", table(&index.name))),
                None => Remedy::Sql(create.sql()),
            };

            found.push(Finding::new(&rules::RLS203, object, why, remedy));
        }
    }
}
