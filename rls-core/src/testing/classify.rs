//! What an answer of the server proves.

use super::expect::Bound;
use crate::name::Identifier;
use crate::sqlstate::is_constraint;

use super::lane::Answer;
use super::outcome::Outcome;
use super::plan::{Expects, Row, Step};
use super::{Actor, Attempt};

/// Whether rows that the proof did not make may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ForeignRows {
    /// They may not: the users have none, and nobody shares any.
    Leak,
    /// They may be shared, or rows of the users that the caller named.
    Pass,
}

/// What the answer to a step proves.
pub(super) fn classify(
    step: &Step<'_>,
    answer: &Answer,
    rows: &[Row],
    foreign: ForeignRows,
) -> Outcome {
    let outcome = match &step.expects {
        Expects::NoGrant => Some(no_grant(answer)),
        Expects::NoColumn(column) => Some(no_column(column, answer)),
        _ if *answer == Answer::ByGrant => Some(vacuous(
            "the login lacks a privilege that is declared, so that no policy was tried: run the \
             migrations",
        )),
        Expects::Rows(bounds) => of_rows(bounds, answer, rows, foreign),
        Expects::Count(expected) => count(*expected, answer),
        Expects::Passes => passes(answer),
        Expects::Refused => refused(answer),
        Expects::Unreferred => unreferred(answer),
        Expects::Nothing => nothing(answer),
    };

    outcome.unwrap_or_else(|| untested(step, answer))
}

fn no_grant(answer: &Answer) -> Outcome {
    match answer {
        Answer::ByGrant => Outcome::Refused,
        _ => leak("the login has a privilege that is not declared, or that no policy bounds"),
    }
}

fn no_column(column: &Identifier, answer: &Answer) -> Outcome {
    match answer {
        Answer::ByGrant => Outcome::Refused,
        _ => leak(&format!(
            "the login may write column `{column}`, which is not declared"
        )),
    }
}

fn of_rows(
    bounds: &[Bound],
    answer: &Answer,
    rows: &[Row],
    foreign: ForeignRows,
) -> Option<Outcome> {
    match answer {
        Answer::Rows(read) => {
            let strange = read
                .iter()
                .filter(|id| rows.iter().all(|row| row.made.id != **id))
                .count();
            let strange = if foreign == ForeignRows::Leak {
                strange
            } else {
                0
            };

            Some(reached(bounds, rows, strange, |id| {
                read.iter().any(|read| read == id)
            }))
        }
        Answer::Written {
            left,
            rows: written,
        } => {
            let is_written = |id: &str| !left.contains(id);
            let ours = rows.iter().filter(|row| is_written(&row.made.id)).count();

            if foreign == ForeignRows::Leak
                && usize::try_from(*written).unwrap_or(usize::MAX) > ours
            {
                return Some(leak("rows were written that were there before the proof"));
            }

            Some(reached(bounds, rows, 0, is_written))
        }
        Answer::ByPolicy => Some(vacuous("a policy refused the user's own rows")),
        _ => None,
    }
}

/// `strange` is the number of rows that were read, but not made by the proof, and may not be read.
fn reached(
    bounds: &[Bound],
    rows: &[Row],
    strange: usize,
    is_reached: impl Fn(&str) -> bool,
) -> Outcome {
    let all = |expected: Bound| bounds.iter().filter(|bound| **bound == expected).count();
    let of = |expected: Bound, reached: bool| {
        let found = rows
            .iter()
            .zip(bounds)
            .filter(|(row, bound)| **bound == expected && is_reached(&row.made.id) == reached);
        found.count()
    };

    let (leaked, missed) = (of(Bound::Never, true), of(Bound::Must, false));

    if leaked > 0 {
        let all = all(Bound::Never);
        leak(&format!(
            "{leaked} of {all} rows were reached that must not be"
        ))
    } else if strange > 0 {
        leak(&format!(
            "{strange} rows were read that were there before the proof"
        ))
    } else if missed > 0 {
        let all = all(Bound::Must);
        vacuous(&format!(
            "{missed} of {all} rows were not reached that must be, so that it proves nothing"
        ))
    } else {
        Outcome::Held
    }
}

