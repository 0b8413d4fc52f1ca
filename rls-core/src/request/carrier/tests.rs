use super::*;
use crate::model::context::{RlsContext, UserContext};
use crate::model::context_domain::ContextDomain;
use crate::request::statement::{Protocol, Seen, classify};
use sqlx::postgres::types::Oid;

fn known<const N: usize>(names: [&str; N]) -> Arc<[KnownSetting]> {
    names
        .map(|name| KnownSetting::new(SettingName::new(name).unwrap(), &[]))
        .into()
}

fn domains_of(known: &[KnownSetting]) -> DomainOids {
    let names = known.iter().map(|it| it.name.clone());
    ContextDomain::all(names, true, false)
        .into_iter()
        .zip(100..)
        .map(|(domain, oid)| (domain, Oid(oid)))
        .collect()
}

#[test]
fn begin_has_options_context_and_blanks() {
    let known = known(["app.tenant_id", "app.user_id"]);
    let settings = UserContext::new("o'neill").settings().unwrap();
    let carrier = Carrier::new(
        settings,
        &known,
        Opening::default(),
        None,
        None,
        &Arc::default(),
    );
    let options = TransactionOptions {
        isolation_level: Some(IsolationLevel::Serializable),
        access_mode: Some(AccessMode::ReadOnly),
        sqlite_transaction_mode: None,
    };

    let context =
        "SET LOCAL \"app\".\"user_id\" = 'o''neill'; SET LOCAL \"app\".\"tenant_id\" = ''";
    assert_eq!(
        carrier.begin(options).first.as_str(),
        format!("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; {context}")
    );
    assert_eq!(
        carrier.begin_for_one().first.as_str(),
        format!("BEGIN; {context}")
    );

    let names = ["app.user_id", "app.tenant_id", "app.other"];
    assert_eq!(names.map(|name| carrier.carries(name)), [true, true, false]);
    assert!(!format!("{carrier:?} {}", carrier.question()).contains("neill"));
}

#[test]
fn record_is_in_each_begin_and_before_what_ends_writing() {
    let known = known(["app.user_id"]);
    let carrier = |read_only| {
        let opening = Opening {
            read_only,
            record: Some("INSERT INTO r DEFAULT VALUES".into()),
            ..Opening::default()
        };
        Carrier::new(
            Settings::new(),
            &known,
            opening,
            None,
            None,
            &Arc::default(),
        )
    };

    let whole = "BEGIN; SET LOCAL \"app\".\"user_id\" = ''; INSERT INTO r DEFAULT VALUES";
    assert_eq!(carrier(false).begin_for_one().first.as_str(), whole);

    let read_only = format!("{whole}; SET TRANSACTION READ ONLY");
    assert_eq!(carrier(true).begin_for_one().first.as_str(), read_only);

    let mode = |access_mode| TransactionOptions {
        access_mode,
        ..TransactionOptions::default()
    };

    for (carrier, access) in [
        (carrier(true), None),
        (carrier(true), Some(AccessMode::ReadWrite)),
        (carrier(false), Some(AccessMode::ReadOnly)),
    ] {
        assert_eq!(carrier.begin(mode(access)).first.as_str(), read_only);
    }

    let isolation_level = Some(IsolationLevel::RepeatableRead);
    let snapshot = TransactionOptions {
        isolation_level,
        ..TransactionOptions::default()
    };

    let expected = read_only.replacen("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", 1);
    assert_eq!(carrier(true).begin(snapshot).first.as_str(), expected);
}

#[test]
fn begin_of_a_transaction_names_no_user_if_its_statements_carry_it() {
    let known = known(["app.user_id"]);
    let domains = domains_of(&known);
    let settings = Settings::new()
        .with("app.user_id", "ann")
        .and_then(|settings| settings.with("other.setting", "x"))
        .unwrap();
    let carrier = Carrier::new(
        settings,
        &known,
        Opening::default(),
        Some(&domains),
        None,
        &Arc::default(),
    );

    assert_eq!(
        carrier.begin(TransactionOptions::default()).first.as_str(),
        "BEGIN"
    );
    assert!(carrier.begin_for_one().first.as_str().contains("'ann'"));

    // One text, one list of parameters: what not each statement has is in the text.
    let any = domains[&ContextDomain::AnySetting].0;
    let sql = "SELECT 1";
    let classified = classify(sql, Protocol::Extended, &Seen::default(), &|_| false).unwrap();
    let parameters = |values| carrier.parameters(Around::Nothing, classified, values);

    assert_eq!(
        parameters(0).unwrap().text(sql),
        format!("SELECT 1\n-- rls_context {any}")
    );
    assert!(parameters(65_533).is_some() && parameters(65_534).is_none());
}

/// Citus repeats the whole message to its workers, so that a record in it would be written there.
#[test]
fn each_setting_has_a_message_of_its_own_on_citus() {
    let known = known(["app.tenant_id", "app.user_id"]);
    let domains = domains_of(&known);
    let opening = Opening {
        read_only: true,
        record: Some("INSERT INTO r DEFAULT VALUES".into()),
        engine: Engine::Citus,
    };
    let settings = UserContext::new("ann").settings().unwrap();
    let carrier = Carrier::new(
        settings,
        &known,
        opening,
        Some(&domains),
        None,
        &Arc::default(),
    );

    for begin in [
        carrier.begin_for_one(),
        carrier.begin(TransactionOptions::default()),
    ] {
        assert_eq!(
            begin.first.as_str(),
            "BEGIN; SET LOCAL citus.propagate_set_commands = 'local'"
        );
        let then: Vec<_> = begin.then.iter().map(SqlStr::as_str).collect();
        assert_eq!(
            then,
            [
                "SET LOCAL \"app\".\"user_id\" = 'ann'",
                "SET LOCAL \"app\".\"tenant_id\" = ''",
                "INSERT INTO r DEFAULT VALUES",
                "SET TRANSACTION READ ONLY",
            ]
        );
    }

    // A parameter would set the context on the coordinator alone.
    assert!(!carrier.has_parameters() && carrier.assignments().is_empty());
}
