use rls_core::{Command, Expression, Identifier, Policy, PolicyKind, RlsConfig};

use super::condition::{Holders, new_rows, rows, whose};
use super::{Phrase, listed};

/// A desired policy in one sentence.
pub(in crate::report) fn policy(policy: &Policy, config: &RlsConfig, holders: &Holders) -> Phrase {
    let who = who(policy, config);

    // Without `WITH CHECK`, PostgreSQL checks written rows by `USING`.
    let check = policy.with_check().or(policy.using());

    match policy.kind {
        PolicyKind::Permissive => may(&who, &[policy.command()], policy.using(), check, holders),
        PolicyKind::Restrictive => {
            keeps_out(&who, policy.command(), policy.using(), check, holders)
        }
    }
}

/// What permissive policies for these commands let pass: the rows that are there (`using`) and
/// those that are written (`check`). Without a condition PostgreSQL lets no row pass.
pub(in crate::report) fn may(
    who: &Phrase,
    commands: &[Command],
    using: Option<&Expression>,
    check: Option<&Expression>,
    holders: &Holders,
) -> Phrase {
    let none = Expression::False;
    let (using, check) = (using.unwrap_or(&none), check.unwrap_or(&none));
    let written = written(commands);
    let all = verbs(commands, |_| true);

    if verbs(commands, |command| command != Command::Insert).is_empty() {
        return may_do(who, &all, new_rows(check, holders));
    }

    if !written.is_empty() && using != check {
        return may_write_others(who, commands, using, check, holders);
    }

    let is_bounded = !matches!(using, Expression::True | Expression::False);
    let phrase = may_do(who, &all, rows(using, holders));

    if covers(commands, Command::Update) && is_bounded {
        phrase.then("; a changed row must still be one of them")
    } else {
        phrase
    }
}

fn may_do(who: &Phrase, verbs: &[&str], rows: Phrase) -> Phrase {
    who.clone()
        .then(format!(" may {} ", listed(verbs, "and")))
        .join(rows)
}

/// What passes if other rows may be written than are there.
fn may_write_others(
    who: &Phrase,
    commands: &[Command],
    using: &Expression,
    check: &Expression,
    holders: &Holders,
) -> Phrase {
    let on_rows = verbs(commands, |command| command != Command::Insert);
    let inserts = covers(commands, Command::Insert);
    let reached = may_do(who, &on_rows, rows(using, holders));

    match (using, check) {
        (Expression::False, _) if inserts => reached
            .then(", and may add ")
            .join(new_rows(check, holders)),
        (Expression::False, _) => reached,
        (_, Expression::False) => {
            let only_read = verbs(commands, |command| {
                matches!(command, Command::Select | Command::Delete)
            });

            let written = listed(&written(commands), "or");
            if only_read.is_empty() {
                return who.clone().then(format!(" may {written} no row"));
            }

            may_do(who, &only_read, rows(using, holders)).then(format!(", and may {written} none"))
        }
        (_, Expression::True) if inserts => {
            reached.then("; a row that is added or changed may be any")
        }
        (_, Expression::True) => reached.then("; a changed row may become any"),
        _ => {
            let what = if inserts {
                "a row that is added or changed"
            } else {
                "a changed row"
            };

            reached
                .then(format!("; {what} must then be one "))
                .join(whose(check, holders))
        }
    }
}

/// What a restrictive policy keeps out.
fn keeps_out(
    who: &Phrase,
    command: Command,
    using: Option<&Expression>,
    check: Option<&Expression>,
    holders: &Holders,
) -> Phrase {
    let commands = [command];
    let on_rows = verbs(&commands, |command| command != Command::Insert);
    let written = written(&commands);

    // A side without a condition bounds nothing, nor does one that is true of every row.
    let bound = |side: Option<&Expression>| {
        side.filter(|condition| **condition != Expression::True)
            .cloned()
    };

    let using = bound(using).filter(|_| !on_rows.is_empty());
    let check = bound(check).filter(|_| !written.is_empty());
    let only = |verbs: &[&str], condition: &Expression| match condition {
        Expression::False => Phrase::words(format!(" may {} no row", listed(verbs, "or"))),
        other => {
            Phrase::words(format!(" may {} only ", listed(verbs, "or"))).join(rows(other, holders))
        }
    };

    let becomes = |condition: &Expression| match condition {
        Expression::False => Phrase::words(format!(" may {} no row", listed(&written, "or"))),
        other => {
            let verbs = listed(&written, "or");
            Phrase::words(format!(" may {verbs} a row only if it then is one "))
                .join(whose(other, holders))
        }
    };

    let whatever = || Phrase::words("whatever other policies allow, ").join(who.clone());

    match (using, check) {
        (None, None) => Phrase::words("this policy keeps nothing out"),
        (Some(using), Some(check)) if using == check => {
            whatever().join(only(&verbs(&commands, |_| true), &using))
        }
        (Some(using), None) => whatever().join(only(&on_rows, &using)),
        (None, Some(check)) => whatever().join(becomes(&check)),
        (Some(using), Some(check)) => whatever()
            .join(only(&on_rows, &using))
            .then(", and")
            .join(becomes(&check)),
    }
}

/// The roles for which a policy holds.
fn who(policy: &Policy, config: &RlsConfig) -> Phrase {
    if policy.roles.is_empty() {
        return Phrase::words("every role");
    }

    let mut phrase = Phrase::default();
    for (at, role) in policy.roles.iter().enumerate() {
        phrase = match at {
            0 => phrase,
            _ if at + 1 == policy.roles.len() => phrase.then(" and "),
            _ => phrase.then(", "),
        };
        phrase = phrase.join(one(role, config));
    }

    phrase
}

fn one(role: &Identifier, config: &RlsConfig) -> Phrase {
    if role == config.app_role() {
        Phrase::words("the application")
    } else if role == config.admin_role() {
        Phrase::words("an administrator")
    } else {
        Phrase::words("the role ").code(role)
    }
}

fn covers(commands: &[Command], command: Command) -> bool {
    commands.contains(&Command::All) || commands.contains(&command)
}

/// The verbs of these commands, of those that `is_wanted` picks.
fn verbs(commands: &[Command], is_wanted: impl Fn(Command) -> bool) -> Vec<&'static str> {
    let each = Command::EACH
        .into_iter()
        .filter(|command| covers(commands, *command) && is_wanted(*command));
    each.map(|command| match command {
        Command::All | Command::Select => "read",
        Command::Insert => "add",
        Command::Update => "change",
        Command::Delete => "delete",
    })
    .collect()
}

fn written(commands: &[Command]) -> Vec<&'static str> {
    verbs(commands, |command| {
        matches!(command, Command::Insert | Command::Update)
    })
}

#[cfg(test)]
mod tests;
