use super::*;

fn from(pairs: &[(&str, &str)]) -> Result<RlsConfig, ConfigError> {
    RlsConfig::from_lookup(|name| {
        Ok(pairs
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned()))
    })
}

#[test]
fn unset_variables_give_the_documented_defaults() {
    let config = from(&[]).unwrap();
    assert_eq!(config, RlsConfig::new());
    assert!(config.enabled() && config.force());
    assert_eq!(config.app_role().as_str(), "rls_app_user");
    assert_eq!(config.admin_role().as_str(), "rls_maintenance_admin");
    assert!(config.app().password.is_none() && config.admin().password.is_none());

    assert_eq!(
        config.audit().map(ToString::to_string).as_deref(),
        Some("rls_audit")
    );
}

#[test]
fn wrong_values_are_errors_that_name_the_variable() {
    for (variable, value) in [
        ("RLS_ENABLED", "maybe"),
        ("RLS_FORCE", ""),
        ("RLS_APP_USER", ""),
        ("RLS_APP_USER", "pg_app"),
        ("RLS_APP_USER", "rls_maintenance_admin"),
        ("RLS_APP_PASSWORD", ""),
        ("RLS_MAINTENANCE_ADMIN", "public"),
        ("RLS_MAINTENANCE_ADMIN_PASSWORD", "a\0b"),
        ("RLS_LOGIN_SUFFIX", "\0"),
        ("RLS_AUDIT", "never"),
        ("RLS_ACCEPT_WEAKENING", "sure"),
        ("RLS_REFUSE_BREAKING", "sure"),
        ("RLS_ALLOW_DO", "sure"),
        ("RLS_AUDIT_TABLE", "ops."),
    ] {
        let error = from(&[(variable, value)]).unwrap_err().to_string();
        assert!(error.contains(variable), "{variable}={value:?}: {error}");
    }
}

#[test]
fn switches_read_the_usual_words() {
    assert!(!from(&[("RLS_FORCE", " Off ")]).unwrap().force());
    assert!(from(&[("RLS_FORCE", "1")]).unwrap().force());
    assert!(!from(&[]).unwrap().refuses_breaking());
    assert!(
        from(&[("RLS_REFUSE_BREAKING", "on")])
            .unwrap()
            .refuses_breaking()
    );
    assert!(!from(&[]).unwrap().accepts_weakening());
    assert!(
        from(&[("RLS_ACCEPT_WEAKENING", "yes")])
            .unwrap()
            .accepts_weakening()
    );
}

#[test]
fn audit_is_elsewhere_or_off_where_told() {
    let config = from(&[("RLS_AUDIT_TABLE", "ops.admin_acts")]).unwrap();
    assert_eq!(
        config.audit().map(ToString::to_string).as_deref(),
        Some("ops.admin_acts")
    );
    assert!(from(&[("RLS_AUDIT", "false")]).unwrap().audit().is_none());
    assert!(RlsConfig::new().danger_no_audit().audit().is_none());
}

#[test]
fn passwords_are_in_no_debug_text() {
    let config = from(&[("RLS_APP_PASSWORD", "hunter2")]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn suffix_follows_the_name_of_each_login_and_no_role() {
    let config = from(&[("RLS_LOGIN_SUFFIX", ".project")]).unwrap();
    assert_eq!(config.login_name(config.app()), "rls_app_user.project");
    assert_eq!(
        config.login_name(config.admin()),
        "rls_maintenance_admin.project"
    );
    assert_eq!(config.app_role().as_str(), "rls_app_user");
}
