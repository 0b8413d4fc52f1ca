use rls_core::schema::read::Origin;
use rls_core::{Change, Identifier, Policy};

use super::{Compared, Table};

/// A policy, as asked and as held.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a Identifier,
    pub(super) asked: Option<&'a Policy>,
    pub(super) held: Option<&'a Policy>,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    AsAsked,
    /// The database holds another under this name.
    Differs,
    Missing,
    /// It stands under this name.
    Renamed(Identifier),
    /// An entity of another time asked for it.
    NoLongerAsked,
    ByHand,
    /// Whether it is as asked could not be told.
    Unknown,
}

/// The policies of a table: first those that are asked for, then what else stands there.
pub(super) fn lines<'a>(table: &'a Table, compared: &'a Compared) -> Vec<Line<'a>> {
    let held = table
        .held
        .as_ref()
        .map(|held| held.policies.as_slice())
        .unwrap_or_default();

    let find = |name: &Identifier| held.iter().find(|(policy, _)| policy.name == *name);
    let mut renamed: Vec<&Identifier> = Vec::new();
    let mut lines = Vec::new();

    for asked in &table.asked {
        let was = was(table, compared, &asked.name);
        let found = find(was.unwrap_or(&asked.name));
        let state = match (found, was) {
            (None, _) => State::Missing,
            (Some(_), _) if is_changed(table, compared, &asked.name) => State::Differs,
            (Some(_), Some(was)) => State::Renamed(was.clone()),
            (Some((_, origin)), None) => match (compared, origin) {
                (Compared::Plan { .. }, _) => State::AsAsked,
                (Compared::Not(_), Origin::Altered) => State::Differs,
                (Compared::Not(_), _) => State::Unknown,
            },
        };

        renamed.extend(was);

        lines.push(Line {
            name: &asked.name,
            asked: Some(asked),
            held: found.map(|(policy, _)| policy),
            state,
        });
    }

    for (policy, origin) in held {
        let is_asked = table.asked.iter().any(|asked| asked.name == policy.name);
        if is_asked || renamed.contains(&&policy.name) {
            continue;
        }

        let state = if *origin == Origin::ByHand {
            State::ByHand
        } else {
            State::NoLongerAsked
        };

        lines.push(Line {
            name: &policy.name,
            asked: None,
            held: Some(policy),
            state,
        });
    }

    lines
}

fn changes<'a>(table: &'a Table, compared: &'a Compared) -> impl Iterator<Item = &'a Change> {
    let changes = match compared {
        Compared::Plan { changes, .. } => changes.as_slice(),
        Compared::Not(_) => &[],
    };
    changes
        .iter()
        .filter(|change| change.table() == Some(&table.name))
}

/// The name under which it stands, where that is another.
fn was<'a>(table: &'a Table, compared: &'a Compared, asked: &Identifier) -> Option<&'a Identifier> {
    changes(table, compared).find_map(|change| match change {
        Change::RenamePolicy { was, name, .. } if name == asked => Some(was),
        _ => None,
    })
}

/// Whether more than its name and comment would be changed.
fn is_changed(table: &Table, compared: &Compared, asked: &Identifier) -> bool {
    changes(table, compared).any(|change| match change {
        Change::AlterPolicy { policy, .. }
        | Change::CreatePolicy { policy, .. }
        | Change::DropPolicy { policy, .. } => policy.name == *asked,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use rls_core::{Expression, Holder, RlsConfig};

    use super::*;
    use crate::report::fixture::{column, held, key, scope, table};

    /// A table whose policies are as asked but for what `change` does to them.
    fn states(change: impl FnOnce(&mut Table) -> Vec<Change>) -> Vec<(String, State)> {
        let scope = scope("task", vec![key(Holder::User, "id")]);
        let asked = scope.desired_policies(&RlsConfig::new());
        let held = held("task", asked.clone());
        let mut subject = Table {
            name: held.name.clone(),
            scope,
            asked,
            held: Some(held),
        };

        let changes = change(&mut subject);
        let compared = Compared::Plan {
            changes,
            without_fingerprint: 0,
        };

        lines(&subject, &compared)
            .into_iter()
            .filter(|line| line.state != State::AsAsked)
            .map(|line| (line.name.to_string(), line.state))
            .collect()
    }

    #[test]
    fn each_difference_is_told_as_what_it_is() {
        assert_eq!(states(|_| Vec::new()), []);

        let of = |name: &str, state| vec![(name.to_owned(), state)];
        let missing = states(|table| {
            let held = table.held.as_mut().unwrap();
            held.policies
                .retain(|(policy, _)| policy.name.as_str() != "task_guard");
            Vec::new()
        });

        assert_eq!(missing, of("task_guard", State::Missing));

        let altered = states(|table| {
            let policy = table.asked[0].clone();
            vec![Change::AlterPolicy {
                table: table.name.clone(),
                was: policy.clone(),
                policy,
                mends: false,
            }]
        });

        assert_eq!(altered, of("task_owner_select", State::Differs));

        let renamed = states(|table| {
            let name = table.asked[0].name.clone();
            table.held.as_mut().unwrap().policies[0].0.name = column("old");

            vec![Change::RenamePolicy {
                table: table.name.clone(),
                was: column("old"),
                name,
            }]
        });

        assert_eq!(
            renamed,
            of("task_owner_select", State::Renamed(column("old")))
        );

        let by_hand = states(|table| {
            let mut stray = table.asked[0].clone();
            stray.name = column("stray");

            let mut old = stray.clone();
            old.name = column("was_asked");
            table
                .held
                .as_mut()
                .unwrap()
                .policies
                .extend([(stray, Origin::ByHand), (old, Origin::Applied)]);

            Vec::new()
        });

        assert_eq!(
            by_hand,
            [
                ("stray".to_owned(), State::ByHand),
                ("was_asked".to_owned(), State::NoLongerAsked)
            ]
        );
    }

    #[test]
    fn nothing_is_called_as_asked_that_was_not_compared() {
        let scope = scope("task", vec![key(Holder::User, "id")]);
        let asked = scope.desired_policies(&RlsConfig::new());
        let mut held = held("task", asked.clone());

        held.policies[0].1 = Origin::Altered;
        held.policies[1].0 = Policy {
            rule: rls_core::model::policy::Rule::Select {
                using: Some(Expression::True),
            },
            ..asked[1].clone()
        };

        let subject = Table {
            name: table("task"),
            scope,
            asked,
            held: Some(held),
        };

        let compared = Compared::Not("no TEMPORARY".to_owned());
        let states: Vec<State> = lines(&subject, &compared)
            .into_iter()
            .map(|line| line.state)
            .collect();

        assert_eq!(states[..2], [State::Differs, State::Unknown]);
        assert!(!states.contains(&State::AsAsked));
    }
}
