use rls_core::{
    Command, Expression, ForeignKey, Holder, Identifier, Key, OnDelete, Policy, PolicyKind,
    Privilege, RlsConfig, Scope, ScopeKind, Through,
};

use super::condition::{Holders, noun};
use super::{Phrase, listed, may};

/// What an entity says of its table: who owns its rows, and what the application may do with them;
/// `desired` are its policies.
pub(in crate::report) fn scope(
    scope: &Scope,
    desired: &[Policy],
    config: &RlsConfig,
    holders: &Holders,
) -> Vec<Phrase> {
    if let Some(reason) = &scope.unscoped {
        let mut sentences = vec![Phrase::words(format!(
            "its rows belong to nobody: {}",
            reason.trim_end_matches('.')
        ))];
        sentences.extend(granted(scope, "every row"));
        return sentences;
    }

    let mut sentences = owners(scope);
    sentences.extend(effects(scope, desired, config, holders));

    sentences
}

fn owners(scope: &Scope) -> Vec<Phrase> {
    let keys = scope.keys.iter().map(by_key);
    let mut sentences: Vec<Phrase> = keys.chain(scope.through.iter().map(by_parent)).collect();

    match sentences.len() {
        0 => sentences.push(Phrase::words(
            "no column says who owns a row; only its own policies say who reaches which",
        )),
        1 => {}
        _ => sentences.push(Phrase::words("a row is owned only if all of this holds")),
    }

    let has_tenant = holders(scope).any(|holder| holder == Holder::Tenant);
    for (holder, column) in &scope.shared {
        let of_tenant = if *holder == Holder::User && has_tenant {
            " of the same tenant"
        } else {
            ""
        };
        let every = format!(" is true may be read by every {}{of_tenant}", noun(*holder));
        sentences.push(Phrase::words("a row whose ").code(column).then(every));
    }

    if let Some(column) = &scope.soft_delete {
        sentences.push(
            Phrase::words("a row counts as deleted, and is hidden, once the time in ")
                .code(column)
                .then(" has passed"),
        );
    }

    sentences
}

/// The users and tenants to whom rows belong, once for each column that says so.
fn holders(scope: &Scope) -> impl Iterator<Item = Holder> {
    let keys = scope.keys.iter().map(|key| key.holder);
    keys.chain(scope.through.iter().map(|through| through.holder))
}

/// Who owns a row by a column of the row.
fn by_key(key: &Key) -> Phrase {
    let noun = noun(key.holder);
    let ScopeKind::Owned(owned) = &key.kind else {
        return Phrase::words(format!("each row is a {noun}, known by ")).code(&key.column);
    };

    let sentence =
        Phrase::words(format!("each row belongs to the {noun} named in ")).code(&key.column);
    let Some(ForeignKey {
        table, on_delete, ..
    }) = &owned.foreign_key
    else {
        return sentence;
    };

    let sentence = sentence.then(", a row of ").code(table);
    match on_delete {
        None => sentence,
        Some(OnDelete::Cascade) => sentence.then(", and is deleted with it"),
        Some(OnDelete::Restrict | OnDelete::NoAction) => {
            sentence.then(", which cannot be deleted while it has any")
        }
    }
}

/// Who owns a row by a row of another table.
fn by_parent(through: &Through) -> Phrase {
    let noun = noun(through.holder);
    Phrase::words(format!("each row belongs to the {noun}s who own a row of "))
        .code(&through.parent)
        .then(" whose ")
        .code(&through.parent_column)
        .then(" is this row's ")
        .code(&through.column)
}

