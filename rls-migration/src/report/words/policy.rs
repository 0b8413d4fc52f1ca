use rls_core::{Command, Expression, Identifier, Policy, PolicyKind, RlsConfig};

use super::condition::{Holders, new_rows, rows, whose};
use super::{Phrase, listed};

/// A policy, as it is asked for, in one sentence.
pub(in crate::report) fn policy(policy: &Policy, config: &RlsConfig, holders: &Holders) -> Phrase {
    let who = who(policy, config);
    // Where a policy says nothing of written rows, PostgreSQL takes `USING` for them.
    let check = policy.with_check().or(policy.using());
    match policy.kind {
        PolicyKind::Permissive => may(&who, &[policy.command()], policy.using(), check, holders),
        PolicyKind::Restrictive => keeps_out(&who, policy.command(), policy.using(), check, holders),
    }
}

/// What permissive policies for these commands let pass: the rows that are there (`using`) and those that are written
/// (`check`). Without a condition PostgreSQL lets no row pass.
pub(in crate::report) fn may(
    who: &Phrase,
    commands: &[Command],
    using: Option<&Expression>,
    check: Option<&Expression>,
    holders: &Holders,
) -> Phrase {
    let none = Expression::False;
    let (using, check) = (using.unwrap_or(&none), check.unwrap_or(&none));
    let (inserts, updates) = (covers(commands, Command::Insert), covers(commands, Command::Update));
    let on_rows = verbs(commands, |command| command != Command::Insert);
    let verbs_of_all = verbs(commands, |_| true);
    let may = |verbs: &[&str], rows: Phrase| who.clone().then(format!(" may {} ", listed(verbs, "and"))).join(rows);
    if on_rows.is_empty() {
        return may(&verbs_of_all, new_rows(check, holders));
    }
    let bounded = !matches!(using, Expression::True | Expression::False);
    if !inserts && !updates || using == check {
        let said = may(&verbs_of_all, rows(using, holders));
        return if updates && bounded { said.then("; a changed row must still be one of them") } else { said };
    }
    match (using, check) {
        (Expression::False, _) => {
            let said = may(&on_rows, rows(using, holders));
            if inserts { said.then(", and may add ").join(new_rows(check, holders)) } else { said }
        }
        (_, Expression::False) => {
            let kept = verbs(commands, |command| matches!(command, Command::Select | Command::Delete));
            let written = listed(&written(commands), "or");
            if kept.is_empty() {
                return who.clone().then(format!(" may {written} no row"));
            }
            may(&kept, rows(using, holders)).then(format!(", and may {written} none"))
        }
        (_, Expression::True) if inserts => {
            may(&on_rows, rows(using, holders)).then("; a row that is added or changed may be any")
        }
        (_, Expression::True) => may(&on_rows, rows(using, holders)).then("; a changed row may become any"),
        _ => {
            let what = if inserts { "a row that is added or changed" } else { "a changed row" };
            let said = may(&on_rows, rows(using, holders));
            said.then(format!("; {what} must then be one ")).join(whose(check, holders))
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
    // A side without a condition bounds nothing, and no more does one that is true of every row.
    let bound = |side: Option<&Expression>| side.filter(|condition| **condition != Expression::True).cloned();
    let using = bound(using).filter(|_| !on_rows.is_empty());
    let check = bound(check).filter(|_| !written.is_empty());
    let only = |verbs: &[&str], condition: &Expression| match condition {
        Expression::False => Phrase::words(format!(" may {} no row", listed(verbs, "or"))),
        other => Phrase::words(format!(" may {} only ", listed(verbs, "or"))).join(rows(other, holders)),
    };
    let becomes = |condition: &Expression| match condition {
        Expression::False => Phrase::words(format!(" may {} no row", listed(&written, "or"))),
        other => {
            let verbs = listed(&written, "or");
            Phrase::words(format!(" may {verbs} a row only if it then is one ")).join(whose(other, holders))
        }
    };
    let whatever = || Phrase::words("whatever other policies allow, ").join(who.clone());
    match (using, check) {
        (None, None) => Phrase::words("this policy keeps nothing out"),
        (Some(using), Some(check)) if using == check => whatever().join(only(&verbs(&commands, |_| true), &using)),
        (Some(using), None) => whatever().join(only(&on_rows, &using)),
        (None, Some(check)) => whatever().join(becomes(&check)),
        (Some(using), Some(check)) => whatever().join(only(&on_rows, &using)).then(", and").join(becomes(&check)),
    }
}

/// For whom a policy holds.
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

/// The words of these commands, of those that `wanted` holds for.
fn verbs(commands: &[Command], wanted: impl Fn(Command) -> bool) -> Vec<&'static str> {
    let each = Command::EACH.into_iter().filter(|command| covers(commands, *command) && wanted(*command));
    each.map(|command| match command {
        Command::All | Command::Select => "read",
        Command::Insert => "add",
        Command::Update => "change",
        Command::Delete => "delete",
    })
    .collect()
}

fn written(commands: &[Command]) -> Vec<&'static str> {
    verbs(commands, |command| matches!(command, Command::Insert | Command::Update))
}

#[cfg(test)]
mod tests {
    use rls_core::{Holder, PolicyDraft};

    use super::*;
    use crate::report::fixture::{column, current, key, scope};

