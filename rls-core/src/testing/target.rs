//! Makes the rows of a table, ready for the attempts.

use crate::model::scope::{Key, Scope};
use crate::name::TableName;

use super::Actor;
use super::draft::Draft;
use super::error::Trouble;
use super::expect::{Reach, RowSpec};
use super::plan::{Drafts, Foreign, Row, Target};
use super::row::Maker;
use super::shape::{Anchor, Subject, Tie, Ties};
use super::value;

/// Makes the rows of both users, and drafts those that they insert.
pub(super) async fn prepare<'a>(
    maker: &mut Maker<'a, '_>,
    scope: &'a Scope,
    reach: Option<&'a Reach>,
) -> Result<Target<'a>, Trouble> {
    let schema = maker.schema;
    let Some(table) = schema.tables.get(&scope.table) else {
        return Err(Trouble::Table(
            "there is no such table: run the migrations".to_owned(),
        ));
    };

    let mut rows = Vec::new();
    for spec in specs(maker, scope, reach) {
        match maker.make(&scope.table, &spec).await {
            Ok(made) => rows.push(Row { spec, made }),
            // A unique key may forbid a second row, or one that belongs to both users in part.
            Err(Trouble::Constraint(_)) if !is_needed(&spec) => {}
            Err(trouble) => return Err(trouble),
        }
    }

    let third = third(maker, scope, table);
    let mut drafts = drafts(maker, scope).await?;
    foreign(maker, scope, &rows, &mut drafts).await?;

    Ok(Target {
        scope,
        reach,
        table,
        rows,
        drafts,
        third,
    })
}

fn is_needed(spec: &RowSpec) -> bool {
    spec.is_plain()
        && [Subject::First, Subject::Second]
            .into_iter()
            .any(|subject| spec.ties.are(subject))
}

/// The rows to make: for each combination of ties a plain one, one for each way to share it, and
/// for each user one that is marked as deleted.
fn specs(maker: &Maker<'_, '_>, scope: &Scope, reach: Option<&Reach>) -> Vec<RowSpec> {
    let all = maker.scopes.ties(scope);
    let mut specs: Vec<RowSpec> = all.iter().cloned().map(RowSpec::plain).collect();
    if reach.is_some() {
        return specs;
    }

    for holder in scope.shared.keys() {
        specs.extend(all.iter().map(|ties| RowSpec {
            shared: [*holder].into(),
            ..RowSpec::plain(ties.clone())
        }));
    }

    if scope.soft_delete.is_some() {
        specs.extend(all.iter().take(2).map(|ties| RowSpec {
            deleted: true,
            ..RowSpec::plain(ties.clone())
        }));
    }

    specs
}

/// The key of the third user, who has no row, if the rows are the users or tenants themselves.
fn third<'a>(
    maker: &Maker<'_, '_>,
    scope: &'a Scope,
    table: &super::schema::Table,
) -> Option<(&'a crate::name::SettingName, String)> {
    let key = Anchor::of(scope)
        .into_iter()
        .find_map(|anchor| match anchor {
            Anchor::Key(key) if anchor.is_identity() => Some(key),
            _ => None,
        })?;

    let text = maker.users.value(&key.setting, Subject::Third)?;

    Some((
        &key.setting,
        value::cast(Some(text), &table.column(&key.column)?.sql_type),
    ))
}

