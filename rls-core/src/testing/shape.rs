//! The rows that a table can have, as plain data: a user's own, another's, and those that belong to
//! both in part.

use crate::model::key::Holder;
use crate::model::scope::{Key, Scope, ScopeKind, Through};
use crate::name::{Identifier, TableName};

use super::schema::Schema;

/// The users for whom rows are made. The third has none until it inserts its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    First,
    Second,
    Third,
}

/// What ties a row to someone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tie {
    /// A key column names the subject.
    Key(Subject),
    /// A reference leads to a row with these ties.
    Row(Ties),
}

/// The ties of one row: the scope's keys, then its references.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ties {
    /// The user for whom the row is made. It decides if there are no ties.
    pub(super) subject: Subject,
    pub(super) ties: Vec<Tie>,
}

impl Ties {
    /// Whether every tie leads to `subject`.
    pub(super) fn are(&self, subject: Subject) -> bool {
        self.subject == subject && self.ties.iter().all(|tie| tie.is(subject))
    }
}

impl Tie {
    pub(super) fn is(&self, subject: Subject) -> bool {
        match self {
            Self::Key(other) => *other == subject,
            Self::Row(ties) => ties.are(subject),
        }
    }
}

/// A column by which a row belongs to someone.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor<'a> {
    Key(&'a Key),
    Through(&'a Through),
}

impl<'a> Anchor<'a> {
    pub(super) fn of(scope: &'a Scope) -> Vec<Self> {
        scope
            .keys
            .iter()
            .map(Self::Key)
            .chain(scope.through.iter().map(Self::Through))
            .collect()
    }

    pub(super) fn column(self) -> &'a Identifier {
        match self {
            Self::Key(key) => &key.column,
            Self::Through(through) => &through.column,
        }
    }

    pub(super) fn holder(self) -> Holder {
        match self {
            Self::Key(key) => key.holder,
            Self::Through(through) => through.holder,
        }
    }

    pub(super) fn is_identity(self) -> bool {
        matches!(
            self,
            Self::Key(Key {
                kind: ScopeKind::Identity,
                ..
            })
        )
    }
}

/// All scopes, by their tables' full names.
#[derive(Clone, Debug)]
pub(super) struct Scopes(Vec<Scope>);

