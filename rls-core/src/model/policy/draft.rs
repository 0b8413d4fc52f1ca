//! [`PolicyDraft`]: the builder of policies.

use std::collections::BTreeSet;

use super::{Command, Expression, Policy, PolicyKind, Rule};
use crate::config::RlsConfig;
use crate::model::policy::PolicyError;
use crate::name::{Identifier, NameError};

/// The role that a policy holds for, before [`RlsConfig`] names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Grantee {
    /// The application's role.
    App,
    /// The maintenance administrator.
    Admin,
    /// Everyone.
    Public,
    /// Another role, by its name.
    Role(String),
}

impl Grantee {
    /// The name of the role. Everyone is `public`, a name that PostgreSQL gives to no role.
    ///
    /// # Errors
    ///
    /// [`NameError`] if PostgreSQL would not keep the name.
    pub fn role(&self, config: &RlsConfig) -> Result<Identifier, NameError> {
        match self {
            Self::App => Ok(config.app_role().clone()),
            Self::Admin => Ok(config.admin_role().clone()),
            Self::Public => Identifier::new("public"),
            Self::Role(role) => Identifier::new(role.clone()),
        }
    }
}

impl From<&str> for Grantee {
    fn from(role: &str) -> Self {
        // The server reads it so even if it is quoted.
        if role == "public" {
            Self::Public
        } else {
            Self::Role(role.to_owned())
        }
    }
}

/// Builder of a policy, started with [`Policy::permissive`] or [`Policy::restrictive`].
///
/// The policy holds for all commands unless [`on`](Self::on) names some, and for the application's
/// role unless [`to`](Self::to) names others.
///
/// ```
/// use rls_core::model::policy::{Command, Policy};
/// use sea_orm::sea_query::{Expr, ExprTrait};
///
/// let open = Policy::permissive("open_tickets").on([Command::Select]).using(Expr::col("status").eq("open"));
/// assert_eq!(open.build(&rls_core::RlsConfig::new())?.len(), 1);
/// # Ok::<(), rls_core::error::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a draft becomes a policy in an entity or a migration"]
pub struct PolicyDraft {
    name: String,
    kind: PolicyKind,
    commands: BTreeSet<Command>,
    grantees: BTreeSet<Grantee>,
    using: Option<Expression>,
    with_check: Option<Expression>,
    comment: Option<String>,
    verbatim: bool,
}

impl PolicyDraft {
    pub(super) fn new(name: String, kind: PolicyKind) -> Self {
        Self {
            name,
            kind,
            commands: BTreeSet::new(),
            grantees: BTreeSet::new(),
            using: None,
            with_check: None,
            comment: None,
            verbatim: false,
        }
    }

    /// Sets the commands. A policy in PostgreSQL has one command or all of them, so several
    /// commands make several policies, each named `<name>_<command>`.
    pub fn on(mut self, commands: impl IntoIterator<Item = Command>) -> Self {
        self.commands.extend(commands);
        self
    }

    /// Sets the roles that the policy holds for.
    pub fn to(mut self, grantees: impl IntoIterator<Item = impl Into<Grantee>>) -> Self {
        self.grantees.extend(grantees.into_iter().map(Into::into));
        self
    }

    /// Sets the condition on existing rows. It is the condition on written rows too, unless
    /// [`with_check`](Self::with_check) sets another.
    pub fn using(mut self, condition: impl Into<Expression>) -> Self {
        self.using = Some(condition.into());
        self
    }

    /// Sets the condition on written rows.
    pub fn with_check(mut self, condition: impl Into<Expression>) -> Self {
        self.with_check = Some(condition.into());
        self
    }

