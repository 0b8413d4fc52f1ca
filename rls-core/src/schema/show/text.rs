use std::fmt;

use super::word::{Sign, word};
use crate::model::expression::Expression;
use crate::model::policy::{Policy, PolicyKind};
use crate::name::Identifier;
use crate::schema::plan::{Breaking, Change, Plan, PolicyChange, TableChange};
use crate::sql;
use crate::terminal::{colour, paint, shown};

/// A plan for a person to read; see [`Plan::text`].
#[derive(Clone, Copy, Debug)]
pub struct PlanText<'a> {
    plan: &'a Plan,
    colours: bool,
}

impl Plan {
    /// The plan for a person: by table, what comes (`+`), changes (`~`) and goes (`-`), what weakens
    /// protection (`!`), and what breaks statements of the version that is running; with a terminal's colours or without.
    #[must_use]
    pub fn text(&self, colours: bool) -> PlanText<'_> {
        PlanText {
            plan: self,
            colours,
        }
    }
}

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.plan.is_empty() && self.plan.waiting.is_empty() {
            writeln!(f, "Nothing to change: the database is as the entities say.")?;
        } else if self.plan.is_empty() {
            writeln!(f, "Nothing to change in the tables that were compared.")?;
        }

        let mut heading = None;
        for (at, change) in self.plan.changes.iter().enumerate() {
            let place = match change {
                Change::Table(table, _) => shown(&table.to_string()),
                Change::Domain(..) | Change::Function(..) => "domains, functions".to_owned(),
                Change::Role(..) | Change::Schema(..) | Change::Sequence(..) => {
                    "roles, schemas, sequences".to_owned()
                }
            };

            if heading.as_ref() != Some(&place) {
                writeln!(f, "{}", paint(self.colours, colour::BOLD, &place))?;
                heading = Some(place);
            }

            self.change(f, change, self.plan.breaking.get(&at))?;
        }

        for unmanaged in &self.plan.unmanaged {
            self.remark(f, &format!("unmanaged: {unmanaged}"))?;
        }

        for table in &self.plan.waiting {
            let why = "not compared: it does not exist yet, or not yet as its entity declares";
            self.remark(f, &format!("{table} {why}"))?;
        }

        for role in &self.plan.passwords {
            let why = "not compared: this login may set it and not read it";
            self.remark(f, &format!("password of role {role} {why}"))?;
        }

        if !self.plan.is_empty() {
            let (all, weaken) = (self.plan.changes.len(), self.plan.weakening().count());
            let breaking = self.plan.breaking.len();
            let plural = if all == 1 { "" } else { "s" };
            write!(f, "{all} change{plural}")?;

            if weaken > 0 {
                write!(
                    f,
                    ", {}",
                    paint(
                        self.colours,
                        colour::RED,
                        &format!("{weaken} of them weakening protection")
                    )
                )?;
            }

            if breaking > 0 {
                let breaking = format!("{breaking} of them breaking what runs");
                write!(f, ", {}", paint(self.colours, colour::YELLOW, &breaking))?;
            }

            writeln!(f)?;
        }

        Ok(())
    }
}

impl PlanText<'_> {
    /// A line that is no change.
    fn remark(&self, f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
        writeln!(f, "{}", paint(self.colours, colour::DIM, &shown(text)))
    }

    fn change(
        &self,
        f: &mut fmt::Formatter<'_>,
        change: &Change,
        breaking: Option<&Breaking>,
    ) -> fmt::Result {
        let weakens = change.weakens();
        let (sign, code) = match (weakens, word(change).0) {
            (Some(_), _) => ('!', colour::RED),
            (None, Sign::Added) => ('+', colour::GREEN),
            (None, Sign::Removed) => ('-', colour::RED),
            (None, Sign::Changed) => ('~', colour::YELLOW),
        };

        writeln!(
            f,
            "  {} {}",
            paint(self.colours, code, &sign.to_string()),
            shown(&what(change))
        )?;
        if let Some(weakens) = weakens {
            writeln!(f, "      {}", paint(self.colours, colour::RED, weakens))?;
        }

        if let Some(breaking) = breaking {
            let fails = format!("breaks: {}", breaking.fails);
            writeln!(f, "      {}", paint(self.colours, colour::YELLOW, &fails))?;
            writeln!(f, "      first: {}", breaking.first)?;
        }

        match change {
            Change::Table(_, TableChange::Policy(PolicyChange::Create { policy })) => {
                self.sides(f, None, policy)
            }
            Change::Table(_, TableChange::Policy(PolicyChange::Alter { was, policy, .. })) => {
                self.sides(f, Some(was), policy)
            }
            _ => Ok(()),
        }
    }

    fn sides(
        &self,
        f: &mut fmt::Formatter<'_>,
        was: Option<&Policy>,
        policy: &Policy,
    ) -> fmt::Result {
        type Side = fn(&Policy) -> Option<&Expression>;

        let sides: [(&str, Side); 2] =
            [("using", Policy::using), ("with check", Policy::with_check)];
        for (word, side) in sides {
            if let Some(old) = was.and_then(side) {
                writeln!(
                    f,
                    "      {}",
                    paint(
                        self.colours,
                        colour::DIM,
                        &format!("{word} was {}", sql::expression(old).trim_end())
                    )
                )?;
            }

            if let Some(new) = side(policy) {
                writeln!(f, "      {word} {}", sql::expression(new).trim_end())?;
            }
        }

        Ok(())
    }
}

/// One line: a policy in words, anything else as its statement.
fn what(change: &Change) -> String {
    let statements = || change.sql().join("; ");
    let Change::Table(_, TableChange::Policy(change)) = change else {
        return statements();
    };

    match change {
        PolicyChange::Create { policy }
        | PolicyChange::Drop { policy, .. }
        | PolicyChange::Alter { policy, .. } => in_words(policy),
        PolicyChange::Rename { was, name } => format!("policy {was} renamed to {name}"),
        PolicyChange::Comment { .. } => statements(),
    }
}

fn in_words(policy: &Policy) -> String {
    let kind = match policy.kind {
        PolicyKind::Permissive => "permissive",
        PolicyKind::Restrictive => "restrictive",
    };

    let roles: Vec<&str> = policy.roles.iter().map(Identifier::as_str).collect();
    let roles = if roles.is_empty() {
        "PUBLIC".to_owned()
    } else {
        roles.join(", ")
    };

    let command = policy.command().as_sql();
    format!("policy {} ({kind}, {command}, to {roles})", policy.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::TableName;
    use crate::schema::plan::Unmanaged;

    #[test]
    fn names_command_no_terminal() {
        let name = |name: &str| Identifier::new(name).unwrap();
        let table = TableName {
            schema: None,
            table: name("a\u{1b}[2J"),
        };

        let unmanaged = Unmanaged::Policy {
            table: table.clone(),
            policy: name("p\nnothing to change"),
        };

        let rename = PolicyChange::Rename {
            was: name("old\u{202e}"),
            name: name("new"),
        };

        let printed = Plan {
            changes: vec![Change::on(table, rename)],
            unmanaged: vec![unmanaged],
            ..Plan::default()
        }
        .text(false)
        .to_string();

        assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed:?}");
        assert!(
            printed.lines().all(|line| !line.starts_with("nothing")),
            "{printed:?}"
        );

        assert!(
            printed.contains("policy old\\u{202e} renamed to new"),
            "{printed:?}"
        );
    }
}
