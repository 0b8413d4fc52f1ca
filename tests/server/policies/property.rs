//! Any policies, then any other: applying the difference gives the other, and then nothing is
//! different.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Alias, Cond, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::model::Identifier;
use sea_orm_rls::policy::{Command, Expression, Grantee, Policy, PolicyDraft, setting};

use super::{Things, thing};
use crate::schema::texts;

/// Walks at once, each on a database of its own, and the steps of each.
const WALKS: usize = 4;

const STEPS: usize = 500;

fn leaf() -> BoxedStrategy<Expr> {
    let column = |name: &'static str| Expr::col(name);
    prop_oneof![
        Just(column("flag")),
        Just(Expr::col((thing::Entity, thing::Column::Flag))),
        (-3..3_i32).prop_map(move |value| column("owner_id").eq(value)),
        (-3..3_i64).prop_map(move |value| column("org").gte(value)),
        select(vec!["Open", "open", "it's", "back\\slash", "é\"", ""])
            .prop_map(move |label| column("label").ne(label)),
        select(vec!["app.account", "app.Other"])
            .prop_map(move |name| column("owner_id").lte(setting::<i32>(name))),
        Just(column("org").eq(PgFunc::any(setting::<Vec<i64>>("app.orgs")))),
        proptest::collection::vec(-2..4_i32, 1..4).prop_map(move |list| column("id").is_in(list)),
        select(vec!["Open", "open", "shut"])
            .prop_map(move |state| column("state").eq(Expr::val(state).cast_as("state"))),
        Just(column("parent").is_null()),
        (0..3_i32).prop_map(move |account| {
            let orgs = Query::select()
                .column(Alias::new("org"))
                .from(Alias::new("member"))
                .and_where(Expr::col("account").eq(account))
                .to_owned();
            column("org").in_subquery(orgs)
        }),
        select(vec![
            "label::varchar(3) = 'abc'",
            "label::varchar(4) = 'abc'",
            "made > now() - interval '1 day'",
            "EXISTS (SELECT FROM member t WHERE t.org = thing.org AND thing.flag)",
            "EXISTS (SELECT FROM side.thing WHERE thing.flag)",
            "tags @> ARRAY['a', 'b''c']",
            "CASE WHEN flag THEN org = 1 ELSE NULL END",
        ])
        .prop_map(Expr::cust),
    ]
    .boxed()
}

fn condition() -> impl Strategy<Value = Expression> {
    let expr = leaf().prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
            inner.clone().prop_map(ExprTrait::not),
            proptest::collection::vec(inner, 1..4)
                .prop_map(|parts| parts.into_iter().fold(Cond::any(), Cond::add).into()),
        ]
    });

    let name = |name: &str| Identifier::new(name).unwrap();

    prop_oneof![
        6 => expr.prop_map(Expression::from),
        1 => any::<bool>().prop_map(Expression::from),
        1 => Just(Expression::IsTrue(name("flag"))),
        1 => Just(Expression::NotDeleted(name("made"))),
        1 => leaf().prop_map(move |leaf| Expression::all([Expression::IsTrue(name("flag")), leaf.into()])),
    ]
}

fn draft(roles: [String; 2]) -> impl Strategy<Value = PolicyDraft> {
    let names = vec!["p1", "p2", "p3", "Ünï", "a\"b c"];
    let commands = proptest::collection::btree_set(select(Command::EACH.to_vec()), 0..4);
    let [one, two] = roles.map(Grantee::Role);
    let grantees = proptest::collection::btree_set(
        select(vec![
            Grantee::App,
            Grantee::Admin,
            Grantee::Public,
            one,
            two,
        ]),
        0..3,
    );

    let comment = proptest::option::of(select(vec!["why", "two\nlines", "it's \\ '"]));

    (
        select(names),
        any::<bool>(),
        commands,
        grantees,
        condition(),
        proptest::option::of(condition()),
        comment,
    )
        .prop_map(
            |(name, permissive, commands, grantees, using, with_check, comment)| {
                let insert_only = commands.iter().eq([&Command::Insert]);
                let writes = commands.is_empty()
                    || commands.contains(&Command::Insert)
                    || commands.contains(&Command::Update);
                let draft = if permissive {
                    Policy::permissive(name)
                } else {
                    Policy::restrictive(name)
                };

                let draft = draft.on(commands).to(grantees);
                let draft = match (insert_only, writes, with_check) {
                    (true, _, with_check) => draft.with_check(with_check.unwrap_or(using)),
                    (false, true, Some(with_check)) => draft.using(using).with_check(with_check),
                    _ => draft.using(using),
                };

                match comment {
                    Some(comment) => draft.comment(comment),
                    None => draft,
                }
            },
        )
}

