//! The contexts of the two users.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::context::Settings;
use crate::model::key::KeyType;
use crate::model::scope::Scope;
use crate::model::signed_context;
use crate::name::SettingName;
use crate::request::signer::{SignedContext, Signer};
use crate::sql;

use super::shape::Subject;
use super::value;
use super::{Actor, ProofError};

/// The value of each setting for each subject. The third has values if the proof makes them up.
#[derive(Clone)]
pub(super) struct Users {
    values: BTreeMap<SettingName, [Option<String>; 3]>,
    /// Whether the caller gave the contexts: those users may have rows already.
    pub(super) given: bool,
    /// Signs the contexts, if policies read signed ones.
    pub(super) signer: Option<Arc<Signer>>,
}

impl Users {
    /// Makes up values of the settings that key columns are compared with. Others stay empty.
    pub(super) fn made(scopes: &[Scope], settings: &[SettingName]) -> Self {
        let mut types: BTreeMap<&SettingName, KeyType> = BTreeMap::new();
        for key in scopes.iter().flat_map(|scope| &scope.keys) {
            // A text column takes the values of any other type.
            let known = types.entry(&key.setting).or_insert(key.key);
            if *known == KeyType::Text {
                *known = key.key;
            }
        }

        let mut number = value::first_number();
        let mut fresh = |key: KeyType| {
            number += 1;
            match key {
                KeyType::Uuid => uuid::Uuid::from_u128(rand::random()).to_string(),
                KeyType::Integer | KeyType::BigInteger => number.to_string(),
                KeyType::Text => format!("u{number:x}"),
            }
        };

        let values = settings.iter().map(|setting| {
            let values = types.get(setting).map_or([None, None, None], |key| {
                [(); 3].map(|()| Some(fresh(*key)))
            });
            (setting.clone(), values)
        });

        Self {
            values: values.collect(),
            given: false,
            signer: None,
        }
    }

    /// Takes one context, whose user may have rows already.
    pub(super) fn one(context: &Settings, settings: &[SettingName]) -> Self {
        let settings = settings.iter().chain(context.iter().map(|(name, _)| name));
        let value = |name: &SettingName| context.get(name).map(str::to_owned);

        Self {
            values: settings
                .map(|name| (name.clone(), [value(name), None, None]))
                .collect(),
            given: true,
            signer: None,
        }
    }

    /// Takes the caller's contexts.
    pub(super) fn given(
        contexts: &[Settings; 2],
        settings: &[SettingName],
    ) -> Result<Self, ProofError> {
        let mut values: BTreeMap<SettingName, [Option<String>; 3]> = settings
            .iter()
            .map(|setting| (setting.clone(), [None, None, None]))
            .collect();

        for (at, context) in contexts.iter().enumerate() {
            for (setting, value) in context.iter() {
                values.entry(setting.clone()).or_default()[at] = Some(value.to_owned());
            }
        }

        match values
            .iter()
            .find(|(_, [first, second, _])| first == second && first.is_some())
        {
            Some((setting, _)) => Err(ProofError::Same {
                setting: setting.to_string(),
            }),
            None => Ok(Self {
                values,
                given: true,
                signer: None,
            }),
        }
    }

    pub(super) fn value(&self, setting: &SettingName, subject: Subject) -> Option<&str> {
        let at = match subject {
            Subject::First => 0,
            Subject::Second => 1,
            Subject::Third => 2,
        };
        self.values.get(setting)?[at].as_deref()
    }

    /// Whether there is a third user, who has no rows yet.
    pub(super) fn has_third(&self) -> bool {
        !self.given
    }

    pub(super) fn settings(&self, subject: Subject) -> impl Iterator<Item = (&SettingName, &str)> {
        self.values
            .keys()
            .filter_map(move |setting| Some((setting, self.value(setting, subject)?)))
    }

    /// The statements that set the context. Every setting that the actor lacks is empty, as in a
    /// scope. The settings in `third` get the third's values.
    pub(super) fn context(&self, actor: Actor, third: &[&SettingName]) -> String {
        let subject = super::expect::subject(actor);
        let value = |setting: &SettingName| {
            let subject = if third.contains(&setting) {
                Some(Subject::Third)
            } else {
                subject
            };

            subject.and_then(|subject| self.value(setting, subject))
        };

        let assigned = |setting: &str, value: &str| {
            format!("; SET LOCAL {setting} = {}", sql::known_literal(value))
        };

        let set = self
            .values
            .keys()
            .map(|setting| assigned(&sql::setting(setting), value(setting).unwrap_or_default()));

        let signed = self.signer.as_ref().map(|signer| {
            let set = self
                .values
                .keys()
                .filter_map(|name| Some((name, value(name)?)));
            let token = SignedContext::new(signer, &Settings::of(set)).sign();
            assigned(signed_context::SETTING, &token)
        });

        set.chain(signed).collect()
    }

    /// The context of one subject.
    pub(super) fn scope(&self, subject: Subject) -> Result<Settings, ProofError> {
        let mut settings = Settings::new();
        for (setting, value) in self.settings(subject) {
            settings = settings.with(setting.as_str(), value)?;
        }

        Ok(settings)
    }
}
