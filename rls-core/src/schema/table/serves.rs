//! Whether an index or a foreign key serves what a registered table needs. The plan and the doctor
//! both ask here, so that neither reports what the other takes for present.

use std::collections::BTreeSet;

use super::{ActualForeignKey, ActualIndex, DesiredBound, DesiredIndex};
use crate::model::key::OnDelete;
use crate::model::scope::ForeignKey;
use crate::name::{Identifier, TableName};

/// An index in the catalog.
#[derive(Clone, Debug)]
pub(crate) struct Index<'a> {
    /// The key columns in order; `None` for an expression.
    pub(crate) columns: Vec<Option<&'a Identifier>>,
    /// The boolean column that its `WHERE` is.
    pub(crate) only: Option<&'a Identifier>,
    /// Whether it has a `WHERE`.
    pub(crate) partial: bool,
    pub(crate) btree: bool,
    /// False after a `CREATE INDEX CONCURRENTLY` that failed.
    pub(crate) valid: bool,
}

/// The catalog's reader keeps valid B-tree indexes alone, partial ones only over a boolean column.
impl<'a> From<&'a ActualIndex> for Index<'a> {
    fn from(index: &'a ActualIndex) -> Self {
        Self {
            columns: index.columns.iter().map(Some).collect(),
            only: index.only.as_ref(),
            partial: index.only.is_some(),
            btree: true,
            valid: true,
        }
    }
}

/// How an index serves a desired one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexFit {
    Serves,
    /// It would serve, and is not valid.
    Invalid,
    /// Its columns, rows or kind are others.
    Other,
}

/// A B-tree serves if it leads with the desired columns, over the desired rows.
pub(crate) fn index(desired: &DesiredIndex, actual: &Index<'_>) -> IndexFit {
    let leading = desired.columns.iter().map(Some);
    let leads = actual.columns.len() >= desired.columns.len()
        && leading
            .zip(&actual.columns)
            .all(|(desired, actual)| desired == *actual);

    let only = desired.only.as_ref();
    let same_rows = actual.only == only && actual.partial == only.is_some();

    match (leads && same_rows && actual.btree, actual.valid) {
        (true, true) => IndexFit::Serves,
        (true, false) => IndexFit::Invalid,
        (false, _) => IndexFit::Other,
    }
}

/// A foreign key in the catalog.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) columns: &'a [Identifier],
    pub(crate) table: &'a TableName,
    pub(crate) parent_columns: &'a [Identifier],
    /// `None` for an action that no entity can name (`SET NULL`, `SET DEFAULT`).
    pub(crate) on_delete: Option<OnDelete>,
    pub(crate) validated: bool,
    pub(crate) enforced: bool,
}

impl<'a> From<&'a ActualForeignKey> for Key<'a> {
    fn from(key: &'a ActualForeignKey) -> Self {
        Self {
            columns: &key.columns,
            table: &key.table,
            parent_columns: &key.parent_columns,
            on_delete: key.on_delete,
            validated: key.validated,
            enforced: key.enforced,
        }
    }
}

/// How a foreign key serves a desired one; later is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyFit {
    /// It refers from another column, or to another.
    Other,
    /// The server does not check it (`NOT ENFORCED`).
    NotEnforced,
    /// Its `ON DELETE` is another.
    OtherAction,
    /// Rows from before it may refer to nothing (`NOT VALID`).
    Unproven,
    Serves,
}

impl KeyFit {
    /// Whether it refers as desired, and must give way to one that serves.
    pub(crate) fn is_unfit(self) -> bool {
        matches!(self, Self::NotEnforced | Self::OtherAction)
    }
}

/// A key serves if it refers from the column as desired, with the desired action if the entity names
/// one.
pub(crate) fn key(column: &Identifier, desired: &ForeignKey, actual: &Key<'_>) -> KeyFit {
    let refers = actual.columns == std::slice::from_ref(column)
        && *actual.table == desired.table
        && actual.parent_columns == std::slice::from_ref(&desired.column);

    let action = desired.on_delete.is_none() || actual.on_delete == desired.on_delete;

    match actual {
        _ if !refers => KeyFit::Other,
        Key {
            enforced: false, ..
        } => KeyFit::NotEnforced,
        _ if !action => KeyFit::OtherAction,
        Key {
            validated: false, ..
        } => KeyFit::Unproven,
        _ => KeyFit::Serves,
    }
}