async fn drafts(maker: &mut Maker<'_, '_>, scope: &Scope) -> Result<Drafts, Trouble> {
    let all = maker.scopes.ties(scope);
    let mut drafts = Drafts::default();

    for (actor, own) in [
        (Actor::First, Subject::First),
        (Actor::Second, Subject::Second),
    ] {
        let ties = newcomer(maker, scope, maker.scopes.uniform(&scope.table, own));
        let mut draft = maker.draft(&scope.table, &RowSpec::plain(ties)).await?;

        // The application leaves these to the column's default.
        leave_out(&mut draft, scope, |key| {
            key.owned().is_some_and(|owned| owned.default)
        });
        drafts.own.push((actor, draft));

        for ties in all.iter().filter(|ties| !ties.are(own)) {
            forge(maker, scope, actor, ties, &mut drafts).await?;
        }
    }

    for ties in &all[..2] {
        forge(maker, scope, Actor::Nobody, ties, &mut drafts).await?;
    }

    if !scope.keys.is_empty() {
        let mut draft = maker
            .draft(&scope.table, &RowSpec::plain(all[0].clone()))
            .await?;
        leave_out(&mut draft, scope, |_| true);
        drafts.forged.push((Actor::Nobody, draft));
    }

    Ok(drafts)
}

/// Drafts rows of each user that refer to a row of the other, by each bound reference. What a table
/// with policies of its own lets others read, its scope does not tell.
async fn foreign(
    maker: &mut Maker<'_, '_>,
    scope: &Scope,
    rows: &[Row],
    drafts: &mut Drafts,
) -> Result<(), Trouble> {
    for bound in &scope.bound {
        let parent = maker.scopes.get(&bound.parent);
        if parent.is_none_or(|parent| !parent.policies.is_empty()) {
            continue;
        }

        for (actor, other) in [
            (Actor::First, Subject::Second),
            (Actor::Second, Subject::First),
        ] {
            let spec = RowSpec::plain(maker.scopes.uniform(&bound.parent, other));
            let stands = rows
                .iter()
                .find(|row| bound.parent == scope.table && row.spec == spec)
                .map(|row| row.made.clone());
            let made = match stands {
                Some(made) => made,
                None => maker.make(&bound.parent, &spec).await?,
            };

            let Some((own, column)) = drafts.own.iter().find(|(of, _)| *of == actor).zip(
                maker
                    .schema
                    .tables
                    .get(&scope.table)
                    .and_then(|table| table.column(&bound.column)),
            ) else {
                continue;
            };

            let mut draft = own.1.clone();
            let value = made.values.get(&bound.parent_column);
            let value = value.and_then(Option::as_deref);
            draft.insert(column.name.clone(), value::cast(value, &column.sql_type));

            let column = column.name.clone();
            drafts.foreign.push((actor, Foreign { draft, column }));
        }
    }

    Ok(())
}

async fn forge(
    maker: &mut Maker<'_, '_>,
    scope: &Scope,
    actor: Actor,
    ties: &Ties,
    drafts: &mut Drafts,
) -> Result<(), Trouble> {
    let uniform = [Subject::First, Subject::Second]
        .into_iter()
        .any(|subject| ties.are(subject));
    let ties = newcomer(maker, scope, ties.clone());

    match maker.draft(&scope.table, &RowSpec::plain(ties)).await {
        Ok(draft) => drafts.forged.push((actor, draft)),
        Err(Trouble::Constraint(_)) if !uniform => {}
        Err(trouble) => return Err(trouble),
    }

    Ok(())
}

/// Replaces whoever has a row already by the third user, if the rows are the users or tenants
/// themselves.
fn newcomer(maker: &Maker<'_, '_>, scope: &Scope, mut ties: Ties) -> Ties {
    if maker.users.has_third() {
        for (anchor, tie) in Anchor::of(scope).into_iter().zip(&mut ties.ties) {
            if anchor.is_identity() {
                *tie = Tie::Key(Subject::Third);
            }
        }
    }

    ties
}

fn leave_out(draft: &mut Draft, scope: &Scope, which: impl Fn(&Key) -> bool) {
    for key in scope.keys.iter().filter(|key| which(key)) {
        draft.remove(&key.column);
    }
}

/// Whether a name in the registry or in a hook means this table.
pub(super) fn is_of(
    named: &TableName,
    table: &TableName,
    schema: &crate::name::Identifier,
) -> bool {
    named.or_in(schema) == *table
}
