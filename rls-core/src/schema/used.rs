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
        let suffix = if desired.only.is_some() {
            "only_idx"
        } else {
            "idx"
        };

        let mut changes = Vec::new();
        let usual = joined(&desired.columns, suffix);
        let name = self.index(table, &usual, &mut changes);

        changes.push(IndexChange::Create {
            name,
            columns: desired.columns.clone(),
            only: desired.only.clone(),
        });
        changes
    }

    /// The changes that make a unique index, under its usual name, or with a number behind it.
    pub(crate) fn create_unique(
        &mut self,
        table: &TableName,
        columns: Vec<Identifier>,
    ) -> Vec<IndexChange> {
        let mut changes = Vec::new();
        let name = self.index(table, &joined(&columns, "key"), &mut changes);
        changes.push(IndexChange::CreateUnique { name, columns });
        changes
    }

    /// A name for an index. An invalid index that has it is dropped before.
    fn index(
        &mut self,
        table: &TableName,
        usual: &str,
        changes: &mut Vec<IndexChange>,
    ) -> Identifier {
        free(&table.table, usual, |name| {
            if self.invalid.remove(&(table.clone(), name.clone())) {
                changes.push(IndexChange::DropInvalid { name: name.clone() });
                return true;
            }

            self.relations.insert(TableName {
                schema: table.schema.clone(),
                table: name.clone(),
            })
        })
    }

    /// The name of a new foreign key of columns: the usual one, or with a number behind it.
    pub(crate) fn foreign_key(&mut self, table: &TableName, columns: &[Identifier]) -> Identifier {
        free(&table.table, &joined(columns, "fkey"), |name| {
            self.constraints.insert((table.clone(), name.clone()))
        })
    }
}

/// The columns and the suffix of a usual name.
pub(crate) fn joined(columns: &[Identifier], suffix: &str) -> String {
    let words = columns.iter().map(Identifier::as_str);
    words.chain([suffix]).collect::<Vec<_>>().join("_")
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
