use std::fmt::{self, Write as _};

use super::{Change, Plan};
use crate::policy::{Policy, PolicyKind};
use crate::sql;

/// Colours of a terminal, as `SGR` codes (ECMA-48).
mod colour {
    pub(super) const GREEN: &str = "32";
    pub(super) const YELLOW: &str = "33";
    pub(super) const RED: &str = "31";
    pub(super) const BOLD: &str = "1";
    pub(super) const DIM: &str = "2";
}

/// A plan for a person to read; see [`Plan::text`].
#[derive(Clone, Copy, Debug)]
pub struct PlanText<'a> {
    plan: &'a Plan,
    colours: bool,
}

impl Plan {
    /// The plan for a person: by table, what comes (`+`), changes (`~`) and goes (`-`), and what weakens protection
    /// (`!`); with a terminal's colours or without.
    #[must_use]
    pub fn text(&self, colours: bool) -> PlanText<'_> {
        PlanText { plan: self, colours }
    }
}

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.plan.is_empty() {
            writeln!(f, "Nothing to change: the database is as the entities say.")?;
        }
        let mut heading = None;
        for change in &self.plan.changes {
            let place = change.table().map_or_else(|| "roles, schemas, sequences".to_owned(), ToString::to_string);
            if heading.as_ref() != Some(&place) {
                writeln!(f, "{}", self.paint(colour::BOLD, &place))?;
                heading = Some(place);
            }
            self.change(f, change)?;
        }
        for kept in &self.plan.kept {
            writeln!(f, "{}", self.paint(colour::DIM, &format!("kept: {kept}")))?;
        }
        if !self.plan.is_empty() {
            let (all, weaken) = (self.plan.changes.len(), self.plan.weakening().count());
            let plural = if all == 1 { "" } else { "s" };
            write!(f, "{all} change{plural}")?;
            if weaken > 0 {
                write!(f, ", {}", self.paint(colour::RED, &format!("{weaken} of them weakening protection")))?;
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
        writeln!(f, "  {} {}", self.paint(code, &sign.to_string()), what(change))?;
        if let Some(weakens) = weakens {
            writeln!(f, "      {}", self.paint(colour::RED, weakens))?;
        }
        match change {
            Change::CreatePolicy { policy, .. } => self.sides(f, None, policy),
            Change::AlterPolicy { was, policy, .. } => self.sides(f, Some(was), policy),
            _ => Ok(()),
        }
    }

    fn sides(&self, f: &mut fmt::Formatter<'_>, was: Option<&Policy>, policy: &Policy) -> fmt::Result {
        type Side = fn(&Policy) -> Option<&crate::policy::Expression>;
        let sides: [(&str, Side); 2] = [("using", Policy::using), ("with check", Policy::with_check)];
        for (word, side) in sides {
            if let Some(old) = was.and_then(side) {
                writeln!(
                    f,
                    "      {}",
                    self.paint(colour::DIM, &format!("{word} was {}", sql::expression(old).trim_end()))
                )?;
            }
            if let Some(new) = side(policy) {
                writeln!(f, "      {word} {}", sql::expression(new).trim_end())?;
            }
        }
        Ok(())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
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
            line.push_str(if policy.kind == PolicyKind::Permissive { "permissive" } else { "restrictive" });
            let _infallible = write!(line, ", {}, to ", policy.command().as_sql());
            if policy.roles.is_empty() {
                line.push_str("PUBLIC");
            }
            let roles: Vec<&str> = policy.roles.iter().map(crate::name::Identifier::as_str).collect();
            line.push_str(&roles.join(", "));
            line.push(')');
            line
        }
        Change::RenamePolicy { was, name, .. } => format!("policy {was} renamed to {name}"),
        other => other.sql().join("; "),
    }
}
