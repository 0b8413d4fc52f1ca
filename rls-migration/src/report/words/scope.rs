use rls_core::{
    Command, Expression, Holder, Identifier, OnDelete, Policy, PolicyKind, Privilege, RlsConfig,
    Scope, ScopeKind,
};

use super::condition::{Holders, noun};
use super::{Phrase, listed, may};

/// What an entity says of its table: whose its rows are, and what the application may then do;
/// `asked` are its policies.
pub(in crate::report) fn scope(
    scope: &Scope,
    asked: &[Policy],
    config: &RlsConfig,
    holders: &Holders,
) -> Vec<Phrase> {
    if let Some(reason) = &scope.unscoped {
        let mut sentences = vec![Phrase::words(format!(
            "its rows are nobody's own: {}",
            reason.trim_end_matches('.')
        ))];
        sentences.extend(granted(scope, "every row"));
        return sentences;
    }

    let mut sentences = owners(scope);
    sentences.extend(effects(scope, asked, config, holders));

    sentences
}

fn owners(scope: &Scope) -> Vec<Phrase> {
    let mut sentences: Vec<Phrase> = Vec::new();
    for key in &scope.keys {
        let noun = noun(key.holder);
        let sentence = match &key.kind {
            ScopeKind::Identity => {
                Phrase::words(format!("each row is a {noun}, known by ")).code(&key.column)
            }
            ScopeKind::Owned(owned) => {
                let sentence = Phrase::words(format!("each row belongs to the {noun} named in "))
                    .code(&key.column);
                match owned
                    .foreign_key
                    .as_ref()
                    .map(|foreign_key| (&foreign_key.table, foreign_key.on_delete))
                {
                    None => sentence,
                    Some((table, on_delete)) => {
                        let sentence = sentence.then(", a row of ").code(table);
                        match on_delete {
                            None => sentence,
                            Some(OnDelete::Cascade) => sentence.then(", and is deleted with it"),
                            Some(OnDelete::Restrict | OnDelete::NoAction) => {
                                sentence.then(", which cannot be deleted while it has any")
                            }
                        }
                    }
                }
            }
        };

        sentences.push(sentence);
    }

    for through in &scope.through {
        let sentence = format!(
            "each row belongs to those {}s to whom a row of ",
            noun(through.holder)
        );

        sentences.push(
            Phrase::words(sentence)
                .code(&through.parent)
                .then(" belongs whose ")
                .code(&through.parent_column)
                .then(" is this row's ")
                .code(&through.column),
        );
    }

    if sentences.len() > 1 {
        sentences.push(Phrase::words(
            "a row is one's own only where all of this holds",
        ));
    }

    if sentences.is_empty() {
        sentences.push(Phrase::words(
            "its rows belong to nobody by a column; policies of its own say who reaches which",
        ));
    }

    let tenants = scope
        .keys
        .iter()
        .map(|key| key.holder)
        .chain(scope.through.iter().map(|through| through.holder));

    let has_tenant = tenants.clone().any(|holder| holder == Holder::Tenant);
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

/// What the application may do, by all policies together: commands for which the same holds in one
/// sentence.
fn effects(scope: &Scope, asked: &[Policy], config: &RlsConfig, holders: &Holders) -> Vec<Phrase> {
    let mut groups: Vec<(Vec<Command>, Expression, Expression)> = Vec::new();
    for command in Command::EACH {
        if !scope.privileges.contains(&Privilege::of(command)) {
            continue;
        }

        let (using, check) = effect(asked, config.app_role(), command);

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
    sentences
}

/// Which rows one command reaches, and which it may write; for a command that knows one side, that
/// is both.
fn effect(asked: &[Policy], role: &Identifier, command: Command) -> (Expression, Expression) {
    let covers = |policy: &&Policy| {
        policy.covers(command) && (policy.roles.is_empty() || policy.roles.contains(role))
    };
    let of = |kind: PolicyKind| {
        // In the order in which guards join them, so that a guard that says the same is known for
        // the same.
        let mut policies: Vec<&Policy> = asked
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
    let mut holders = scope
        .keys
        .iter()
        .map(|key| key.holder)
        .chain(scope.through.iter().map(|through| through.holder));

    match (
        holders.clone().next(),
        holders.any(|holder| holder == Holder::User),
    ) {
        (None, _) => "the application",
        (Some(_), true) => "a user",
        (Some(_), false) => "a tenant",
    }
}

/// What the application may do where no policy says.
fn granted(scope: &Scope, rows: &str) -> Vec<Phrase> {
    let verbs = verbs(scope, true);
    let granted = (!verbs.is_empty()).then(|| {
        Phrase::words(format!(
            "the application may {} {rows}",
            listed(&verbs, "and")
        ))
    });

    granted.into_iter().chain(refused(scope)).collect()
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
