//! Whose rows a table can have, as plain data: one's own, another's, and those that are one's own in part.

use crate::name::{Identifier, TableName};
use crate::scope::{Holder, Key, Scope, ScopeKind, Through};

/// For whom rows are made; the third has none, until it inserts its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Party {
    First,
    Second,
    Third,
}

/// What ties a row to someone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Tie {
    /// A key column names the party.
    Key(Party),
    /// A reference leads to a row with these ties.
    Row(Ties),
}

/// The ties of one row: a scope's keys, then what it goes through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ties {
    /// For whom the row is made, which decides where there are no ties.
    pub(super) party: Party,
    pub(super) ties: Vec<Tie>,
}

impl Ties {
    /// Whether every tie leads to `party`.
    pub(super) fn are(&self, party: Party) -> bool {
        self.party == party && self.ties.iter().all(|tie| tie.is(party))
    }
}

impl Tie {
    pub(super) fn is(&self, party: Party) -> bool {
        match self {
            Self::Key(other) => *other == party,
            Self::Row(ties) => ties.are(party),
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
        scope.keys.iter().map(Self::Key).chain(scope.through.iter().map(Self::Through)).collect()
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
        matches!(self, Self::Key(Key { kind: ScopeKind::Identity, .. }))
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
            scope
        };
        Self(scopes.iter().map(qualified).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    pub(super) fn get(&self, table: &TableName) -> Option<&Scope> {
        self.0.iter().find(|scope| scope.table == *table)
    }

    /// Every tie leads to `party`.
    pub(super) fn uniform(&self, table: &TableName, party: Party) -> Ties {
        let ties = self.get(table).map(Anchor::of).unwrap_or_default().into_iter().map(|anchor| match anchor {
            Anchor::Key(_) => Tie::Key(party),
            Anchor::Through(through) => Tie::Row(self.uniform(&through.parent, party)),
        });
        Ties { party, ties: ties.collect() }
    }

    /// The ties that a table's rows are made with: all of the one, all of the other, and for each tie all of the one
    /// but for it, since a policy that forgets one tie of several shows only there.
    pub(super) fn ties(&self, scope: &Scope) -> Vec<Ties> {
        let mut made = vec![self.uniform(&scope.table, Party::First), self.uniform(&scope.table, Party::Second)];
        for (base, other) in [(Party::First, Party::Second), (Party::Second, Party::First)] {
            for (at, anchor) in Anchor::of(scope).into_iter().enumerate() {
                let foreign: Vec<Tie> = match anchor {
                    Anchor::Key(_) => vec![Tie::Key(other)],
                    Anchor::Through(through) => {
                        let parent = self.get(&through.parent).map(|parent| self.ties(parent)).unwrap_or_default();
                        parent.into_iter().filter(|ties| !ties.are(base)).map(Tie::Row).collect()
                    }
                };
                for tie in foreign {
                    let mut ties = self.uniform(&scope.table, base);
                    ties.ties[at] = tie;
                    // With a single tie this is the other's.
                    if ties.ties.iter().all(|tie| tie.is(other)) {
                        ties.party = other;
                    }
                    if !made.contains(&ties) {
                        made.push(ties);
                    }
                }
            }
        }
        made
    }
}
