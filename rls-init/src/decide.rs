//! Who owns the rows of each entity, as far as the entities say it. Whatever they leave open is for
//! a person.

use crate::entity::{BelongsTo, Column, Declared, Entity};
use crate::error::InitError;

/// What is to be done with an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It says already who owns its rows, or why nobody does.
    Declared,
    /// Derives `UserScoped`, with these keys.
    Derive(String),
    /// A person decides: what is unclear, and what the answers are.
    Ask(String),
}

/// Owner columns, beside the name of the users' module with `_id`. A column with another name may be
/// about a user who does not own the row, such as `assignee_id`.
const OWNERS: [&str; 7] = [
    "owner_id",
    "user_id",
    "author_id",
    "account_id",
    "creator_id",
    "created_by",
    "created_by_id",
];

const USERS: [&str; 4] = ["user", "users", "account", "accounts"];

/// The decisions, in the order of the entities.
pub(crate) fn decide(entities: &[Entity], users: Option<&str>) -> Result<Vec<Decision>, InitError> {
    let Some(identity) = identity(entities, users)? else {
        let ask = |entity: &Entity| match entity.declared {
            Declared::Nothing => Decision::Ask(
                "which table is the users' is not clear: name it with `--users TABLE`".to_owned(),
            ),
            _ => Decision::Declared,
        };
        return Ok(entities.iter().map(ask).collect());
    };

    let mut known: Vec<Option<Decision>> = entities
        .iter()
        .map(|entity| (entity.declared != Declared::Nothing).then_some(Decision::Declared))
        .collect();

    // A child is decided after its parents, so each turn decides what the last one made known.
    loop {
        let deciding = Deciding {
            entities,
            identity,
            known: &known,
        };
        let found: Vec<_> = (0..entities.len())
            .filter(|&at| known[at].is_none())
            .filter_map(|at| Some((at, deciding.decision(&entities[at])?)))
            .collect();
        if found.is_empty() {
            break;
        }

        for (at, decision) in found {
            known[at] = Some(decision);
        }
    }

    let circle = || Decision::Ask("it belongs to itself through other tables".to_owned());
    Ok(known
        .into_iter()
        .map(|decision| decision.unwrap_or_else(circle))
        .collect())
}

/// The entity of the users: the declared one, the named one, or the only one with such a name.
pub(crate) fn identity<'a>(
    entities: &'a [Entity],
    users: Option<&str>,
) -> Result<Option<&'a Entity>, InitError> {
    let mut declared = entities
        .iter()
        .filter(|entity| entity.declared == Declared::Identity);
    if let Some(first) = declared.next() {
        return Ok(Some(first).filter(|_| declared.next().is_none()));
    }

    if let Some(table) = users {
        let named = entities.iter().find(|entity| entity.table == table);
        return named.map(Some).ok_or_else(|| InitError::NoUsers {
            table: table.to_owned(),
        });
    }

    let mut likely = entities
        .iter()
        .filter(|entity| USERS.contains(&entity.table.as_str()));
    Ok(likely.next().filter(|_| likely.next().is_none()))
}

struct Deciding<'a> {
    entities: &'a [Entity],
    identity: &'a Entity,
    known: &'a [Option<Decision>],
}

