//! An answer for people.

use std::fmt;

use super::answer::{Answer, CommandAnswer, Outcome, PolicyAnswer};
use super::part::{Part, PartKind};
use crate::model::policy::PolicyKind;
use crate::schema::read::Origin;
use crate::terminal::{colour, paint, shown};

/// An answer as text for people; see [`Answer::text`].
#[derive(Clone, Copy, Debug)]
pub struct AnswerText<'a> {
    answer: &'a Answer,
    colours: bool,
}

impl Answer {
    /// Formats the answer for people: for each command the outcome, the causes with what would make
    /// it pass, and the policies that do not hold, part by part. `colours` adds the colours of a
    /// terminal.
    #[must_use]
    pub fn text(&self, colours: bool) -> AnswerText<'_> {
        AnswerText {
            answer: self,
            colours,
        }
    }
}

impl fmt::Display for AnswerText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.answer;
        let table = shown(&answer.table.to_string());
        write!(f, "{}", paint(self.colours, colour::BOLD, &table))?;
        for (column, value) in &answer.row {
            write!(f, "  {} = {}", shown(column.as_str()), value.shown())?;
        }

        write!(f, "\n  asked as {}", shown(answer.login.as_str()))?;
        if answer.context.is_empty() {
            f.write_str(", without a context")?;
        }
        for (at, (setting, value)) in answer.context.iter().enumerate() {
            let before = if at == 0 { " with" } else { "," };
            write!(f, "{before} {setting} = {}", value.shown())?;
        }
        writeln!(f)?;

        for place in &answer.declared {
            writeln!(f, "  declared at {}", shown(&place.to_string()))?;
        }
        if let Some(says) = answer.security.says() {
            writeln!(f, "  {}", paint(self.colours, colour::YELLOW, says))?;
        }

        let mut above = Vec::new();
        for command in &answer.commands {
            writeln!(f)?;
            self.command(f, command, &mut above)?;
        }
        Ok(())
    }
}

impl AnswerText<'_> {
    /// Prints a command, and keeps the conditions that it has printed `above` the next.
    fn command<'a>(
        &self,
        f: &mut fmt::Formatter<'_>,
        answer: &'a CommandAnswer,
        above: &mut Vec<&'a str>,
    ) -> fmt::Result {
        let colour = match answer.outcome {
            Outcome::Passes => colour::GREEN,
            Outcome::Hidden => colour::YELLOW,
            Outcome::Refused => colour::RED,
        };
        let outcome = format!("{:<7}", answer.outcome.as_str());
        let outcome = paint(self.colours, colour, &outcome);
        write!(f, "{:<6}  {outcome}", answer.command.as_sql())?;

        let mut causes = answer.causes.iter();
        let Some(first) = causes.next() else {
            return writeln!(f, "{}", self.passes(answer));
        };
        writeln!(f, "  {}", shown(&first.to_string()))?;
        remedy(f, &first.remedy())?;
        for cause in causes {
            writeln!(f, "{:17}{}", "", shown(&cause.to_string()))?;
            remedy(f, &cause.remedy())?;
        }

        // A guard says the same as the policies that it guards, so it comes after them.
        let kinds = [PolicyKind::Permissive, PolicyKind::Restrictive];
        let failed = kinds.iter().flat_map(|kind| {
            let policies = answer.policies.iter();
            policies.filter(move |policy| policy.kind == *kind && !policy.value.holds())
        });
        let mut seen: Vec<&str> = Vec::new();
        for policy in failed {
            let condition = policy.part.condition.as_str();
            if seen.contains(&condition) {
                continue;
            }

            let is_above = above.contains(&condition);
            self::policy(f, policy, if is_above { ", as above" } else { "" })?;
            if !is_above {
                self.part(f, &policy.part, 4)?;
            }
            seen.push(condition);
        }

        above.extend(seen);
        Ok(())
    }

    /// Which policies let a row through.
    fn passes(self, answer: &CommandAnswer) -> String {
        let mut by: Vec<String> = answer
            .policies
            .iter()
            .filter(|policy| policy.kind == PolicyKind::Permissive && policy.value.holds())
            .map(|policy| shown(policy.name.as_str()))
            .collect();
        by.dedup();
        if by.is_empty() {
            return String::new();
        }
        let by = format!("by {}", by.join(", "));
        format!("  {}", paint(self.colours, colour::DIM, &by))
    }

    fn part(self, f: &mut fmt::Formatter<'_>, part: &Part, indent: usize) -> fmt::Result {
        let joined = matches!(part.kind, PartKind::All | PartKind::Any);
        if joined && part.parts.len() == 1 {
            return self.part(f, &part.parts[0], indent);
        }

        let value = format!("{:<5}", part.value.as_str());
        let value = if part.value.holds() {
            paint(self.colours, colour::GREEN, &value)
        } else {
            paint(self.colours, colour::RED, &value)
        };
        writeln!(f, "{:indent$}{value}  {}", "", says(part))?;

        if part.parts.is_empty() && !part.facts.is_empty() {
            let facts: Vec<String> = part
                .facts
                .iter()
                .map(|(name, value)| format!("{} = {}", shown(name), value.shown()))
                .collect();
            let facts = paint(self.colours, colour::DIM, &facts.join(", "));
            writeln!(f, "{:indent$}       {facts}", "")?;
        }

        for inner in &part.parts {
            self.part(f, inner, indent + 2)?;
        }
        Ok(())
    }
}

fn remedy(f: &mut fmt::Formatter<'_>, remedy: &str) -> fmt::Result {
    writeln!(f, "{:17}-> {}", "", shown(remedy))
}

fn policy(f: &mut fmt::Formatter<'_>, policy: &PolicyAnswer, after: &str) -> fmt::Result {
    let kind = match policy.kind {
        PolicyKind::Permissive => "permissive",
        PolicyKind::Restrictive => "restrictive",
    };
    let origin = match policy.origin {
        Origin::ByHand => ", made by hand",
        Origin::Altered => ", altered by hand",
        Origin::Applied => "",
    };
    let side = policy.side.as_sql();
    let name = shown(policy.name.as_str());
    writeln!(
        f,
        "  {name}: {kind}, {side}{origin}: {}{after}",
        policy.value.as_str()
    )
}

/// The condition in words, or its SQL.
fn says(part: &Part) -> String {
    shown(&match &part.kind {
        PartKind::All => "all of:".to_owned(),
        PartKind::Any => "one of:".to_owned(),
        PartKind::Holder { column, setting } => format!("{column} is {setting}"),
        PartKind::Shared { column } => format!("{column} shares the row"),
        PartKind::NotDeleted { column } => format!("{column} does not mark it as deleted"),
        PartKind::Through { column, parent, .. } => {
            format!("{column} refers to a row of {parent} that is reached")
        }
        PartKind::Condition => part
            .condition
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
    })
}
