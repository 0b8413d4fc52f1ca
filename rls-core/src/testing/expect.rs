//! The rows that an actor must or must not reach, by what the entities declare.

use std::collections::BTreeSet;

use crate::model::key::Holder;
use crate::model::privilege::Command;
use crate::model::scope::Scope;

use super::shape::{Anchor, Subject, Ties};
use super::{Actor, Attempt};

/// The commands that reach rows of a table with its entity's own policies. Which rows these let
/// through cannot be told from the policies, so it is declared here, and proved.
///
/// ```
/// use rls_core::Command;
/// use rls_core::testing::Reach;
///
/// // Everyone may read; the row's user may do all.
/// let _ = Reach::own(Command::EACH).others([Command::Select]).nobody([Command::Select]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what is reached is given to `IsolationProof::expect`"]
pub struct Reach {
    own: BTreeSet<Command>,
    others: BTreeSet<Command>,
    nobody: BTreeSet<Command>,
}

impl Reach {
    /// Sets the commands that reach a user's own rows. Others' rows are not reached, and nobody
    /// reaches any.
    pub fn own(commands: impl IntoIterator<Item = Command>) -> Self {
        Self {
            own: each(commands),
            ..Self::default()
        }
    }

    /// Sets the commands that reach the rows of another user.
    pub fn others(self, commands: impl IntoIterator<Item = Command>) -> Self {
        Self {
            others: each(commands),
            ..self
        }
    }

    /// Sets the commands that reach rows without a user.
    pub fn nobody(self, commands: impl IntoIterator<Item = Command>) -> Self {
        Self {
            nobody: each(commands),
            ..self
        }
    }

    /// Whether the command reaches a row that is the actor's own, or another's.
    pub(super) fn has(&self, actor: Actor, own: bool, command: Command) -> bool {
        let commands = match (actor, own) {
            (Actor::Nobody, _) => &self.nobody,
            (_, true) => &self.own,
            (_, false) => &self.others,
        };
        commands.contains(&command)
    }
}

fn each(commands: impl IntoIterator<Item = Command>) -> BTreeSet<Command> {
    commands
        .into_iter()
        .flat_map(|one| {
            if one == Command::All {
                Command::EACH.to_vec()
            } else {
                vec![one]
            }
        })
        .collect()
}

/// A row to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowSpec {
    pub(super) ties: Ties,
    /// The holders for whom it is marked as shared.
    pub(super) shared: BTreeSet<Holder>,
    /// Whether it is marked as deleted.
    pub(super) deleted: bool,
}

impl RowSpec {
    pub(super) fn plain(ties: Ties) -> Self {
        Self {
            ties,
            shared: BTreeSet::new(),
            deleted: false,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.shared.is_empty() && !self.deleted
    }

    pub(super) fn is_own(&self, actor: Actor) -> bool {
        subject(actor).is_some_and(|subject| self.ties.are(subject))
    }

    /// Whether all of the holder's ties of the row lead to the actor.
    fn is_own_of(&self, actor: Actor, holder: Holder, scope: &Scope) -> bool {
        let anchors = Anchor::of(scope);
        let mut ties = self
            .ties
            .ties
            .iter()
            .zip(anchors)
            .filter(|(_, anchor)| anchor.holder() == holder);

        subject(actor).is_some_and(|subject| ties.all(|(tie, _)| tie.is(subject)))
    }

    /// Whether the actor may read it: for each holder, it is the actor's or shared.
    fn is_visible(&self, actor: Actor, scope: &Scope) -> bool {
        let holders: BTreeSet<Holder> = Anchor::of(scope).into_iter().map(Anchor::holder).collect();
        let read = |holder: &Holder| {
            let shared = scope.shared.contains_key(holder) && self.shared.contains(holder);
            shared || self.is_own_of(actor, *holder, scope)
        };
        !self.deleted && holders.iter().all(read)
    }
}

/// The subject whose rows are this actor's own.
pub(super) fn subject(actor: Actor) -> Option<Subject> {
    match actor {
        Actor::First => Some(Subject::First),
        Actor::Second => Some(Subject::Second),
        Actor::Nobody => None,
    }
}

/// The expected outcome of an attempt on one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// It must be reached, or nothing is proved.
    Must,
    /// It may be reached.
    May,
    /// It must not be reached, or it is a leak.
    Never,
}

/// The expected outcome of `attempt` on a row.
pub(super) fn bound(
    scope: &Scope,
    reach: Option<&Reach>,
    attempt: Attempt,
    actor: Actor,
    row: &RowSpec,
) -> Bound {
    let commands: &[Command] = match attempt {
        Attempt::Lock | Attempt::Update => &[Command::Select, Command::Update],
        Attempt::UpdateAll | Attempt::Move => &[Command::Update],
        Attempt::Delete => &[Command::Select, Command::Delete],
        Attempt::DeleteAll => &[Command::Delete],
        _ => &[Command::Select],
    };

    let own = row.is_own(actor);
    let reaches = |command: &Command| match reach {
        Some(reach) => reach.has(actor, own, *command),
        None if *command == Command::Select => row.is_visible(actor, scope),
        None => own,
    };

    if !commands.iter().all(reaches) {
        Bound::Never
    } else if row.deleted {
        Bound::May
    } else {
        Bound::Must
    }
}
