use std::collections::BTreeSet;

use chrono::DateTime;
use rls_core::doctor::{Finding, RULES, Remedy, RunAs};
use rls_core::schema::read::{Origin, RoleSecurity, TablePolicy};
use rls_core::schema::{PolicyChange, PrivilegeChange, RowSecurityChange};
use rls_core::{Change, Expression, Holder, Policy, Privilege, RlsConfig};

use super::*;
use crate::report::fixture::{self, actual_table, column, entities, key, scope};
use crate::report::{Compared, Role};

/// Of tables that are as their entities say.
fn report(scopes: Vec<rls_core::Scope>) -> Report {
    let config = RlsConfig::new();
    let tables: Vec<Table> = scopes
        .into_iter()
        .map(|scope| {
            let desired = scope.desired_policies(&config);
            let mut actual = actual_table(scope.table.table.as_str(), desired.clone());
            actual.enabled = scope.unscoped.is_none();
            actual
                .grants
                .insert(config.app_role().clone(), scope.privileges.clone());
            actual
                .grants
                .insert(config.admin_role().clone(), Privilege::READ_WRITE.into());

            Table {
                name: actual.table.clone(),
                scope,
                desired,
                actual: Some(actual),
            }
        })
        .collect();

    let role = |name: &str, attributes: &[&'static str]| {
        let name = column(name);
        let mut actual = RoleSecurity::new(name.clone());
        actual.attributes = attributes.to_vec();

        Role {
            name,
            actual: Some(actual),
        }
    };

    Report {
        at: DateTime::UNIX_EPOCH,
        version: "18.4".to_owned(),
        database: column("shop"),
        schema: column("public"),
        audit: config.audit().map(|audit| audit.or_in(&column("public"))),
        login: column("migrator"),
        config,
        pending: 0,
        tables,
        unmanaged: Vec::new(),
        roles: vec![
            role("rls_app_user", &["LOGIN"]),
            role("migrator", &["LOGIN", "BYPASSRLS"]),
        ],
        compared: Compared::Plan {
            changes: Vec::new(),
            without_fingerprint: 0,
        },
        findings: Vec::new(),
        fingerprint: "76543210fedcba9876543210".to_owned(),
    }
}

/// With a fault of each kind.
fn faulty() -> Report {
    let mut report = report(entities());
    let task = report
        .tables
        .iter_mut()
        .find(|table| table.name == fixture::table("task"))
        .unwrap();

    let name = task.name.clone();
    let policy = task.desired[0].clone();
    let mut stray = policy.clone();

    stray.name = column("stray");

    let guard = task
        .desired
        .iter()
        .find(|policy| policy.name.as_str() == "task_guard_select")
        .unwrap()
        .clone();

    let actual = task.actual.as_mut().unwrap();
    actual.forced = false;
    actual
        .policies
        .retain(|found| found.policy.name != guard.name);
    actual
        .policies
        .push(TablePolicy::new(stray, Origin::ByHand));
    actual
        .grants
        .entry(column("public"))
        .or_default()
        .insert(Privilege::Truncate);
    report.compared = Compared::Plan {
        changes: vec![
            Change::on(name.clone(), RowSecurityChange::Force),
            Change::on(
                name.clone(),
                PolicyChange::Alter {
                    was: policy.clone(),
                    policy,
                    repairs: true,
                },
            ),
            Change::on(name.clone(), PolicyChange::Create { policy: guard }),
            Change::on(
                name,
                PrivilegeChange::Revoke {
                    role: column("public"),
                    privileges: BTreeSet::from([Privilege::Truncate]),
                },
            ),
        ],
        without_fingerprint: 0,
    };
    report.unmanaged.push(actual_table("legacy", Vec::new()));
    report.roles.push(Role {
        name: column("auditors"),
        actual: None,
    });
    report.pending = 1;

    let finding = |rule: usize, allowed: Option<&str>, remedy| Finding {
        rule: RULES[rule],
        severity: RULES[rule].severity,
        object: "public.task".to_owned(),
        why: "it is so".to_owned(),
        remedy,
        allowed: allowed.map(str::to_owned),
    };

    report.findings = vec![
        finding(
            0,
            None,
            Remedy::Sql {
                statements: vec!["ALTER TABLE \"task\" FORCE ROW LEVEL SECURITY".to_owned()],
                run_as: RunAs::Role(column("keeper")),
                then: Some("look again"),
            },
        ),
        finding(8, Some("known"), Remedy::Migrate),
    ];
    report
}