/// How a foreign key serves a reference that is to stay with its owner. What it does to rows on
/// deletion does not matter.
pub(crate) fn bound(desired: &DesiredBound, actual: &Key<'_>) -> KeyFit {
    let pairs: BTreeSet<_> = actual.columns.iter().zip(actual.parent_columns).collect();
    let refers = *actual.table == desired.parent
        && pairs
            == desired
                .columns
                .iter()
                .map(|(own, parent)| (own, parent))
                .collect();

    match actual {
        _ if !refers => KeyFit::Other,
        Key {
            enforced: false, ..
        } => KeyFit::NotEnforced,
        Key {
            validated: false, ..
        } => KeyFit::Unproven,
        _ => KeyFit::Serves,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Identifier {
        Identifier::new(name).unwrap()
    }

    #[test]
    fn index_serves_if_it_leads_with_the_columns_over_the_rows() {
        let (owner, title, shared) = (name("owner_id"), name("title"), name("shared"));
        let desired = DesiredIndex {
            columns: vec![owner.clone()],
            only: None,
        };

        let plain = Index {
            columns: vec![Some(&owner)],
            only: None,
            partial: false,
            btree: true,
            valid: true,
        };

        let with = |change: fn(&mut Index<'_>)| {
            let mut changed = plain.clone();
            change(&mut changed);
            index(&desired, &changed)
        };

        assert_eq!(with(|_| {}), IndexFit::Serves);
        assert_eq!(with(|index| index.columns.push(None)), IndexFit::Serves);
        assert_eq!(with(|index| index.columns.insert(0, None)), IndexFit::Other);
        assert_eq!(with(|index| index.columns.clear()), IndexFit::Other);
        assert_eq!(with(|index| index.valid = false), IndexFit::Invalid);
        assert_eq!(with(|index| index.btree = false), IndexFit::Other);
        assert_eq!(with(|index| index.partial = true), IndexFit::Other);

        let (mut longer, mut partial) = (plain.clone(), plain.clone());
        longer.columns = vec![Some(&title), Some(&owner)];
        (partial.only, partial.partial) = (Some(&shared), true);
        assert_eq!(index(&desired, &longer), IndexFit::Other);
        assert_eq!(index(&desired, &partial), IndexFit::Other);

        let desired = DesiredIndex {
            only: Some(shared.clone()),
            ..desired
        };
        assert_eq!(index(&desired, &partial), IndexFit::Serves);
        assert_eq!(index(&desired, &plain), IndexFit::Other);
    }

    #[test]
    fn key_serves_if_it_refers_as_desired_and_the_server_checks_it() {
        let (owner, id) = (name("owner_id"), name("id"));
        let (user, other) = (
            TableName {
                schema: None,
                table: name("user"),
            },
            TableName {
                schema: None,
                table: name("other"),
            },
        );

        let desired = |on_delete| ForeignKey {
            table: user.clone(),
            column: id.clone(),
            on_delete,
        };

        let (owners, ids) = ([owner.clone()], [id.clone()]);
        let actual = Key {
            columns: &owners,
            table: &user,
            parent_columns: &ids,
            on_delete: Some(OnDelete::Cascade),
            validated: true,
            enforced: true,
        };

        let any = |actual: Key<'_>| key(&owner, &desired(None), &actual);
        assert_eq!(any(actual), KeyFit::Serves);
        assert_eq!(
            any(Key {
                validated: false,
                ..actual
            }),
            KeyFit::Unproven
        );
        assert_eq!(
            any(Key {
                enforced: false,
                ..actual
            }),
            KeyFit::NotEnforced
        );
        let nulls = Key {
            on_delete: None,
            ..actual
        };
        assert_eq!(any(nulls), KeyFit::Serves);
        assert_eq!(
            key(&owner, &desired(Some(OnDelete::Cascade)), &nulls),
            KeyFit::OtherAction
        );
        for elsewhere in [
            Key {
                columns: &ids,
                ..actual
            },
            Key {
                table: &other,
                ..actual
            },
            Key {
                parent_columns: &owners,
                ..actual
            },
        ] {
            assert_eq!(any(elsewhere), KeyFit::Other);
        }

        let said = |action| key(&owner, &desired(Some(action)), &actual);
        assert_eq!(said(OnDelete::Cascade), KeyFit::Serves);
        assert_eq!(said(OnDelete::Restrict), KeyFit::OtherAction);
    }
}
