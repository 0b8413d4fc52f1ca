//! The domains that carry contexts, and the function of the one that records.

use super::*;
use crate::model::context_domain::ContextDomain;
use crate::schema::plan::{DomainChange, FunctionChange};
use crate::schema::snapshot::{ActualDomain, ActualFunction};

fn user_id() -> ContextDomain {
    ContextDomain::Setting(SettingName::new("app.user_id").unwrap())
}

/// The statements of a plan.
fn sql(plan: &Plan) -> Vec<String> {
    plan.changes().iter().flat_map(Change::sql).collect()
}

fn domain(snapshot: &mut Snapshot) -> (&mut bool, &mut bool) {
    match snapshot.domains.get_mut(&user_id()) {
        Some(ActualDomain::Domain { fits, is_owned, .. }) => (fits, is_owned),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn domains_are_made_with_qualified_names_and_dropped_the_other_way_round() {
    let plan = after(|snapshot| {
        snapshot.domains.clear();
        snapshot.recorder = None;
    });

    let said = sql(&plan);
    let function = [
        "CREATE FUNCTION \"public\".\"rls_context_record\"(pg_catalog.text) RETURNS \
         pg_catalog.bool LANGUAGE sql VOLATILE SECURITY INVOKER AS 'INSERT INTO \
         \"public\".\"rls_audit\" DEFAULT VALUES RETURNING true'",
        "REVOKE ALL ON FUNCTION \"public\".\"rls_context_record\"(pg_catalog.text) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION \"public\".\"rls_context_record\"(pg_catalog.text) TO \
         \"rls_maintenance_admin\"",
    ];
    assert_eq!(said[..3], function);

    for expected in [
        "CREATE DOMAIN \"public\".\"rls_context_app.user_id\" AS pg_catalog.text CONSTRAINT \
         \"sets_context\" CHECK (pg_catalog.set_config('app.user_id', VALUE, true) IS NOT NULL)",
        "CREATE DOMAIN \"public\".\"rls_context_any\" AS pg_catalog.text[] CONSTRAINT \
         \"sets_context\" CHECK (pg_catalog.set_config(VALUE[1], VALUE[2], true) IS NOT NULL)",
        "CREATE DOMAIN \"public\".\"rls_context_read_only\" AS pg_catalog.text CONSTRAINT \
         \"sets_context\" CHECK (pg_catalog.set_config('transaction_read_only', VALUE, true) IS \
         NOT NULL)",
        "CREATE DOMAIN \"public\".\"rls_context_record\" AS pg_catalog.text CONSTRAINT \
         \"adds_record\" CHECK (\"public\".\"rls_context_record\"(VALUE))",
    ] {
        assert!(
            said.iter().any(|statement| statement == expected),
            "{said:#?}"
        );
    }

    let back = sql(&plan.reverse());
    assert_eq!(back[0], "DROP DOMAIN \"public\".\"rls_context_record\"");
    assert_eq!(
        back.last().unwrap(),
        "DROP FUNCTION \"public\".\"rls_context_record\"(pg_catalog.text)"
    );
    assert_eq!(plan.weakening().count(), 0);
}

#[test]
fn altered_domain_keeps_its_oid_and_is_restored_as_it_was() {
    let plan = after(|snapshot| {
        let Some(ActualDomain::Domain {
            definition, fits, ..
        }) = snapshot.domains.get_mut(&user_id())
        else {
            unreachable!()
        };

        *fits = false;
        definition.not_null = true;
        definition.checks = [(name("c"), "CHECK (true)".to_owned())].into();
    });

    let altered =
        |rest: &str| format!("ALTER DOMAIN \"public\".\"rls_context_app.user_id\" {rest}");
    let check = "CHECK (pg_catalog.set_config('app.user_id', VALUE, true) IS NOT NULL)";

    assert_eq!(words(&plan), ["alter_domain"]);
    assert_eq!(
        sql(&plan),
        [
            altered("DROP NOT NULL"),
            altered("DROP CONSTRAINT \"c\""),
            altered(&format!("ADD CONSTRAINT \"sets_context\" {check}")),
        ]
    );
    assert_eq!(
        sql(&plan.reverse()),
        [
            altered("SET NOT NULL"),
            altered("DROP CONSTRAINT \"sets_context\""),
            altered("ADD CONSTRAINT \"c\" CHECK (true)"),
        ]
    );
}

#[test]
fn domain_of_one_of_the_two_roles_gets_another_owner() {
    let plan = after(|snapshot| {
        let (fits, is_owned) = domain(snapshot);
        (*fits, *is_owned) = (false, true);
    });

    assert_eq!(words(&plan), ["own_domain", "alter_domain"]);
    assert!(matches!(
        plan.changes()[0],
        Change::Domain(_, DomainChange::Own)
    ));
    assert_eq!(words(&plan.reverse()), ["alter_domain"]);
}

#[test]
fn other_type_or_function_of_the_name_is_refused() {
    let refused = |change: fn(&mut Snapshot)| {
        let config = RlsConfig::new();
        let desired = desired(&config, MissingTables::Refuse);
        let mut snapshot = snapshot(&desired);
        change(&mut snapshot);
        diff(&desired, &snapshot).unwrap_err().to_string()
    };

    let said = refused(|snapshot| {
        snapshot
            .domains
            .insert(ContextDomain::AnySetting, ActualDomain::Other);
    });
    assert!(
        said.starts_with(
            "`public.rls_context_any` is there already, and is no domain over `text[]`"
        ),
        "{said}"
    );

    let said = refused(|snapshot| snapshot.recorder = Some(ActualFunction::Other));
    assert!(
        said.starts_with("`public.rls_context_record(text)` is there already"),
        "{said}"
    );
}

#[test]
fn function_is_replaced_and_executed_by_the_administrator_alone() {
    let plan = after(|snapshot| {
        let Some(ActualFunction::Function { fits, grantees, .. }) = &mut snapshot.recorder else {
            unreachable!()
        };

        *fits = false;
        *grantees = [name("public"), name("rls_app_user")].into();
    });

    assert_eq!(
        words(&plan),
        [
            "replace_function",
            "revoke_function",
            "revoke_function",
            "grant_function"
        ]
    );
    assert_eq!(
        sql(&plan.reverse()).last().unwrap(),
        "CREATE OR REPLACE FUNCTION as it was"
    );
    assert!(matches!(
        plan.changes()[0],
        Change::Function(_, FunctionChange::Replace { .. })
    ));
}

#[test]
fn domain_that_no_policy_needs_any_more_is_left() {
    let config = RlsConfig::new();
    let mut desired = desired(&config, MissingTables::Refuse);
    let snapshot = snapshot(&desired);
    desired.domains.domains.remove(&user_id());

    assert_eq!(diff(&desired, &snapshot).unwrap(), Plan::default());
}

#[test]
fn without_an_audit_nothing_records() {
    let config = RlsConfig::new().danger_no_audit();
    let desired = desired(&config, MissingTables::Refuse);
    let empty = Snapshot {
        domains: BTreeMap::new(),
        recorder: None,
        ..snapshot(&desired)
    };
    let plan = diff(&desired, &empty).unwrap();

    assert!(words(&plan).iter().all(|word| word == "create_domain"));
    assert_eq!(plan.changes().len(), 6);
    assert!(!sql(&plan).concat().contains("record"));
}
