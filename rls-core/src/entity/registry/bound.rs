//! What binds a reference to the owner of its row: a foreign key, or a policy.

use super::tables::{Declared, Tables};
use crate::entity::DeclarationError;
use crate::entity::raw::{RawReference, RawTable};
use crate::model::expression::Expression;
use crate::model::scope::{Bound, BoundBy, Key, Scope};
use crate::name::{Identifier, NameError};

impl Tables<'_> {
    /// The bound references of a table, in the order in which they are declared.
    pub(super) fn bound(
        &self,
        declared: &Declared<'_>,
        scope: &Scope,
        scopes: &[Scope],
    ) -> Result<Vec<Bound>, DeclarationError> {
        let mut bound: Vec<Bound> = Vec::new();
        for reference in declared.scopes.iter().flat_map(|part| &part.bound) {
            let found = self.reference(declared.raw, reference, scope, scopes)?;
            if !bound.contains(&found) {
                bound.push(found);
            }
        }

        Ok(bound)
    }

    fn reference(
        &self,
        raw: &RawTable,
        reference: &RawReference,
        scope: &Scope,
        scopes: &[Scope],
    ) -> Result<Bound, DeclarationError> {
        let (table, relation) = (raw.to_string(), reference.relation.clone());
        let named = |source: NameError| DeclarationError::Name {
            table: raw.to_string(),
            source,
        };

        let Some((column, parent, parent_column)) = &reference.found else {
            return Err(DeclarationError::Bind {
                table,
                relation,
                known: reference.known.clone(),
            });
        };
        let (column, parent_column) = (
            Identifier::new(column.clone()).map_err(named)?,
            Identifier::new(parent_column.clone()).map_err(named)?,
        );

        let unbindable = |reason| DeclarationError::Unbindable {
            table: raw.to_string(),
            relation: reference.relation.clone(),
            parent: parent.to_string(),
            reason,
        };

        if is_anchor(scope, &column) {
            return Err(unbindable("the column itself says whose the row is"));
        }

        let found = self.get(parent);
        let parent_scope = found.and_then(|(name, _)| scopes.iter().find(|it| it.table == *name));
        let (Some((_, parent_declared)), Some(parent_scope)) = (found, parent_scope) else {
            return Err(unbindable("no entity is registered for that table"));
        };

        if parent_scope.unscoped.is_some() {
            return Err(unbindable("its rows belong to nobody"));
        }

        if parent_scope.keys.iter().any(|key| key.owned().is_none()) {
            return Err(unbindable(
                "its rows are the users or tenants: if the column says whose a row is, name it by \
                 `owner` (`column` for tenants)",
            ));
        }

        let by = match owners(scope, parent_scope) {
            Some(owners) if is_primary(parent_declared.primary_key, &parent_column, &owners) => {
                BoundBy::Key(owners)
            }
            _ => BoundBy::Policy(readable(parent_scope)),
        };

        if matches!(by, BoundBy::Policy(_)) && scope.distribution.is_some() {
            return Err(unbindable(
                "only a policy with a sub-select could bind it, and Citus takes none on a table \
                 that says `distribute`: let the rows of both belong to the same users or tenants by \
                 columns, and make the other's primary key of that column and the one it leads to",
            ));
        }

        if matches!(by, BoundBy::Policy(_)) && parent_scope.table == scope.table {
            return Err(unbindable(
                "a policy would have to read its own table: only a table whose rows belong to \
                 users or tenants by columns, without `read` and policies of its own, can bind a \
                 reference to itself",
            ));
        }

        Ok(Bound {
            column,
            parent: parent_scope.table.clone(),
            parent_column,
            by,
        })
    }
}

/// Whether a column says to whom a row belongs.
fn is_anchor(scope: &Scope, column: &Identifier) -> bool {
    let mut keys = scope.keys.iter().map(|key| &key.column);
    let mut through = scope.through.iter().map(|through| &through.column);
    keys.any(|key| key == column) || through.any(|through| through == column)
}

/// Whether a primary key is the column that a reference leads to, alone or beside columns that name
/// the owners, as Citus needs them in each key of a table that it distributes.
fn is_primary(
    primary_key: &[String],
    column: &Identifier,
    owners: &[(Identifier, Identifier)],
) -> bool {
    let is_owner = |part: &str| owners.iter().any(|(_, owner)| owner.as_str() == part);
    let mut parts = primary_key.iter().map(String::as_str);

    primary_key.iter().any(|part| part == column.as_str())
        && parts.all(|part| part == column.as_str() || is_owner(part))
}

/// The columns that name the owners of both rows, each with the parent's. `None` if a key with them
/// would bind too little, since the parent's rows do not belong to someone by columns alone, or too
/// much, since others may read some of them.
fn owners(child: &Scope, parent: &Scope) -> Option<Vec<(Identifier, Identifier)>> {
    let by_columns_alone = !parent.keys.is_empty()
        && parent.through.is_empty()
        && parent.shared.is_empty()
        && parent.policies.is_empty();
    if !by_columns_alone {
        return None;
    }

    let owner = |key: &Key| {
        let names_the_same = |own: &&Key| {
            own.holder == key.holder && own.setting == key.setting && own.key == key.key
        };
        let own = child.keys.iter().find(names_the_same)?;
        Some((own.column.clone(), key.column.clone()))
    };

    parent.keys.iter().map(owner).collect()
}

/// The condition on a row that may be referred to. If the table has policies of its own, they alone
/// tell: the server applies them to the subquery that looks for the row.
fn readable(parent: &Scope) -> Expression {
    match parent.visible() {
        Some(visible) if parent.policies.is_empty() => visible,
        _ => Expression::True,
    }
}