impl Deciding<'_> {
    /// `None` if a parent is to be decided first.
    fn decision(&self, entity: &Entity) -> Option<Decision> {
        if !entity.is_readable() {
            return Some(ask(
                "its entity and columns are written by hand: put the derive beside `DeriveModel`",
            ));
        }
        if std::ptr::eq(entity, self.identity) {
            return Some(users(entity));
        }

        let mut owners = entity
            .relations
            .iter()
            .filter(|relation| relation.target.as_ref() == Some(&self.identity.module));
        match (owners.next(), owners.next()) {
            (Some(owner), None) => Some(self.by_relation(entity, owner)),
            (Some(first), Some(second)) => {
                let (first, second) = (first.columns.join(", "), second.columns.join(", "));
                Some(Decision::Ask(format!(
                    "`{first}` and `{second}` both name a user: say who owns a row with \
                     `#[user_scoped(owner = \"…\")]`"
                )))
            }
            (None, _) => self.by_column(entity).or_else(|| self.by_parent(entity)),
        }
    }

    fn by_relation(&self, entity: &Entity, owner: &BelongsTo) -> Decision {
        let [name] = owner.columns.as_slice() else {
            return ask("it refers to the users by several columns, and an owner is one column");
        };
        let Some(column) = entity.column(name) else {
            return ask("its relation to the users names a column that the model does not have");
        };

        self.owned_by(entity, column)
    }

    /// A column of the key's type without a foreign key. Only the library's own name is clear enough.
    fn by_column(&self, entity: &Entity) -> Option<Decision> {
        let key = self.identity.key()?.of_type.as_str();
        let of_key = |column: &&Column| column.inside_option().unwrap_or(&column.of_type) == key;
        let mut named = OWNERS.iter().filter_map(|name| entity.column(name));
        let column = named.find(of_key)?;
        if column.name == "owner_id" {
            return Some(self.owned_by(entity, column));
        }

        Some(Decision::Ask(format!(
            "`{0}` may name the owner, but refers to no table: if it does, say \
             `#[user_scoped(owner = \"{0}\")]`, and the migration adds the foreign key",
            column.name
        )))
    }

    fn owned_by(&self, entity: &Entity, column: &Column) -> Decision {
        let name = &column.name;
        let of_users = format!("{}_id", self.identity.module);
        let key = self.identity.key().map(|key| key.of_type.as_str());

        if column.inside_option().is_some() {
            return Decision::Ask(format!(
                "`{name}` may be NULL, and a row has one owner: say who owns those rows, make the \
                 column NOT NULL and the field's type the key's, then say \
                 `#[user_scoped(owner = \"{name}\")]`"
            ));
        }
        if Some(column.of_type.as_str()) != key {
            return Decision::Ask(format!(
                "`{name}` has another type than the users' key, and cannot be the owner"
            ));
        }
        if column.is_key && entity.key().is_none() {
            return Decision::Ask(format!(
                "it looks like memberships: whoever may write one gives rights to a user. Say \
                 `#[user_scoped(owner = \"{name}\", grant(select))]` if administrators write them, or \
                 leave `grant` out if each user writes their own"
            ));
        }
        if !OWNERS.contains(&name.as_str()) && *name != of_users {
            return Decision::Ask(format!(
                "`{name}` refers to a user, who may not be the owner: if it is, say \
                 `#[user_scoped(owner = \"{name}\")]`"
            ));
        }

        Decision::Derive(match name.as_str() {
            "owner_id" => String::new(),
            name => format!("owner = \"{name}\""),
        })
    }

    fn by_parent(&self, entity: &Entity) -> Option<Decision> {
        let mut owned = Vec::new();
        for relation in &entity.relations {
            let Some(module) = &relation.target else {
                continue;
            };
            let Some(parent) = self.at(entity, module) else {
                return Some(Decision::Ask(format!(
                    "it belongs to `{module}`, which is no entity here"
                )));
            };

            match self.known[parent].as_ref()? {
                Decision::Ask(_) => {
                    return Some(Decision::Ask(format!(
                        "it belongs to `{module}`: decide that first, then run this again"
                    )));
                }
                Decision::Derive(_) => owned.push(relation),
                Decision::Declared if self.entities[parent].declared == Declared::Owned => {
                    owned.push(relation);
                }
                Decision::Declared => {}
            }
        }

        Some(match owned.as_slice() {
            [] => ask(
                "it names no owner. If its rows are the same for everyone, say \
                 `#[unscoped(reason = \"…\", grant(select))]` and derive `sea_orm_rls::Unscoped`. If they \
                 belong to users, derive `sea_orm_rls::UserScoped`: the migration adds `owner_id`, and \
                 `#[user_scoped(backfill = \"…\")]` says who owns the rows that are there",
            ),
            [relation] => via(entity, relation),
            several => {
                let names: Vec<_> = several.iter().map(|one| one.name.as_str()).collect();
                Decision::Ask(format!(
                    "it belongs to several tables that users own: say `#[user_scoped(via = \"…\")]` for \
                     one of {0}, or `#[user_scoped(via({0}))]` if it must be the user's in all",
                    names.join(", ")
                ))
            }
        })
    }

    /// The entity of a module, in the same package.
    fn at(&self, entity: &Entity, module: &str) -> Option<usize> {
        self.entities
            .iter()
            .position(|other| other.module == module && other.package == entity.package)
    }
}

fn users(entity: &Entity) -> Decision {
    const KEYS: [&str; 4] = ["Uuid", "i32", "i64", "String"];
    match entity.key() {
        Some(key) if KEYS.contains(&key.of_type.as_str()) => {
            Decision::Derive("identity".to_owned())
        }
        Some(_) => ask(
            "these are the users; if the type of their key implements `OwnerKey`, say \
             `#[user_scoped(identity)]`",
        ),
        None => ask("these are the users, and their key is not one column: an owner is"),
    }
}

fn via(entity: &Entity, relation: &BelongsTo) -> Decision {
    let column = match relation.columns.as_slice() {
        [column] => entity.column(column),
        _ => None,
    };

    match column {
        Some(column) if column.inside_option().is_none() => {
            Decision::Derive(format!("via = \"{}\"", relation.name))
        }
        Some(column) => Decision::Ask(format!(
            "`{}` may be NULL, and such a row would be nobody's: make it NOT NULL, then say \
             `#[user_scoped(via = \"{}\")]`",
            column.name, relation.name
        )),
        None => ask("it belongs to its parent by several columns, and `via` follows one"),
    }
}

fn ask(text: &str) -> Decision {
    Decision::Ask(text.to_owned())
}

#[cfg(test)]
mod tests;
