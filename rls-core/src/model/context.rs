//! Contexts: the user on whose behalf statements run, as settings with values.

mod error;

use std::fmt;

pub use super::setting::{SettingElement, SettingType, SettingValue};
pub use crate::name::SettingName;
pub use error::ContextError;

use crate::model::key::DEFAULT_SETTING;
use crate::name::NameError;

/// The settings of a context. `Debug` shows their names, never their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(Vec<(SettingName, String)>);

impl Settings {
    /// No settings.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a setting.
    ///
    /// # Errors
    ///
    /// [`ContextError::Name`] if no setting can have the name; [`ContextError::Nul`] if the value
    /// contains a NUL byte; [`ContextError::Twice`] if the setting is there already.
    pub fn with(mut self, name: &str, value: impl SettingValue) -> Result<Self, ContextError> {
        let name = SettingName::new(name)?;
        let value = value.to_setting();
        if value.contains('\0') {
            return Err(ContextError::Nul { setting: name });
        }

        if self.0.iter().any(|(other, _)| *other == name) {
            return Err(ContextError::Twice { setting: name });
        }

        self.0.push((name, value.into_owned()));
        Ok(self)
    }

    /// Whether every value is empty: then no scoped row is reached.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.0.iter().all(|(_, value)| value.is_empty())
    }

    pub(crate) fn get(&self, name: &SettingName) -> Option<&str> {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Of settings that were checked before, each once.
    #[cfg(feature = "testing")]
    pub(crate) fn of<'a>(settings: impl Iterator<Item = (&'a SettingName, &'a str)>) -> Self {
        Self(
            settings
                .map(|(name, value)| (name.clone(), value.to_owned()))
                .collect(),
        )
    }

    /// `{"app.user_id": "…"}`.
    pub(crate) fn json(&self) -> String {
        let settings = self
            .iter()
            .map(|(name, value)| (name.to_string(), value.into()));
        serde_json::Value::Object(settings.collect()).to_string()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&SettingName, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name.as_str()))
            .finish()
    }
}

/// The user on whose behalf statements run, for
/// [`RlsConnection::scope`](crate::RlsConnection::scope).
///
/// [`UserContext`] sets one setting. Derive this trait on a struct for several:
///
/// ```
/// # extern crate rls_core as sea_orm_rls;
/// use sea_orm_rls::RlsContext;
///
/// #[derive(RlsContext)]
/// struct Member<'a> {
///     #[setting("app.user_id")]
///     user: i64,
///     #[setting("app.tenant_id")]
///     tenant: Option<i32>,
///     #[setting("app.team_ids")]
///     teams: &'a [i64],
///     #[setting(skip)]
///     request: &'a str,
/// }
///
/// let member = Member { user: 7, tenant: Some(3), teams: &[1, 2], request: "GET /tasks" };
/// assert!(!member.settings()?.is_anonymous());
/// // The derive implements `Debug` too, without the values.
/// let shown = format!("{member:?} of {}", member.request);
/// assert_eq!(shown, "Member { user: <app.user_id>, tenant: <app.tenant_id>, teams: <app.team_ids>, .. } of GET /tasks");
/// # Ok::<(), sea_orm_rls::ContextError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no context to scope a connection by",
    note = "use `UserContext`, or derive `RlsContext` on a struct of settings"
)]
pub trait RlsContext {
    /// The settings that the policies read.
    ///
    /// # Errors
    ///
    /// [`ContextError`] if a value cannot be carried by a setting.
    fn settings(&self) -> Result<Settings, ContextError>;
}

impl RlsContext for Settings {
    fn settings(&self) -> Result<Settings, ContextError> {
        Ok(self.clone())
    }
}

/// The context of one user.
///
/// ```
/// use rls_core::UserContext;
/// let user = UserContext::new(42_i64);
/// assert!(!format!("{user:?}").contains("42"), "values are not shown");
/// ```
#[derive(Clone)]
pub struct UserContext {
    setting: Result<SettingName, NameError>,
    user: String,
}

impl UserContext {
    /// Creates the context of the user with this key, in the setting `app.user_id`.
    #[must_use]
    pub fn new(user: impl SettingValue) -> Self {
        Self {
            setting: SettingName::new(DEFAULT_SETTING),
            user: user.to_setting().into_owned(),
        }
    }

    /// Carries the user in another setting, the one that the entities name in
    /// `#[user_scoped(setting = "…")]`. If no setting can have the name, the first statement fails.
    #[must_use]
    pub fn setting(mut self, name: &str) -> Self {
        self.setting = SettingName::new(name);
        self
    }
}

impl RlsContext for UserContext {
    fn settings(&self) -> Result<Settings, ContextError> {
        let setting = self.setting.clone()?;

        // The check of `Settings::with`; the name is checked already.
        if self.user.contains('\0') {
            return Err(ContextError::Nul { setting });
        }

        Ok(Settings(vec![(setting, self.user.clone())]))
    }
}

impl fmt::Debug for UserContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserContext")
            .field("setting", &self.setting)
            .finish_non_exhaustive()
    }
}

/// The administrator who acts, and the reason. Both are required. The server gets them in the
/// settings `rls.actor` and `rls.reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminContext {
    actor: String,
    reason: String,
}

impl AdminContext {
    /// Creates an administrator's context.
    ///
    /// # Errors
    ///
    /// [`ContextError::NoActor`] or [`ContextError::NoReason`] if one is blank.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>) -> Result<Self, ContextError> {
        let (actor, reason) = (actor.into(), reason.into());
        if actor.trim().is_empty() {
            return Err(ContextError::NoActor);
        }

        if reason.trim().is_empty() {
            return Err(ContextError::NoReason);
        }

        Ok(Self { actor, reason })
    }

    /// The name of the administrator.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl RlsContext for AdminContext {
    fn settings(&self) -> Result<Settings, ContextError> {
        Settings::new()
            .with("rls.actor", &self.actor)?
            .with("rls.reason", &self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_value() {
        let settings = UserContext::new("secret-user").settings().unwrap();
        assert!(!format!("{settings:?} {:?}", UserContext::new("secret-user")).contains("secret"));
    }

    #[test]
    fn what_no_setting_carries_is_an_error() {
        let nul = UserContext::new("a\0b").settings().unwrap_err();
        assert!(matches!(nul, ContextError::Nul { .. }) && !nul.to_string().contains("a\0b"));
        assert!(matches!(
            UserContext::new(1).setting("x").settings(),
            Err(ContextError::Name(_))
        ));
        assert!(matches!(
            AdminContext::new(" ", "x"),
            Err(ContextError::NoActor)
        ));
        assert!(matches!(
            AdminContext::new("ann", ""),
            Err(ContextError::NoReason)
        ));

        let twice = Settings::new().with("a.b", 1).unwrap().with("A.b", 2);
        assert!(matches!(twice, Err(ContextError::Twice { .. })));
    }

    #[test]
    fn empty_values_are_anonymous() {
        assert!(
            UserContext::new(None::<uuid::Uuid>)
                .settings()
                .unwrap()
                .is_anonymous()
        );
        assert!(!UserContext::new(Some(7)).settings().unwrap().is_anonymous());

        assert!(
            !Settings::new()
                .with("app.team_ids", [0_i32; 0])
                .unwrap()
                .is_anonymous(),
            "no teams is a value"
        );
    }
}
