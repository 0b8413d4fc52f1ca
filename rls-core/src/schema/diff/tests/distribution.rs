//! How Citus spreads tables, by rendering.

use super::*;
use crate::config::SignedContexts;
use crate::error::NotOnCitus;
use crate::model::scope::Distribution;
use crate::schema::plan::TableChange;

/// Users and tasks, both distributed, and the database that is as they say, but for their
/// distribution.
fn planned(change: impl FnOnce(&mut Desired<'_>, &mut Snapshot)) -> Result<Plan, SchemaError> {
    planned_with(&RlsConfig::new(), change)
}

fn planned_with(
    config: &RlsConfig,
    change: impl FnOnce(&mut Desired<'_>, &mut Snapshot),
) -> Result<Plan, SchemaError> {
    let mut desired = desired(config, MissingTables::Refuse);
    for table in &mut desired.tables {
        table.distribution = Some(Distribution::By(table.columns[0].name.clone()));
        for desired in &mut table.policies {
            desired.policy = desired.policy.map(Expression::distributed);
        }
    }

    let mut snapshot = snapshot(&desired);
    snapshot.is_citus = true;
    change(&mut desired, &mut snapshot);
    diff(&desired, &snapshot)
}

fn reason(planned: Result<Plan, SchemaError>) -> NotOnCitus {
    match planned {
        Err(SchemaError::NotOnCitus { table, reason }) => {
            assert_eq!(table, "public.task");
            reason
        }
        other => unreachable!("{other:?}"),
    }
}

fn statements(plan: &Plan) -> Vec<String> {
    plan.changes().iter().flat_map(Change::sql).collect()
}

#[test]
fn tables_are_distributed_before_their_keys_and_policies_and_parents_first() {
    let plan = planned(|_, snapshot| {
        for of in ["task", "user"] {
            let table = actual(snapshot, of);
            table.policies.clear();
            table.foreign_keys.clear();
            (table.enabled, table.forced) = (false, false);
        }
    });
    let plan = plan.unwrap();
    let words = words(&plan);
    let at = |word: &str| words.iter().position(|other| other == word).unwrap();
    assert_eq!(words[..2], ["distribute", "distribute"]);
    assert!(at("add_foreign_key") < at("create_policy"), "{words:?}");

    let statements = statements(&plan);
    assert_eq!(
        statements[..2],
        [
            r#"SELECT pg_catalog.create_distributed_table('"public"."user"', 'id')"#,
            r#"SELECT pg_catalog.create_distributed_table('"public"."task"', 'owner_id')"#,
        ]
    );
    let policies = || {
        statements
            .iter()
            .filter(|it| it.starts_with("CREATE POLICY"))
    };
    assert!(policies().count() > 0);
    assert!(policies().all(|policy| !policy.contains("SELECT current_setting")));
    assert_eq!(
        plan.reverse().changes().last().map(Change::sql),
        Some(vec![
            r#"SELECT pg_catalog.undistribute_table('"public"."user"')"#.to_owned()
        ])
    );
}

/// The policies of before may have sub-selects, which Citus refuses.
#[test]
fn table_with_policies_is_distributed_after_they_are_altered() {
    let plan = planned(|_, snapshot| {
        let policies = &mut actual(snapshot, "task").policies;
        let (_, policy) = policies.iter_mut().next().unwrap();
        policy.fingerprint = None;
        policy.policy = policy
            .policy
            .map(|_| Canonical::printed("false".to_owned()));
    });
    let words = words(&plan.unwrap());
    let altered = words.iter().rposition(|word| word == "alter_policy");
    let distributed = words.iter().position(|word| word == "distribute");
    assert!(altered.is_some() && altered < distributed, "{words:?}");
}

/// Citus copies the rows as the login, and on the way back, under forced policies, none of them.
#[test]
fn force_is_lifted_while_rows_move() {
    let plan = planned(|_, _| {}).unwrap();
    let of_task = |plan: &Plan| -> Vec<String> {
        let changes = plan.changes().iter();
        let of_task = changes.filter(|change| change.table() == Some(&table("task")));
        of_task.flat_map(Change::sql).collect()
    };
    let (lift, restore) = (
        r#"ALTER TABLE "public"."task" NO FORCE ROW LEVEL SECURITY"#,
        r#"ALTER TABLE "public"."task" FORCE ROW LEVEL SECURITY"#,
    );

    let distribute = r#"SELECT pg_catalog.create_distributed_table('"public"."task"', 'owner_id')"#;
    assert_eq!(of_task(&plan), [lift, distribute, restore]);
    let undistribute = r#"SELECT pg_catalog.undistribute_table('"public"."task"')"#;
    assert_eq!(of_task(&plan.reverse()), [lift, undistribute, restore]);
    assert_eq!(plan.breaking().count(), 2, "{plan}");
}

/// Citus does not drop and add in one statement, and checks the new key as the login.
#[test]
fn key_is_replaced_in_two_statements() {
    let plan = planned(|_, snapshot| {
        for (of, by) in [("task", "owner_id"), ("user", "id")] {
            actual(snapshot, of).distribution = Some(Distribution::By(name(by)));
        }
        actual(snapshot, "task").foreign_keys[0].enforced = false;
    });
    let statements = statements(&plan.unwrap());
    let [lift, lift_other, drop, add, force, force_other] = &statements[..] else {
        panic!("{statements:#?}")
    };
    assert!(drop.contains("DROP CONSTRAINT") && !drop.contains("ADD"));
    assert!(add.contains("ADD CONSTRAINT"), "{add}");

    // Forced policies would hide rows from the check of the new key.
    for (statement, words) in [
        (lift, "NO FORCE ROW"),
        (lift_other, "NO FORCE ROW"),
        (force, " FORCE ROW"),
        (force_other, " FORCE ROW"),
    ] {
        assert!(statement.contains(words), "{statements:#?}");
    }
}

#[test]
fn nothing_is_distributed_twice_or_without_citus() {
    let plan = planned(|_, snapshot| snapshot.is_citus = false).unwrap();
    assert_eq!(plan, Plan::default());

    let plan = planned(|_, snapshot| {
        actual(snapshot, "task").distribution = Some(Distribution::By(name("owner_id")));
        actual(snapshot, "user").distribution = Some(Distribution::By(name("id")));
    });
    assert_eq!(plan.unwrap(), Plan::default());
}

#[test]
fn what_cannot_be_on_citus_is_refused_by_name() {
    let distributed = |by: &str| Some(Distribution::By(name(by)));
    let undeclared = planned(|desired, snapshot| {
        desired.tables[0].distribution = None;
        actual(snapshot, "task").distribution = distributed("owner_id");
    });
    assert_eq!(reason(undeclared), NotOnCitus::Undeclared);

    let otherwise =
        planned(|_, snapshot| actual(snapshot, "task").distribution = distributed("id"));
    assert_eq!(reason(otherwise), NotOnCitus::Otherwise);

    let unique = planned(|_, snapshot| {
        actual(snapshot, "task").indexes.push(ActualIndex {
            columns: vec![name("id")],
            only: None,
            unique: true,
        });
    });
    let expected = NotOnCitus::Unique {
        columns: vec!["id".to_owned()],
        column: "owner_id".to_owned(),
    };
    assert_eq!(reason(unique), expected);

    let column = planned(|_, snapshot| {
        let task = actual(snapshot, "task");
        task.distribution = distributed("owner_id");
        task.columns.get_mut(&name("owner_id")).unwrap().default = None;
    });
    let expected = NotOnCitus::Column {
        column: "owner_id".to_owned(),
    };
    assert_eq!(reason(column), expected);

    let parent = || NotOnCitus::Reference {
        parent: "public.user".to_owned(),
    };
    let at_home = planned(|desired, _| desired.tables[1].distribution = None);
    assert_eq!(reason(at_home), parent());
    let by_other = planned(|desired, _| desired.tables[1].distribution = distributed("other"));
    assert_eq!(reason(by_other), parent());
    let from_home = planned(|desired, _| desired.tables[0].distribution = None);
    assert_eq!(reason(from_home), parent());

    let asking = planned(|desired, _| {
        let policy = &mut desired.tables[0].policies[0].policy;
        *policy = policy.map(|_| Expression::raw_sql("id IN (Select id FROM other)"));
    });
    assert!(matches!(reason(asking), NotOnCitus::SubSelect { policy } if !policy.is_empty()));

    let signed = RlsConfig::new().signed_contexts(SignedContexts::Sent);
    assert_eq!(reason(planned_with(&signed, |_, _| {})), NotOnCitus::Signed);
}

/// A column of that name is no sub-select.
#[test]
fn word_within_a_name_is_no_sub_select() {
    let plan = planned(|desired, snapshot| {
        for of in ["task", "user"] {
            actual(snapshot, of).policies.clear();
        }
        let policy = &mut desired.tables[0].policies[0].policy;
        *policy = policy.map(|_| Expression::raw_sql("selected AND unselect"));
    });
    let is_distributed =
        |change: &Change| matches!(change, Change::Table(_, TableChange::Distribution(_)));
    assert!(plan.unwrap().changes().iter().any(is_distributed));
}
