use std::fmt::{self, Write as _};

use crate::model::policy::{Policy, PolicyKind};
use crate::schema::plan::{Change, Plan};
use crate::sql;
use crate::terminal::{colour, paint, shown};

/// A plan for a person to read; see [`Plan::text`].
#[derive(Clone, Copy, Debug)]
pub struct PlanText<'a> {
    plan: &'a Plan,
    colours: bool,
}

impl Plan {
    /// The plan for a person: by table, what comes (`+`), changes (`~`) and goes (`-`), and what
    /// weakens protection (`!`); with a terminal's colours or without.
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
        if self.plan.is_empty() {
            writeln!(f, "Nothing to change: the database is as the entities say.")?;
        }

        let mut heading = None;
        for change in &self.plan.changes {
            let place = change.table().map_or_else(
                || "roles, schemas, sequences".to_owned(),
                |table| shown(&table.to_string()),
            );

            if heading.as_ref() != Some(&place) {
                writeln!(f, "{}", paint(self.colours, colour::BOLD, &place))?;
                heading = Some(place);
            }

            self.change(f, change)?;
        }

        for unmanaged in &self.plan.unmanaged {
            writeln!(
                f,
                "{}",
                paint(
                    self.colours,
                    colour::DIM,
                    &format!("unmanaged: {}", shown(&unmanaged.to_string()))
                )
            )?;
        }

        if !self.plan.is_empty() {
            let (all, weaken) = (self.plan.changes.len(), self.plan.weakening().count());
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

            writeln!(f)?;
        }

        Ok(())
    }
}

impl PlanText<'_> {
    fn change(&self, f: &mut fmt::Formatter<'_>, change: &Change) -> fmt::Result {
        let weakens = change.weakens();
        let (sign, code) = match (weakens, sign(change)) {
            (Some(_), _) => ('!', colour::RED),
            (None, '+') => ('+', colour::GREEN),
            (None, '-') => ('-', colour::RED),
            (None, other) => (other, colour::YELLOW),
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

        match change {
            Change::CreatePolicy { policy, .. } => self.sides(f, None, policy),
            Change::AlterPolicy { was, policy, .. } => self.sides(f, Some(was), policy),
            _ => Ok(()),
        }
    }

    fn sides(
        &self,
        f: &mut fmt::Formatter<'_>,
        was: Option<&Policy>,
        policy: &Policy,
    ) -> fmt::Result {
        type Side = fn(&Policy) -> Option<&crate::model::expression::Expression>;

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

fn sign(change: &Change) -> char {
    match change {
        Change::CreateRole { .. }
        | Change::AddOwnerColumn { .. }
        | Change::AddForeignKey { .. }
        | Change::RestoreForeignKey { .. }
        | Change::CreateIndex { .. }
        | Change::EnableRowSecurity { enable: true, .. }
        | Change::ForceRowSecurity { force: true, .. }
        | Change::CreatePolicy { .. }
        | Change::Grant { .. }
        | Change::CreateAudit { .. }
        | Change::GrantColumns { .. }
        | Change::GrantSchema { .. }
        | Change::GrantSequence { .. } => '+',
        Change::RevokeMembership { .. }
        | Change::EndInheritance { .. }
        | Change::DropColumn { .. }
        | Change::DropForeignKey { .. }
        | Change::DropIndex { .. }
        | Change::EnableRowSecurity { .. }
        | Change::ForceRowSecurity { .. }
        | Change::DropPolicy { .. }
        | Change::Revoke { .. }
        | Change::DropAudit { .. }
        | Change::RevokeColumns { .. }
        | Change::RevokeSchema { .. }
        | Change::RevokeSequence { .. } => '-',
        Change::AlterRole { .. }
        | Change::LiftForce { .. }
        | Change::RestoreForce { .. }
        | Change::SetNotNull { .. }
        | Change::ValidateForeignKey { .. }
        | Change::DropNotNull { .. }
        | Change::SetDefault { .. }
        | Change::AlterPolicy { .. }
        | Change::RenamePolicy { .. }
        | Change::CommentPolicy { .. } => '~',
    }
}

/// One line: a policy in words, anything else as its statement.
fn what(change: &Change) -> String {
    match change {
        Change::CreatePolicy { policy, .. }
        | Change::DropPolicy { policy, .. }
        | Change::AlterPolicy { policy, .. } => {
            let mut line = format!("policy {} (", policy.name);
            line.push_str(if policy.kind == PolicyKind::Permissive {
                "permissive"
            } else {
                "restrictive"
            });

            let _infallible = write!(line, ", {}, to ", policy.command().as_sql());
            if policy.roles.is_empty() {
                line.push_str("PUBLIC");
            }

            let roles: Vec<&str> = policy
                .roles
                .iter()
                .map(crate::name::Identifier::as_str)
                .collect();

            line.push_str(&roles.join(", "));
            line.push(')');

            line
        }
        Change::RenamePolicy { was, name, .. } => format!("policy {was} renamed to {name}"),
        other => other.sql().join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{Identifier, TableName};
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

        let rename = Change::RenamePolicy {
            table,
            was: name("old\u{202e}"),
            name: name("new"),
        };

        let printed = Plan {
            changes: vec![rename],
            unmanaged: vec![unmanaged],
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