/// What the application may do by all policies together, with one sentence for all commands that
/// reach the same rows.
fn effects(
    scope: &Scope,
    desired: &[Policy],
    config: &RlsConfig,
    holders: &Holders,
) -> Vec<Phrase> {
    let mut groups: Vec<(Vec<Command>, Expression, Expression)> = Vec::new();
    for command in Command::EACH {
        if !scope.privileges.contains(&Privilege::of(command)) {
            continue;
        }

        let (using, check) = effect(desired, config.app_role(), command);

        match groups
            .iter_mut()
            .find(|(_, same_using, same_check)| *same_using == using && *same_check == check)
        {
            Some((commands, ..)) => commands.push(command),
            None => groups.push((vec![command], using, check)),
        }
    }

    let who = Phrase::words(actor(scope));
    let mut sentences: Vec<Phrase> = groups
        .iter()
        .map(|(commands, using, check)| may(&who, commands, Some(using), Some(check), holders))
        .collect();

    sentences.extend(refused(scope));
    sentences.extend(limited(scope));
    sentences
}

/// The condition on rows that one command reaches, and the one on rows that it writes. A command
/// with one of them has it for both.
fn effect(desired: &[Policy], role: &Identifier, command: Command) -> (Expression, Expression) {
    let covers = |policy: &&Policy| {
        policy.covers(command) && (policy.roles.is_empty() || policy.roles.contains(role))
    };
    let of = |kind: PolicyKind| {
        // In the order in which guards join them, so that a guard is equal to what it repeats.
        let mut policies: Vec<&Policy> = desired
            .iter()
            .filter(covers)
            .filter(|policy| policy.kind == kind)
            .collect();

        policies.sort_by(|a, b| b.name.cmp(&a.name));
        policies
    };

    let (permissive, restrictive) = (of(PolicyKind::Permissive), of(PolicyKind::Restrictive));
    let side = |side: fn(&Policy) -> Option<&Expression>| {
        let any = Expression::any(permissive.iter().filter_map(|policy| side(policy)).cloned());
        let all = restrictive
            .iter()
            .filter_map(|policy| side(policy))
            .cloned();
        Expression::all(std::iter::once(any).chain(all))
    };

    let using = side(Policy::using);
    let check = side(|policy| policy.with_check().or(policy.using()));

    match command {
        Command::Select | Command::Delete => (using.clone(), using),
        Command::Insert => (check.clone(), check),
        Command::Update | Command::All => (using, check),
    }
}

fn actor(scope: &Scope) -> &'static str {
    match holders(scope).min() {
        None => "the application",
        Some(Holder::User) => "a user",
        Some(Holder::Tenant) => "a tenant",
    }
}

/// What the application may do with a table that has no policies.
fn granted(scope: &Scope, rows: &str) -> Vec<Phrase> {
    let verbs = verbs(scope, true);
    let granted = (!verbs.is_empty()).then(|| {
        Phrase::words(format!(
            "the application may {} {rows}",
            listed(&verbs, "and")
        ))
    });

    let sentences = granted.into_iter().chain(refused(scope));
    sentences.chain(limited(scope)).collect()
}

/// The columns to which what the application may do is limited.
fn limited(scope: &Scope) -> impl Iterator<Item = Phrase> {
    scope.columns.iter().map(|(privilege, columns)| {
        let rows = match privilege {
            Privilege::Insert => "of a row that is added, the application sets ",
            _ => "of a row that is changed, the application sets ",
        };

        let columns = columns.iter().enumerate();
        columns
            .fold(Phrase::words(rows), |phrase, (at, column)| {
                let phrase = if at > 0 { phrase.then(", ") } else { phrase };
                phrase.code(column)
            })
            .then(" alone")
    })
}

fn refused(scope: &Scope) -> Option<Phrase> {
    let verbs = verbs(scope, false);
    let refused = format!(
        "the application may {} no row, since that is not granted to it",
        listed(&verbs, "or")
    );
    (!verbs.is_empty()).then(|| Phrase::words(refused))
}

fn verbs(scope: &Scope, granted: bool) -> Vec<&'static str> {
    let words = [
        (Privilege::Select, "read"),
        (Privilege::Insert, "add"),
        (Privilege::Update, "change"),
        (Privilege::Delete, "delete"),
    ];

    let wanted = words
        .into_iter()
        .filter(|(privilege, _)| scope.privileges.contains(privilege) == granted);
    wanted.map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests;