fn count(expected: i64, answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::Count(actual) if *actual == expected => Some(Outcome::Held),
        Answer::Count(actual) if *actual > expected => Some(leak(&format!(
            "{actual} rows were counted, and {expected} may be read"
        ))),
        Answer::Count(actual) => Some(vacuous(&format!(
            "{actual} rows were counted, and {expected} must be read"
        ))),
        Answer::ByPolicy => Some(vacuous("a policy refused the user's own rows")),
        _ => None,
    }
}

fn passes(answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::Written { rows: 0, .. } => Some(vacuous("the user's own row was not stored")),
        Answer::Written { .. } => Some(Outcome::Held),
        // PostgreSQL checks constraints after the policies (`ExecInsert` in
        // `src/backend/executor/nodeModifyTable.c`).
        Answer::Failed { state, .. } if is_constraint(state) => Some(Outcome::Held),
        Answer::ByPolicy => Some(vacuous("a policy refused the user's own row")),
        _ => None,
    }
}

fn refused(answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::ByPolicy => Some(Outcome::Held),
        Answer::Written { rows: 0, .. } => Some(vacuous("the user has no row to do it with")),
        Answer::Written { .. } => Some(leak("a row was written that is not the user's")),
        Answer::Failed { state, message } if is_constraint(state) => Some(leak(&format!(
            "the policies let a row through that is not the user's; only a constraint refused it \
             ({state}: {message})"
        ))),
        _ => None,
    }
}

/// Constraints are checked in no certain order: a row that another key refuses was not tried.
/// [`Attempt::Move`] then tries the reference on a row that is there.
fn unreferred(answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::ByPolicy => Some(Outcome::Held),
        Answer::Written { rows: 0, .. } => Some(vacuous("the user has no row to do it with")),
        Answer::Written { .. } => Some(leak("a row was written that refers to a row of another")),
        Answer::Failed { state, .. } if is_constraint(state) => Some(Outcome::Held),
        _ => None,
    }
}

fn nothing(answer: &Answer) -> Option<Outcome> {
    match answer {
        Answer::ByPolicy | Answer::Written { rows: 0, .. } => Some(Outcome::Held),
        Answer::Written { .. } => Some(leak("a row was written that is not the user's")),
        _ => None,
    }
}

fn untested(step: &Step<'_>, answer: &Answer) -> Outcome {
    let reason = match answer {
        Answer::Failed { state, message } => {
            // Values, which begin with a quote, are left out.
            let sql = step.sql.split('\'').next().unwrap_or_default();
            let sql: String = sql.chars().take(80).collect();
            format!("`{}` failed ({state}: {message})", sql.trim_end())
        }
        answer => format!("an answer of another kind: {answer:?}"),
    };

    Outcome::Untested { reason }
}

/// The outcome of several steps: the first of the worst.
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

/// The outcome of an attempt that has no statement.
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
    fn rows_prove_something_only_if_the_users_own_are_among_them() {
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
        for (answer, expected) in [
            (Answer::ByPolicy, "held"),
            (failed("23503"), "held"),
            (written(1), "LEAK"),
            (written(0), "VACUOUS"),
            (failed("P0001"), "UNTESTED"),
        ] {
            let outcome = classified(Expects::Unreferred, &answer, ForeignRows::Leak);
            assert_eq!(outcome, expected);
        }

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

    #[test]
    fn reason_of_a_failure_shows_no_value() {
        let step = Step {
            sql: "INSERT INTO task AS made (\"owner_id\") VALUES ('secret'::text)".to_owned(),
            how: How::Write,
            expects: Expects::Passes,
            third: Vec::new(),
        };
        let answer = Answer::Failed {
            state: "P0001".to_owned(),
            message: "no".to_owned(),
        };

        let outcome = classify(&step, &answer, &[], ForeignRows::Leak);
        assert_eq!(
            outcome.failure(),
            Some("`INSERT INTO task AS made (\"owner_id\") VALUES (` failed (P0001: no)")
        );
    }
}
