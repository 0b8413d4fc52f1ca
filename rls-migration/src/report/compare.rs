use rls_core::schema::read::{Origin, TablePolicy};
use rls_core::schema::{PolicyChange, TableChange};
use rls_core::{Change, Identifier, Policy};

use super::{Compared, Table};

/// A policy, as its entity declares it and as the database has it.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a Identifier,
    pub(super) desired: Option<&'a Policy>,
    pub(super) actual: Option<&'a Policy>,
    pub(super) state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    AsDesired,
    /// The database holds another policy under this name.
    Differs,
    Missing,
    /// The database holds it under this name.
    Renamed(Identifier),
    /// An earlier version of its entity asked for it.
    NoLongerDesired,
    ByHand,
    /// It was not compared.
    Unknown,
}

/// The policies of a table: the desired ones first, then the others that the database holds.
pub(super) fn lines<'a>(table: &'a Table, compared: &'a Compared) -> Vec<Line<'a>> {
    let actual = table
        .actual
        .as_ref()
        .map(|actual| actual.policies.as_slice())
        .unwrap_or_default();

    let find = |name: &Identifier| actual.iter().find(|found| found.policy.name == *name);
    let mut renamed: Vec<&Identifier> = Vec::new();
    let mut lines = Vec::new();

    for desired in &table.desired {
        let was = was(table, compared, &desired.name);
        let found = find(was.unwrap_or(&desired.name));
        let state = match (found, was) {
            (None, _) => State::Missing,
            (Some(_), _) if is_changed(table, compared, &desired.name) => State::Differs,
            (Some(_), Some(was)) => State::Renamed(was.clone()),
            (Some(found), None) => match (compared, found.origin) {
                (Compared::Plan { .. }, _) => State::AsDesired,
                (Compared::Not(_), Origin::Altered) => State::Differs,
                (Compared::Not(_), _) => State::Unknown,
            },
        };

        renamed.extend(was);

        lines.push(Line {
            name: &desired.name,
            desired: Some(desired),
            actual: found.map(|found| &found.policy),
            state,
        });
    }

    for TablePolicy { policy, origin, .. } in actual {
        let is_desired = table
            .desired
            .iter()
            .any(|desired| desired.name == policy.name);
        if is_desired || renamed.contains(&&policy.name) {
            continue;
        }

        let state = if *origin == Origin::ByHand {
            State::ByHand
        } else {
            State::NoLongerDesired
        };

        lines.push(Line {
            name: &policy.name,
            desired: None,
            actual: Some(policy),
            state,
        });
    }

    lines
}

/// The changes of the table's policies.
fn changes<'a>(table: &'a Table, compared: &'a Compared) -> impl Iterator<Item = &'a PolicyChange> {
    let changes = match compared {
        Compared::Plan { changes, .. } => changes.as_slice(),
        Compared::Not(_) => &[],
    };
    changes.iter().filter_map(|change| match change {
        Change::Table(name, TableChange::Policy(change)) if *name == table.name => Some(change),
        _ => None,
    })
}

/// The name that the database has for it, if that is another.
fn was<'a>(table: &'a Table, compared: &'a Compared, asked: &Identifier) -> Option<&'a Identifier> {
    changes(table, compared).find_map(|change| match change {
        PolicyChange::Rename { was, name } if name == asked => Some(was),
        _ => None,
    })
}

/// Whether more than its name and comment would change.
fn is_changed(table: &Table, compared: &Compared, asked: &Identifier) -> bool {
    changes(table, compared).any(|change| match change {
        PolicyChange::Alter { policy, .. }
        | PolicyChange::Create { policy }
        | PolicyChange::Drop { policy, .. } => policy.name == *asked,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use rls_core::{Expression, Holder, RlsConfig};

    use super::*;
    use crate::report::fixture::{actual_table, column, key, scope, table};

    /// The policies that differ in a table of desired policies that `change` was applied to.
    fn states(change: impl FnOnce(&mut Table) -> Vec<Change>) -> Vec<(String, State)> {
        let scope = scope("task", vec![key(Holder::User, "id")]);
        let desired = scope.desired_policies(&RlsConfig::new());
        let actual = actual_table("task", desired.clone());
        let mut subject = Table {
            name: actual.table.clone(),
            scope,
            desired,
            actual: Some(actual),
        };

        let changes = change(&mut subject);
        let compared = Compared::Plan {
            changes,
            without_fingerprint: 0,
        };

        lines(&subject, &compared)
            .into_iter()
            .filter(|line| line.state != State::AsDesired)
            .map(|line| (line.name.to_string(), line.state))
            .collect()
    }

    #[test]
    fn each_difference_has_its_state() {
        assert_eq!(states(|_| Vec::new()), []);

        let of = |name: &str, state| vec![(name.to_owned(), state)];
        let missing = states(|table| {
            let actual = table.actual.as_mut().unwrap();
            actual
                .policies
                .retain(|found| found.policy.name.as_str() != "task_guard");
            Vec::new()
        });

        assert_eq!(missing, of("task_guard", State::Missing));

        let altered = states(|table| {
            let policy = table.desired[0].clone();
            let alter = PolicyChange::Alter {
                was: policy.clone(),
                policy,
                repairs: false,
            };

            vec![Change::on(table.name.clone(), alter)]
        });

        assert_eq!(altered, of("task_owner_select", State::Differs));

        let renamed = states(|table| {
            let name = table.desired[0].name.clone();
            table.actual.as_mut().unwrap().policies[0].policy.name = column("old");

            let was = column("old");
            let rename = PolicyChange::Rename { was, name };

            vec![Change::on(table.name.clone(), rename)]
        });

        assert_eq!(
            renamed,
            of("task_owner_select", State::Renamed(column("old")))
        );

        let by_hand = states(|table| {
            let mut stray = table.desired[0].clone();
            stray.name = column("stray");

            let mut old = stray.clone();
            old.name = column("was_desired");
            table.actual.as_mut().unwrap().policies.extend([
                TablePolicy::new(stray, Origin::ByHand),
                TablePolicy::new(old, Origin::Applied),
            ]);

            Vec::new()
        });

        assert_eq!(
            by_hand,
            [
                ("stray".to_owned(), State::ByHand),
                ("was_desired".to_owned(), State::NoLongerDesired)
            ]
        );
    }

    #[test]
    fn nothing_is_called_as_desired_that_was_not_compared() {
        let scope = scope("task", vec![key(Holder::User, "id")]);
        let desired = scope.desired_policies(&RlsConfig::new());
        let mut actual = actual_table("task", desired.clone());

        actual.policies[0].origin = Origin::Altered;
        actual.policies[1].policy = Policy {
            rule: rls_core::model::policy::Rule::Select {
                using: Some(Expression::True),
            },
            ..desired[1].clone()
        };

        let subject = Table {
            name: table("task"),
            scope,
            desired,
            actual: Some(actual),
        };

        let compared = Compared::Not("no TEMPORARY".to_owned());
        let states: Vec<State> = lines(&subject, &compared)
            .into_iter()
            .map(|line| line.state)
            .collect();

        assert_eq!(states[..2], [State::Differs, State::Unknown]);
        assert!(!states.contains(&State::AsDesired));
    }
}
