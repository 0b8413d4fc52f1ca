//! What an answer proves, decided without the server.

use super::expect::Bound;
use crate::sqlstate::is_constraint;

use super::lane::Answer;
use super::outcome::Outcome;
use super::plan::{Expects, Row, Step};
use super::{Actor, Attempt};

/// Whether rows that the proof did not make may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForeignRows {
    /// The users have none and nobody shares any.
    Leak,
    /// They may be shared, or of the users that the caller named.
    Pass,
}

/// What the answer to a step proves.
pub(super) fn classify(
    step: &Step<'_>,
    answer: &Answer,
    rows: &[Row],
    foreign: ForeignRows,
) -> Outcome {
    match (&step.expects, answer) {
        (Expects::NoGrant, Answer::ByGrant) => Outcome::Refused,
        (Expects::NoGrant, _) => {
            leak("the login has a privilege that is not declared, or that no policy bounds")
        }
        (_, Answer::ByGrant) => vacuous(
            "the login lacks a privilege that is declared, so that no policy was asked: run the \
             migrations",
        ),
        (Expects::Rows(bounds), Answer::Rows(read)) => of_rows(
            bounds,
            rows,
            foreign,
            |id| read.iter().any(|r| r == id),
            read,
        ),
        (
            Expects::Rows(_),
            Answer::Written {
                left,
                rows: written,
            },
        ) if foreign == ForeignRows::Leak
            && usize::try_from(*written).unwrap_or(usize::MAX)
                > rows
                    .iter()
                    .filter(|row| !left.contains(&row.made.id))
                    .count() =>
        {
            leak("rows were written that were there before the proof")
        }
        (Expects::Rows(bounds), Answer::Written { left, .. }) => of_rows(
            bounds,
            rows,
            ForeignRows::Pass,
            |id| !left.contains(id),
            &[],
        ),
        (Expects::Count(expected), Answer::Count(found)) if found == expected => Outcome::Held,
        (Expects::Count(expected), Answer::Count(found)) if found > expected => leak(&format!(
            "{found} rows were counted, where {expected} may be read"
        )),
        (Expects::Count(expected), Answer::Count(found)) => vacuous(&format!(
            "{found} rows were counted, where {expected} are to be read"
        )),
        (Expects::Passes, Answer::Written { rows: 0, .. }) => {
            vacuous("one's own row was not stored")
        }
        // Keys are asked after the policies (`ExecInsert` in
        // `src/backend/executor/nodeModifyTable.c`).
        (Expects::Passes, Answer::Failed { state, .. }) if is_constraint(state) => Outcome::Held,
        (Expects::Passes, Answer::ByPolicy) => vacuous("a policy refused one's own row"),
        (Expects::Rows(_) | Expects::Count(_), Answer::ByPolicy) => {
            vacuous("a policy refused one's own rows")
        }
        (Expects::Passes, Answer::Written { .. })
        | (Expects::Refused | Expects::Nothing, Answer::ByPolicy)
        | (Expects::Nothing, Answer::Written { rows: 0, .. }) => Outcome::Held,
        (Expects::Refused, Answer::Written { rows: 0, .. }) => {
            vacuous("there was no row of one's own to do it with")
        }
        (Expects::Refused | Expects::Nothing, Answer::Written { .. }) => {
            leak("a row was written that is not one's own")
        }
        (Expects::Refused, Answer::Failed { state, message }) if is_constraint(state) => {
            leak(&format!(
                "the policies let a row through that is not one's own; only a constraint refused \
                 it ({state}: {message})"
            ))
        }
        (_, Answer::Failed { state, message }) => Outcome::Untested {
            reason: format!("`{}` failed ({state}: {message})", shown(&step.sql)),
        },
        (_, answer) => Outcome::Untested {
            reason: format!("an answer of another kind: {answer:?}"),
        },
    }
}

fn of_rows(
    bounds: &[Bound],
    rows: &[Row],
    foreign: ForeignRows,
    reached: impl Fn(&str) -> bool,
    read: &[String],
) -> Outcome {
    let of = |wanted: Bound, is_reached: bool| {
        let found = rows
            .iter()
            .zip(bounds)
            .filter(|(row, bound)| **bound == wanted && reached(&row.made.id) == is_reached);
        found.count()
    };

    let (leaked, missed) = (of(Bound::Never, true), of(Bound::Must, false));
    let strange = read
        .iter()
        .filter(|id| rows.iter().all(|row| row.made.id != **id))
        .count();

    if leaked > 0 {
        let all = bounds
            .iter()
            .filter(|bound| **bound == Bound::Never)
            .count();
        leak(&format!(
            "{leaked} of {all} rows were reached that are not to be"
        ))
    } else if strange > 0 && foreign == ForeignRows::Leak {
        leak(&format!(
            "{strange} rows were read that were there before the proof"
        ))
    } else if missed > 0 {
        let all = bounds.iter().filter(|bound| **bound == Bound::Must).count();
        vacuous(&format!(
            "{missed} of {all} rows were not reached that are to be, so that it proves nothing"
        ))
    } else {
        Outcome::Held
    }
}

