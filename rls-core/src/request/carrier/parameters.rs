//! A context as parameters of a prepared statement, whose types are domains that set it.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::{Arguments as _, AssertSqlSafe, Encode, PgConnection, Postgres, Type};

use crate::model::context::Settings;
use crate::model::context_domain::{ContextDomain, DomainOids};

use super::{KnownSetting, Opening};
use crate::model::signed_context;
use crate::request::signer::{SignedContext, Signer};
use crate::request::statement::MARK;

/// The parameters that a statement has beside its own.
#[derive(Clone)]
pub(crate) struct Parameters {
    values: Vec<Parameter>,
    /// What follows the text of the statement. sqlx keeps prepared statements by their text, so one
    /// text must always have the same parameters.
    mark: String,
}

/// One parameter.
#[derive(Clone)]
struct Parameter {
    domain: Oid,
    value: Value,
}

#[derive(Clone)]
enum Value {
    Text(String),
    /// The name of a setting, and its value.
    Setting([String; 2]),
    /// Signed when it is sent.
    Signed(SignedContext),
}

impl Parameters {
    /// The parameters of a context: first one for each setting that policies read, then those for
    /// other settings. `None` if a domain is missing.
    pub(super) fn new(
        settings: &Settings,
        known: &[KnownSetting],
        domains: &DomainOids,
        signer: Option<&Arc<Signer>>,
    ) -> Option<Self> {
        let any = *domains.get(&ContextDomain::AnySetting)?;
        let mut values = Vec::with_capacity(known.len());
        for known in known {
            let domain = *domains.get(&ContextDomain::Setting(known.name.clone()))?;
            let value = match signer {
                Some(signer) if known.name() == signed_context::SETTING => {
                    Value::Signed(SignedContext::new(signer, settings))
                }
                _ => Value::Text(settings.get(&known.name).unwrap_or_default().to_owned()),
            };
            values.push(Parameter { domain, value });
        }

        let others = settings
            .iter()
            .filter(|(name, _)| known.iter().all(|known| known.name != **name))
            .map(|(name, value)| Parameter {
                domain: any,
                value: Value::Setting([name.to_string(), value.to_owned()]),
            });
        let parameters = Self {
            values,
            mark: String::new(),
        };

        Some(parameters.with(others))
    }

    /// These, and for a statement that has no transaction around it those that leave a record, and
    /// then refuse all writes. `None` if a domain is missing.
    pub(super) fn alone(&self, opening: &Opening, domains: &DomainOids) -> Option<Self> {
        let parameter = |domain, value: &str| {
            Some(Parameter {
                domain: *domains.get(&domain)?,
                value: Value::Text(value.to_owned()),
            })
        };

        let mut added = Vec::new();
        if opening.record.is_some() {
            added.push(parameter(ContextDomain::Record, "")?);
        }

        if opening.read_only {
            added.push(parameter(ContextDomain::ReadOnly, "on")?);
        }

        Some(self.clone().with(added))
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The text of a statement that has these parameters.
    pub(crate) fn text<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        if self.mark.is_empty() {
            Cow::Borrowed(sql)
        } else {
            Cow::Owned([sql, &self.mark].concat())
        }
    }

    /// Adds these parameters to those of the statement.
    pub(crate) fn add_to(&self, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
        let mut added = self.values.iter().map(|parameter| arguments.add(parameter));
        added.try_for_each(|added| added.map_err(sqlx::Error::Encode))
    }

    /// Sends a statement that does nothing else.
    pub(crate) async fn send(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let mut arguments = PgArguments::default();
        self.add_to(&mut arguments)?;
        let sql = AssertSqlSafe(self.text("SELECT").into_owned());
        let sent = sqlx::query_with(sql, arguments).execute(connection);
        sent.await.map(drop)
    }

    /// Adds parameters that not each statement on the pool has.
    fn with(mut self, added: impl IntoIterator<Item = Parameter>) -> Self {
        let known = self.values.len();
        self.values.extend(added);

        for parameter in &self.values[known..] {
            let oid = parameter.domain.0;
            let mark = ["\n", MARK, " ", &oid.to_string()].concat();
            self.mark.push_str(&mark);
        }

        self
    }
}

impl Type<Postgres> for &Parameter {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for &Parameter {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // For this database, or a program that turns on sqlx's feature `any` does not compile.
        match &self.value {
            Value::Text(text) => Encode::<Postgres>::encode_by_ref(text, buffer),
            Value::Setting(setting) => Encode::<Postgres>::encode_by_ref(setting, buffer),
            Value::Signed(context) => Encode::<Postgres>::encode_by_ref(&context.sign(), buffer),
        }
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.domain))
    }

    fn size_hint(&self) -> usize {
        match &self.value {
            Value::Text(text) => text.len(),
            Value::Setting(setting) => setting.iter().map(String::len).sum(),
            Value::Signed(context) => context.len(),
        }
    }
}