/// Policies of different names.
fn drafts(roles: [String; 2], things: &Things) -> impl Strategy<Value = Vec<PolicyDraft>> {
    let config = things.config.clone();
    proptest::collection::vec(draft(roles), 0..4).prop_map(move |drafts| {
        let mut names = std::collections::BTreeSet::new();
        drafts
            .into_iter()
            .filter(|draft| {
                draft
                    .build(&config)
                    .unwrap()
                    .into_iter()
                    .all(|policy| names.insert(policy.name))
            })
            .collect()
    })
}

const HELD: &str =
    "SELECT concat_ws(' | ', policyname, permissive, roles, cmd, coalesce(qual, '-'), \
     coalesce(with_check, '-'))
    FROM pg_policies WHERE schemaname = 'public' AND tablename = 'thing' AND policyname NOT LIKE \
    'thing_%'
    ORDER BY policyname";

/// What the server holds if the same policies are created from nothing, without a diff.
async fn created(things: &Things, drafts: &[PolicyDraft]) -> Vec<String> {
    let transaction = things.owner.begin().await.unwrap();
    transaction
        .execute_unprepared("ALTER TABLE thing RENAME TO gone; CREATE TABLE thing (LIKE gone)")
        .await
        .unwrap();

    for policy in drafts
        .iter()
        .flat_map(|draft| draft.build(&things.config).unwrap())
    {
        let name = policy.name.as_str().replace('"', "\"\"");
        transaction
            .execute_unprepared(&format!("CREATE POLICY \"{name}\" ON thing AS {policy}"))
            .await
            .unwrap();
    }

    let held = texts(&transaction, HELD).await;
    transaction.rollback().await.unwrap();

    held
}

fn shown(things: &Things, drafts: &[PolicyDraft]) -> String {
    let policies = drafts
        .iter()
        .flat_map(|draft| draft.build(&things.config).unwrap());
    policies
        .map(|policy| format!("{}: {policy}", policy.name))
        .collect::<Vec<_>>()
        .join("\n")
}

fn cases(roles: [String; 2], things: &Things) -> Vec<Vec<PolicyDraft>> {
    let (mut runner, strategy) = (TestRunner::default(), drafts(roles, things));
    (0..STEPS)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

async fn walk() -> usize {
    let things = Things::new().await;
    let roles = [things.database.role("one"), things.database.role("two")];

    for role in &roles {
        things
            .owner
            .execute_unprepared(&format!("CREATE ROLE \"{role}\""))
            .await
            .unwrap();
    }

    for next in cases(roles, &things) {
        things
            .sync(next.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{}", shown(&things, &next)));

        let second = things.plan(next.clone()).await.unwrap();
        assert_eq!(second.to_string(), "", "{}", shown(&things, &next));

        assert_eq!(
            texts(&things.owner, HELD).await,
            created(&things, &next).await,
            "{}",
            shown(&things, &next)
        );
    }

    STEPS
}

#[tokio::test]
async fn applying_the_difference_gives_the_other() {
    let walks = (0..WALKS).map(|_| tokio::spawn(walk()));
    let mut cases = 0;
    for walk in walks.collect::<Vec<_>>() {
        cases += walk.await.unwrap();
    }

    assert!(cases >= 2000);
}
