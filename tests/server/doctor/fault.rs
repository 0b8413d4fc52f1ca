//! A way to break isolation by hand, who catches it, and what ends it.
//!
//! A plain login migrates the database, and each remedy is run by the login that it names (FAULTS
//! A10).

use std::collections::BTreeSet;

use sea_orm_rls::doctor::{RULES, Remedy};

use super::Patient;

/// Whether the gate catches a fault too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Shuts,
    StaysOpen,
}

/// What ends a fault.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The remedy, and nothing is left.
    Remedy,
    /// The remedy; then these statements restore the rest.
    RemedyThen(&'static str),
    /// These statements, since the remedy is words.
    Undo(&'static str),
}

/// The rule that reports `what` once, and the statements that make it.
#[derive(Clone, Copy, Debug)]
pub struct Fault(
    pub &'static str,
    pub &'static str,
    pub &'static str,
    pub Gate,
    pub End,
);

/// Makes each fault, runs gate and doctor, applies the remedy as printed, and runs both again.
pub async fn each_is_caught(faults: &[Fault]) {
    let patient = Patient::of_plain_owner().await;
    for fault in faults {
        caught(&patient, fault).await;
    }
}

async fn caught(patient: &Patient, Fault(rule, what, make, gate, end): &Fault) {
    patient.run(make).await;

    let report = patient.examine().await;
    let found = patient.news(&report);
    let of_rule: Vec<_> = found
        .iter()
        .filter(|finding| finding.rule.id == *rule)
        .collect();

    let [finding] = of_rule.as_slice() else {
        panic!("{what}: not one finding of {rule}:\n{}", report.text(false));
    };
    assert_eq!(
        patient.gate_is_open().await,
        *gate == Gate::StaysOpen,
        "{what}: the gate"
    );

    match (&finding.remedy, end) {
        (_, End::Undo(sql)) => patient.run(sql).await,
        (
            Remedy::Sql {
                statements, run_as, ..
            },
            _,
        ) => patient.run_as(run_as, statements).await,
        (Remedy::Migrate, _) => drop(patient.rls.sync(&patient.fixture.owner).await.unwrap()),
        (other, _) => panic!("{what}: `{other}` cannot be run"),
    }

    let report = patient.examine().await;
    let left = patient.news(&report);
    assert!(
        left.iter().all(|finding| finding.rule.id != *rule),
        "{what}: {rule} after the remedy\n{}",
        report.text(false)
    );
    if let End::RemedyThen(sql) = end {
        patient.run(sql).await;
    }

    patient.rls.sync(&patient.fixture.owner).await.unwrap();

    let report = patient.examine().await;
    assert_eq!(
        patient.news(&report),
        Vec::<&_>::new(),
        "{what}: something is left\n{}",
        report.text(false)
    );
    assert!(patient.gate_is_open().await, "{what}: the gate afterwards");
}

#[test]
fn every_rule_has_its_fault() {
    // These need another configuration, login or server. Each has its own test.
    let mut covered = BTreeSet::from([
        "RLS001", "RLS010", "RLS012", "RLS016", "RLS025", "RLS026", "RLS027", "RLS030", "RLS113",
        "RLS207",
    ]);
    let all = [
        super::roles::FAULTS,
        super::tables::FAULTS,
        super::columns::FAULTS,
        super::grants::FAULTS,
        super::ways::FAULTS,
        super::audit::FAULTS,
    ];

    assert!(all.iter().map(|faults| faults.len()).sum::<usize>() >= 180);
    covered.extend(all.iter().copied().flatten().map(|fault| fault.0));

    let rules: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(covered, rules);
}
