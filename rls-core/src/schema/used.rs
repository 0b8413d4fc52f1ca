//! The names that are in use, and free ones for what is to be created.

use std::collections::BTreeSet;

use crate::name::{Identifier, TableName};
use crate::schema::plan::IndexChange;
use crate::schema::table::DesiredIndex;

/// The names in the schemas of the registered tables that nothing new can have.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsedNames {
    /// Tables, indexes, sequences, views: all have their names from one set a schema.
    pub(crate) relations: BTreeSet<TableName>,
    /// The constraints of each table.
    pub(crate) constraints: BTreeSet<(TableName, Identifier)>,
    /// Of the relations, the invalid indexes, each with its table.
    pub(crate) invalid: BTreeSet<(TableName, Identifier)>,
}

impl UsedNames {
    /// The changes that make an index, under its usual name, or with a number behind it if something
    /// else has that name. The name is in use then.
    pub(crate) fn create_index(
        &mut self,
        table: &TableName,
        desired: &DesiredIndex,
    ) -> Vec<IndexChange> {
        let words: Vec<&str> = desired.columns.iter().map(Identifier::as_str).collect();
        let suffix = if desired.only.is_some() {
            "only_idx"
        } else {
            "idx"
        };

        let usual = format!("{}_{suffix}", words.join("_"));
        let mut changes = Vec::new();
        let name = free(&table.table, &usual, |name| {
            if self.invalid.remove(&(table.clone(), name.clone())) {
                changes.push(IndexChange::DropInvalid { name: name.clone() });
                return true;
            }

            self.relations.insert(TableName {
                schema: table.schema.clone(),
                table: name.clone(),
            })
        });

        changes.push(IndexChange::Create {
            name,
            columns: desired.columns.clone(),
            only: desired.only.clone(),
        });
        changes
    }

    /// The name of a new foreign key of a column: the usual one, or with a number behind it.
    pub(crate) fn foreign_key(&mut self, table: &TableName, column: &Identifier) -> Identifier {
        free(&table.table, &format!("{column}_fkey"), |name| {
            self.constraints.insert((table.clone(), name.clone()))
        })
    }
}

/// The first name that `take` takes, as the server counts them too.
fn free(table: &Identifier, usual: &str, mut take: impl FnMut(&Identifier) -> bool) -> Identifier {
    let mut name = Identifier::joined(table, usual);
    let mut number = 0_u32;
    while !take(&name) {
        number += 1;
        name = Identifier::joined(table, &format!("{usual}{number}"));
    }

    name
}