    /// Sets the text of `COMMENT ON POLICY`.
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into()).filter(|comment: &String| !comment.is_empty());
        self
    }

    /// Takes the conditions as they are, for policies that were written in SQL before. `using` is
    /// not repeated as the condition on written rows, for which PostgreSQL uses it anyway. The
    /// policy may also have no condition; if it is permissive, it then lets no row through.
    pub fn verbatim(mut self) -> Self {
        self.verbatim = true;
        self
    }

    /// Builds the policies, one for each command, for the roles of `config`.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if PostgreSQL would not keep a name, or if the commands do not have a
    /// condition or lack one.
    pub fn build(&self, config: &RlsConfig) -> Result<Vec<Policy>, PolicyError> {
        let named = |source| PolicyError::Name {
            policy: self.name.clone(),
            source,
        };

        let name = Identifier::new(self.name.clone()).map_err(named)?;
        if self
            .comment
            .as_ref()
            .is_some_and(|comment| comment.contains('\0'))
        {
            return Err(PolicyError::Comment {
                policy: self.name.clone(),
            });
        }

        let roles = self.roles(config)?;
        let commands = self.commands()?;
        let several = commands.len() > 1;

        commands
            .into_iter()
            .map(|command| {
                let name = if several {
                    Identifier::joined(&name, &command.as_sql().to_lowercase())
                } else {
                    name.clone()
                };

                Ok(Policy {
                    name,
                    kind: self.kind,
                    rule: self.rule(command)?,
                    roles: roles.clone(),
                    comment: self.comment.clone(),
                })
            })
            .collect()
    }

    /// The commands, if they have the conditions that are set.
    fn commands(&self) -> Result<Vec<Command>, PolicyError> {
        let commands: Vec<Command> =
            if self.commands.is_empty() || self.commands.contains(&Command::All) {
                vec![Command::All]
            } else {
                self.commands.iter().copied().collect()
            };

        if commands == [Command::Insert] && self.using.is_some() {
            return Err(PolicyError::InsertUsing {
                policy: self.name.clone(),
            });
        }

        let writes = commands
            .iter()
            .any(|command| !matches!(command, Command::Select | Command::Delete));
        if self.with_check.is_some() && !writes {
            return Err(PolicyError::NothingWritten {
                policy: self.name.clone(),
            });
        }

        Ok(commands)
    }

    fn rule(&self, command: Command) -> Result<Rule, PolicyError> {
        if self.verbatim {
            return Ok(Rule::new(
                command,
                self.using.clone(),
                self.with_check.clone(),
            ));
        }

        let written = self.with_check.clone().or_else(|| self.using.clone());
        let reads = self.using.is_some();

        // A restrictive policy may check written rows alone. A permissive one without `USING` lets
        // no row through.
        let holds = match command {
            Command::Select | Command::Delete => reads,
            Command::Insert => written.is_some(),
            Command::Update | Command::All => {
                reads || self.kind == PolicyKind::Restrictive && written.is_some()
            }
        };

        if !holds {
            return Err(PolicyError::NoCondition {
                policy: self.name.clone(),
                command,
            });
        }

        Ok(Rule::new(command, self.using.clone(), written))
    }

    fn roles(&self, config: &RlsConfig) -> Result<BTreeSet<Identifier>, PolicyError> {
        if self.grantees.contains(&Grantee::Public)
            || self.grantees.contains(&Grantee::Role("public".to_owned()))
        {
            return Ok(BTreeSet::new());
        }

        if self.grantees.is_empty() {
            return Ok(BTreeSet::from([config.app_role().clone()]));
        }

        self.grantees
            .iter()
            .map(|grantee| {
                grantee.role(config).map_err(|source| PolicyError::Name {
                    policy: self.name.clone(),
                    source,
                })
            })
            .collect()
    }

    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.using.iter().chain(&self.with_check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(draft: &PolicyDraft) -> Result<Vec<Policy>, PolicyError> {
        draft.build(&RlsConfig::new())
    }

    #[test]
    fn one_policy_a_command_with_the_sides_it_knows() {
        let draft = Policy::permissive("own")
            .on([Command::Select, Command::Insert, Command::Update])
            .using(true);
        let policies = built(&draft).unwrap();
        let names: Vec<_> = policies
            .iter()
            .map(|policy| policy.name.to_string())
            .collect();

        assert_eq!(names, ["own_select", "own_insert", "own_update"]);
        assert_eq!(
            policies[0].rule,
            Rule::Select {
                using: Some(Expression::True)
            }
        );
        assert_eq!(
            policies[1].rule,
            Rule::Insert {
                with_check: Some(Expression::True)
            }
        );

        let both = Rule::Update {
            using: Some(Expression::True),
            with_check: Some(Expression::True),
        };

        assert_eq!(policies[2].rule, both);
    }

    #[test]
    fn what_postgres_refuses_is_an_error() {
        let insert = Policy::permissive("p").on([Command::Insert]).using(true);
        assert!(matches!(
            built(&insert),
            Err(PolicyError::InsertUsing { .. })
        ));

        let select = Policy::permissive("p")
            .on([Command::Select])
            .using(true)
            .with_check(true);

        assert!(matches!(
            built(&select),
            Err(PolicyError::NothingWritten { .. })
        ));
        for draft in [
            Policy::permissive("p"),
            Policy::permissive("p").with_check(true),
        ] {
            assert!(matches!(
                built(&draft),
                Err(PolicyError::NoCondition { .. })
            ));
        }

        assert!(matches!(
            built(&Policy::permissive("").using(true)),
            Err(PolicyError::Name { .. })
        ));
        assert!(matches!(
            built(&Policy::permissive("p").to([""]).using(true)),
            Err(PolicyError::Name { .. })
        ));
        assert!(built(&Policy::restrictive("p").with_check(true)).is_ok());
    }

    #[test]
    fn verbatim_adds_no_condition() {
        let update = Policy::permissive("p")
            .on([Command::Update])
            .using(true)
            .verbatim();

        assert_eq!(
            built(&update).unwrap()[0].rule,
            Rule::Update {
                using: Some(Expression::True),
                with_check: None
            }
        );

        let nothing = Policy::restrictive("p").verbatim();

        assert_eq!(
            built(&nothing).unwrap()[0].rule,
            Rule::All {
                using: None,
                with_check: None
            }
        );
    }
}