    fn said(draft: &PolicyDraft) -> String {
        let holders = Holders::new(&[scope("user", vec![key(Holder::User, "id")])]);
        let config = RlsConfig::new();
        let built = draft.build(&config).unwrap();
        assert_eq!(built.len(), 1);
        super::policy(&built[0], &config, &holders).to_string()
    }

    fn own() -> Expression {
        current(Holder::User, "owner_id")
    }

    fn open() -> Expression {
        Expression::IsTrue(column("open"))
    }

    #[test]
    fn each_command_has_its_own_words() {
        for (command, expected) in [
            (Command::Select, "the application may read the rows whose `owner_id` is the user's id"),
            (
                Command::Update,
                "the application may change the rows whose `owner_id` is the user's id; a changed row must still be one \
                 of them",
            ),
            (Command::Delete, "the application may delete the rows whose `owner_id` is the user's id"),
            (
                Command::All,
                "the application may read, add, change and delete the rows whose `owner_id` is the user's id; a changed \
                 row must still be one of them",
            ),
        ] {
            assert_eq!(said(&Policy::permissive("p").on([command]).using(own())), expected, "{command:?}");
        }
        let insert = Policy::permissive("p").on([Command::Insert]).with_check(own());
        assert_eq!(said(&insert), "the application may add rows whose `owner_id` is the user's id");
        assert_eq!(
            said(&Policy::permissive("p").using(true)),
            "the application may read, add, change and delete every row"
        );
    }

    #[test]
    fn sides_that_differ_are_told_apart() {
        let both = |command, using: Expression, check: Expression| {
            said(&Policy::permissive("p").on([command]).using(using).with_check(check))
        };
        let (yes, no) = (Expression::True, Expression::False);
        for (found, expected) in [
            (
                both(Command::Update, own(), open()),
                "the application may change the rows whose `owner_id` is the user's id; a changed row must then be one \
                 whose `open` is true",
            ),
            (
                both(Command::All, own(), open()),
                "the application may read, change and delete the rows whose `owner_id` is the user's id; a row that is \
                 added or changed must then be one whose `open` is true",
            ),
            (
                both(Command::All, own(), yes.clone()),
                "the application may read, change and delete the rows whose `owner_id` is the user's id; a row that is \
                 added or changed may be any",
            ),
            (
                both(Command::Update, own(), yes.clone()),
                "the application may change the rows whose `owner_id` is the user's id; a changed row may become any",
            ),
            (
                both(Command::All, yes.clone(), no.clone()),
                "the application may read and delete every row, and may add or change none",
            ),
            (both(Command::Update, own(), no.clone()), "the application may change no row"),
            (both(Command::Update, no.clone(), own()), "the application may change no row"),
            (
                both(Command::All, no.clone(), own()),
                "the application may read, change and delete no row, and may add rows whose `owner_id` is the user's id",
            ),
            (both(Command::All, no, yes), "the application may read, change and delete no row, and may add any row"),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_restrictive_policy_allows_nothing() {
        let on = |command| Policy::restrictive("p").on([command]);
        for (draft, expected) in [
            (
                on(Command::Select).using(own()),
                "whatever other policies allow, the application may read only the rows whose `owner_id` is the user's id",
            ),
            (
                on(Command::All).using(own()),
                "whatever other policies allow, the application may read, add, change or delete only the rows whose \
                 `owner_id` is the user's id",
            ),
            (on(Command::Delete).using(false), "whatever other policies allow, the application may delete no row"),
            (
                on(Command::Insert).with_check(open()),
                "whatever other policies allow, the application may add a row only if it then is one whose `open` is true",
            ),
            (on(Command::All).using(true), "this policy keeps nothing out"),
            (on(Command::Delete).verbatim(), "this policy keeps nothing out"),
            (
                on(Command::All).with_check(open()),
                "whatever other policies allow, the application may add or change a row only if it then is one whose \
                 `open` is true",
            ),
            (
                on(Command::Update).using(own()).with_check(open()),
                "whatever other policies allow, the application may change only the rows whose `owner_id` is the user's \
                 id, and may change a row only if it then is one whose `open` is true",
            ),
            (
                on(Command::All).using(own()).with_check(true),
                "whatever other policies allow, the application may read, change or delete only the rows whose \
                 `owner_id` is the user's id",
            ),
        ] {
            assert_eq!(said(&draft), expected);
        }
    }

    #[test]
    fn who_is_named_and_a_policy_without_a_condition_allows_nothing() {
        let reads = || Policy::permissive("p").on([Command::Select]).using(true);
        let config = RlsConfig::new();
        let named = [config.app_role().as_str(), config.admin_role().as_str(), "auditors"];
        assert_eq!(
            said(&reads().to(named)),
            "the role `auditors`, the application and an administrator may read every row",
            "in the order of the roles' names"
        );
        assert_eq!(said(&reads().to(["public"])), "every role may read every row");
        for command in [Command::Select, Command::Insert, Command::Update, Command::Delete, Command::All] {
            let nothing = said(&Policy::permissive("p").on([command]).verbatim());
            assert!(nothing.ends_with(" no row"), "{nothing}");
        }
        assert_eq!(
            said(&Policy::permissive("p").on([Command::Update]).using(own()).verbatim()),
            "the application may change the rows whose `owner_id` is the user's id; a changed row must still be one of them",
            "where no check is said, PostgreSQL takes the condition for both"
        );
    }
}