#[test]
fn page_of_a_database_that_is_as_the_entities_say() {
    insta::assert_snapshot!("healthy", html(&report(entities())));
}

#[test]
fn page_of_a_database_with_faults() {
    insta::assert_snapshot!("faulty", html(&faulty()));
}

#[test]
fn page_is_the_same_whenever_it_is_made_of_the_same() {
    assert_eq!(html(&faulty()), html(&faulty()));
}

/// A name that would be markup if it was not escaped.
const HOSTILE: &str = "<script>alert(\"'&\")</script>";

/// With markup in every name and text.
fn hostile() -> Report {
    let mut scope = scope(HOSTILE, vec![key(Holder::User, "</td><b>")]);
    scope.policies = vec![
        Policy::permissive("<i>p\"")
            .to(["<u>role</u>"])
            .using(Expression::raw_sql("a = '</pre><script src=//x>'"))
            .comment("--><img src=x onerror=alert(1)>"),
    ];

    let mut unscoped = fixture::scope("<b>u", Vec::new());
    unscoped.unscoped = Some("</p><script>".to_owned());

    let mut report = report(vec![scope, unscoped]);
    report.version = "<h1>18".to_owned();
    report.database = column("</title><script>db");
    report.login = column("<login>");

    let mut role = RoleSecurity::new(column("<role onclick='x'>"));
    role.members.insert(column("</code><m>"));
    report.roles.push(Role {
        name: role.role.clone(),
        actual: Some(role),
    });

    report
        .unmanaged
        .push(actual_table("</article>", Vec::new()));
    report.compared = Compared::Not("<why>".to_owned());
    report.findings = vec![Finding {
        rule: RULES[0],
        severity: RULES[0].severity,
        object: "<object>".to_owned(),
        why: "<why>".to_owned(),
        remedy: Remedy::Rust("<T as U>::v()".to_owned()),
        allowed: None,
    }];

    report
}

#[test]
fn no_name_or_text_becomes_markup() {
    let page = html(&hostile());
    let names: BTreeSet<&str> = page
        .split('<')
        .skip(1)
        .map(|rest| {
            rest.trim_start_matches('/')
                .split([' ', '>', '\n'])
                .next()
                .unwrap_or_default()
        })
        .collect();

    let ours = BTreeSet::from([
        "!DOCTYPE", "a", "article", "body", "code", "div", "h1", "h2", "h3", "head", "header",
        "html", "li", "main", "meta", "nav", "ol", "p", "pre", "section", "span", "strong",
        "style", "table", "tbody", "td", "th", "thead", "title", "tr", "ul",
    ]);

    assert_eq!(
        names.difference(&ours).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );

    // Inside of a tag only a program's attributes stand.
    for attribute in ["onclick=", "onerror=", "src="] {
        let tags = page
            .split('<')
            .filter_map(|rest| rest.split_once('>'))
            .map(|(tag, _)| tag);

        assert!(
            tags.into_iter().all(|tag| !tag.contains(attribute)),
            "{attribute}"
        );
    }

    assert!(page.contains("&lt;script&gt;alert(&quot;&#39;&amp;&quot;)&lt;/script&gt;"));
}

#[test]
fn nothing_is_loaded_from_outside() {
    let page = html(&faulty());
    assert!(!page.contains("://"));

    for loads in [
        "<script", "<link", "<img", "<iframe", "@import", "url(", "src=",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
}

#[test]
fn a_database_that_was_not_compared_is_not_called_as_desired() {
    let mut report = report(entities());
    report.compared = Compared::Not("the login may not create temporary tables".to_owned());
    let page = html(&report);

    assert!(page.contains("The database was not compared with the entities: the login may not create temporary tables."));
    assert!(!page.contains("The database is as the entities say."));
    assert!(page.contains("not compared"));
}

#[test]
fn row_security_that_is_off_comes_first() {
    let mut report = report(entities());
    report.config = RlsConfig::new().danger_enabled(false);
    for table in &mut report.tables {
        table.actual.as_mut().unwrap().enabled = false;
    }

    let page = html(&report);
    assert!(
        page.contains(
            "Row security is switched off in the configuration: every user sees every row."
        )
    );
    assert!(page.contains("row security is off: every role with a grant reaches every row"));
}