impl Scopes {
    pub(super) fn new(scopes: &[Scope], schema: &Identifier) -> Self {
        let qualified = |scope: &Scope| {
            let mut scope = scope.clone();
            scope.table = scope.table.or_in(schema);
            for through in &mut scope.through {
                through.parent = through.parent.or_in(schema);
            }

            for bound in &mut scope.bound {
                bound.parent = bound.parent.or_in(schema);
            }

            scope
        };

        Self(scopes.iter().map(qualified).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The tables of which row-level security hides rows from the login that makes them.
    pub(super) fn hidden(&self, schema: &Schema) -> Vec<TableName> {
        let tables = schema.tables.iter();
        let hidden = tables.filter(|(name, table)| table.hidden && self.get(name).is_some());
        hidden.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn get(&self, table: &TableName) -> Option<&Scope> {
        self.0.iter().find(|scope| scope.table == *table)
    }

    /// Every tie leads to `subject`.
    pub(super) fn uniform(&self, table: &TableName, subject: Subject) -> Ties {
        let ties = self
            .get(table)
            .map(Anchor::of)
            .unwrap_or_default()
            .into_iter()
            .map(|anchor| match anchor {
                Anchor::Key(_) => Tie::Key(subject),
                Anchor::Through(through) => Tie::Row(self.uniform(&through.parent, subject)),
            });

        Ties {
            subject,
            ties: ties.collect(),
        }
    }

    /// The combinations of ties for which a table's rows are made: all of one user, all of the
    /// other, and all of one user except for one tie. Only the last show a policy that forgets one
    /// of several ties.
    pub(super) fn ties(&self, scope: &Scope) -> Vec<Ties> {
        let mut made = vec![
            self.uniform(&scope.table, Subject::First),
            self.uniform(&scope.table, Subject::Second),
        ];

        let anchors = Anchor::of(scope);

        for (base, other) in [
            (Subject::First, Subject::Second),
            (Subject::Second, Subject::First),
        ] {
            for anchor in &anchors {
                let foreign: Vec<Tie> = match anchor {
                    Anchor::Key(_) => vec![Tie::Key(other)],
                    Anchor::Through(through) => {
                        let parent = self
                            .get(&through.parent)
                            .map(|parent| self.ties(parent))
                            .unwrap_or_default();

                        parent
                            .into_iter()
                            .filter(|ties| !ties.are(base))
                            .map(Tie::Row)
                            .collect()
                    }
                };

                for tie in foreign {
                    let mut ties = self.uniform(&scope.table, base);

                    // A column leads to one row, however many of the ties go through it.
                    for (of, tied) in anchors.iter().zip(&mut ties.ties) {
                        if of.column() == anchor.column() {
                            tied.clone_from(&tie);
                        }
                    }

                    if made.iter().all(|known| known.ties != ties.ties) {
                        made.push(ties);
                    }
                }
            }
        }

        made
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::model::expression::Expression;
    use crate::model::key::KeyType;
    use crate::name::SettingName;

    fn name(name: &str) -> Identifier {
        Identifier::new(name).unwrap()
    }

    fn key(holder: Holder, column: &str) -> Key {
        let setting = SettingName::new(&format!("app.{column}")).unwrap();
        Key {
            holder,
            column: name(column),
            key: KeyType::Uuid,
            setting,
            kind: ScopeKind::Identity,
        }
    }

    fn scope(table: &str, keys: Vec<Key>, through: Vec<Through>) -> Scope {
        Scope {
            table: TableName {
                schema: None,
                table: name(table),
            },
            keys,
            through,
            bound: Vec::new(),
            shared: BTreeMap::new(),
            soft_delete: None,
            privileges: BTreeSet::new(),
            admin: BTreeSet::new(),
            columns: BTreeMap::new(),
            admin_columns: BTreeMap::new(),
            policies: Vec::new(),
            unscoped: None,
            distribution: None,
        }
    }

    #[test]
    fn rows_are_ones_own_in_every_part_or_foreign_in_one() {
        let through = Through {
            holder: Holder::User,
            column: name("project_id"),
            parent: TableName {
                schema: None,
                table: name("project"),
            },
            parent_column: name("id"),
            unique: true,
            holds: Expression::True,
        };

        let both = [Holder::User, Holder::Tenant].map(|holder| Through {
            holder,
            ..through.clone()
        });

        let scopes = [
            scope(
                "project",
                vec![
                    key(Holder::Tenant, "tenant_id"),
                    key(Holder::User, "owner_id"),
                ],
                Vec::new(),
            ),
            scope("step", Vec::new(), vec![through]),
            scope("task", vec![key(Holder::User, "owner_id")], Vec::new()),
            scope("page", Vec::new(), both.to_vec()),
        ];

        let scopes = Scopes::new(&scopes, &name("public"));
        let ties = |at: usize| scopes.ties(scopes.iter().nth(at).unwrap());
        let keys: Vec<Vec<Tie>> = ties(0).into_iter().map(|ties| ties.ties).collect();
        let (first, second) = (|| Tie::Key(Subject::First), || Tie::Key(Subject::Second));
        let expected = [
            vec![first(), first()],
            vec![second(), second()],
            vec![second(), first()],
            vec![first(), second()],
        ];

        assert_eq!(keys, expected);
        assert_eq!(ties(1).len(), 4, "through each of those");
        assert_eq!(ties(2).len(), 2);
        // FAULTS A3.
        assert_eq!(ties(3).len(), 4, "one column leads to one of those");

        for at in 0..4 {
            let own = ties(at)
                .into_iter()
                .filter(|ties| ties.are(Subject::First))
                .count();
            assert_eq!(own, 1, "the others are another's at least in part");
        }
    }
}