/// One outcome of several steps: the worst, by the first of them.
pub(super) fn worst(outcomes: Vec<Outcome>) -> Outcome {
    let rank = |outcome: &Outcome| match outcome {
        Outcome::Leak { .. } => 0,
        Outcome::Vacuous { .. } => 1,
        Outcome::Untested { .. } => 2,
        _ => 3,
    };

    outcomes
        .into_iter()
        .min_by_key(rank)
        .unwrap_or(Outcome::NotApplicable)
}

/// What a step that could be played would have to be, where it cannot.
pub(super) fn without_steps(attempt: Attempt, actor: Actor) -> Outcome {
    match (attempt, actor) {
        (Attempt::Upsert | Attempt::Ignore | Attempt::Move, _)
        | (Attempt::Insert, Actor::Nobody) => Outcome::NotApplicable,
        _ => Outcome::Untested {
            reason: "no statement could be made for it: the table has no column to write"
                .to_owned(),
        },
    }
}

fn leak(reason: &str) -> Outcome {
    Outcome::Leak {
        reason: reason.to_owned(),
    }
}

fn vacuous(reason: &str) -> Outcome {
    Outcome::Vacuous {
        reason: reason.to_owned(),
    }
}

fn shown(sql: &str) -> String {
    sql.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::draft::Made;
    use super::super::expect::RowSpec;
    use super::super::plan::How;
    use super::super::shape::{Subject, Ties};
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |(subject, id): (Subject, &str)| Row {
            spec: RowSpec::plain(Ties {
                subject,
                ties: Vec::new(),
            }),
            made: Made {
                id: id.to_owned(),
                values: BTreeMap::new(),
            },
        };

        [(Subject::First, "own"), (Subject::Second, "other")]
            .map(row)
            .into()
    }

    fn classified(expects: Expects, answer: &Answer, foreign: ForeignRows) -> String {
        let step = Step {
            sql: String::new(),
            how: How::Read,
            expects,
            third: Vec::new(),
        };
        classify(&step, answer, &rows(), foreign).to_string()
    }

    #[test]
    fn rows_prove_something_only_where_ones_own_are_among_them() {
        let bounds = || Expects::Rows(vec![Bound::Must, Bound::Never]);
        let read = |ids: &[&str]| Answer::Rows(ids.iter().map(|id| (*id).to_owned()).collect());
        let of = |ids: &[&str]| classified(bounds(), &read(ids), ForeignRows::Leak);

        assert_eq!(of(&["own"]), "held");
        assert_eq!(of(&[]), "VACUOUS");
        assert_eq!(of(&["own", "other"]), "LEAK");
        assert_eq!(of(&["other"]), "LEAK");
        assert_eq!(of(&["own", "older"]), "LEAK");
        assert_eq!(
            classified(bounds(), &read(&["own", "older"]), ForeignRows::Pass),
            "held"
        );
        assert_eq!(
            classified(bounds(), &Answer::ByGrant, ForeignRows::Leak),
            "VACUOUS"
        );

        let written = |ids: &[&str], rows| Answer::Written {
            left: ids.iter().map(|id| (*id).to_owned()).collect(),
            rows,
        };

        let left = |ids: &[&str]| written(ids, 2 - u64::try_from(ids.len()).unwrap());
        assert_eq!(
            classified(bounds(), &left(&["other"]), ForeignRows::Leak),
            "held"
        );
        assert_eq!(
            classified(bounds(), &left(&["own", "other"]), ForeignRows::Leak),
            "VACUOUS"
        );
        assert_eq!(classified(bounds(), &left(&[]), ForeignRows::Leak), "LEAK");
        assert_eq!(
            classified(bounds(), &written(&["other"], 2), ForeignRows::Leak),
            "LEAK",
            "one of before went along"
        );

        assert_eq!(
            classified(bounds(), &written(&["other"], 2), ForeignRows::Pass),
            "held"
        );
    }

    #[test]
    fn a_forged_row_that_only_a_key_refuses_was_let_through() {
        let failed = |state: &str| Answer::Failed {
            state: state.to_owned(),
            message: String::new(),
        };

        let written = |rows| Answer::Written {
            left: std::collections::BTreeSet::new(),
            rows,
        };

        let of = |answer: &Answer| classified(Expects::Refused, answer, ForeignRows::Leak);
        assert_eq!(of(&Answer::ByPolicy), "held");
        assert_eq!(of(&failed("23505")), "LEAK");
        assert_eq!(of(&failed("P0001")), "UNTESTED");
        assert_eq!(of(&written(1)), "LEAK");
        assert_eq!(of(&written(0)), "VACUOUS");
        assert_eq!(
            classified(Expects::Passes, &failed("23505"), ForeignRows::Leak),
            "held"
        );
        assert_eq!(
            classified(Expects::Passes, &Answer::ByPolicy, ForeignRows::Leak),
            "VACUOUS"
        );
        assert_eq!(
            classified(Expects::NoGrant, &Answer::ByGrant, ForeignRows::Leak),
            "refused"
        );
        assert_eq!(
            classified(Expects::NoGrant, &Answer::ByPolicy, ForeignRows::Leak),
            "LEAK"
        );

        assert_eq!(
            classified(Expects::NoGrant, &written(0), ForeignRows::Leak),
            "LEAK"
        );
    }
}
