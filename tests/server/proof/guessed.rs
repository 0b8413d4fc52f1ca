//! Rows that cannot be guessed, and what is said of them.

use rls_core::testing::{IsolationProof, Proof, ProofError, Reach};
use sea_orm::Set;
use sea_orm_rls::policy::Command;
use sea_orm_rls::{Registry, UserContext, registry};

use super::shop::{Shop, account, country, open_ticket, org, profile, ticket};

async fn prove(tables: &str, registry: Registry) -> Proof {
    let shop = Shop::with(tables, registry).await;
    IsolationProof::new(&shop.registry)
        .run(&shop.owner, &shop.db)
        .await
        .unwrap()
}

/// The one table that could not be tried, and why.
fn reason<'p>(proof: &'p Proof, table: &str) -> &'p str {
    assert!(!proof.is_isolated());

    let found = proof
        .untested()
        .iter()
        .find(|untested| untested.table.table.as_str() == table);

    found.map_or_else(
        || panic!("{table} was tried: {proof}"),
        |untested| &untested.reason,
    )
}

#[tokio::test]
async fn row_that_a_check_refuses_wants_a_hook() {
    let shop = Shop::new().await;
    let proof = shop
        .proof_without_rows()
        .run(&shop.owner, &shop.db)
        .await
        .unwrap();

    assert_eq!(proof.untested().len(), 1);

    let reason = reason(&proof, "ticket");
    assert!(
        reason.contains("23514") && reason.contains("rows::<Entity>"),
        "{reason}"
    );

    let mended = shop.proof_without_rows().rows(|row| ticket::ActiveModel {
        // Whose the row is, is the proof's to say.
        owner_id: Set(1),
        id: Set(row.number()),
        ..open_ticket()
    });

    mended
        .run(&shop.owner, &shop.db)
        .await
        .unwrap()
        .assert_isolated();
}

#[tokio::test]
async fn column_of_an_unknown_type_is_named() {
    let table = "CREATE TABLE account (id bigint PRIMARY KEY, seen pg_snapshot NOT NULL)";
    let proof = prove(table, registry![account::Entity].unwrap()).await;
    let reason = reason(&proof, "account");

    assert!(
        reason.contains("`seen`")
            && reason.contains("pg_snapshot")
            && reason.contains("rows::<Entity>"),
        "{reason}"
    );
}

#[tokio::test]
async fn tables_that_wait_for_each_other_are_named_unless_their_keys_can_wait() {
    let tables = "CREATE TABLE account (id bigint PRIMARY KEY, home uuid NOT NULL);
        CREATE TABLE org (id uuid PRIMARY KEY, head bigint NOT NULL REFERENCES account $when);
        ALTER TABLE account ADD FOREIGN KEY (home) REFERENCES org $when";
    let registry = || registry![account::Entity, org::Entity as TenantScoped].unwrap();
    let proof = prove(&tables.replace("$when", ""), registry()).await;
    let reason = reason(&proof, "org");

    assert!(
        reason.contains("account") && reason.contains("org"),
        "{reason}"
    );

    prove(&tables.replace("$when", "DEFERRABLE"), registry())
        .await
        .assert_isolated();
}

#[tokio::test]
async fn row_that_a_trigger_gives_away_proves_nothing() {
    let tables = "CREATE TABLE account (id bigint PRIMARY KEY); INSERT INTO account VALUES (1);
        CREATE TABLE profile (account_id bigint PRIMARY KEY);
        CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.account_id := 1; \
        RETURN NEW; END';
        CREATE TRIGGER take BEFORE INSERT ON profile FOR EACH ROW EXECUTE FUNCTION take()";
    let proof = prove(tables, registry![account::Entity, profile::Entity].unwrap()).await;
    assert!(reason(&proof, "profile").contains("trigger"));
}

#[tokio::test]
async fn table_that_is_gone_is_untested() {
    let shop = Shop::new().await;
    shop.run("ALTER TABLE sample RENAME TO other").await;

    let proof = shop.prove().await.unwrap();
    assert!(reason(&proof, "sample").contains("no such table"));

    assert!(
        reason(&proof, "other").contains("no entity is registered"),
        "and its privileges are still there"
    );
}

#[tokio::test]
async fn what_policies_of_ones_own_let_through_is_said_and_proved() {
    let shop = Shop::new().await;
    let of = |reach: Option<Reach>| {
        let proof = IsolationProof::new(&shop.registry).rows(|_| open_ticket());
        match reach {
            Some(reach) => proof.expect::<ticket::Entity>(reach),
            None => proof,
        }
    };

    let unsaid = of(None).run(&shop.owner, &shop.db).await.unwrap();
    assert!(reason(&unsaid, "ticket").contains("expect::<Entity>"));

    // Everyone reads tickets: to say less is a leak, to say more is vacuous.
    let less = of(Some(Reach::own(Command::EACH)))
        .run(&shop.owner, &shop.db)
        .await
        .unwrap();

    assert!(
        less.to_string()
            .contains("LEAK: public.ticket, select as the first user and the second user:"),
        "{less}"
    );

    let more = Reach::own(Command::EACH)
        .others([Command::Select, Command::Delete])
        .nobody([Command::Select]);
    let more = of(Some(more)).run(&shop.owner, &shop.db).await.unwrap();
    assert!(
        more.to_string()
            .contains("VACUOUS: public.ticket, delete as the first user"),
        "{more}"
    );

    // Of a scope nothing is said that it does not say.
    let told = shop
        .proof()
        .expect::<profile::Entity>(Reach::own([]).others(Command::EACH));

    assert!(
        reason(&told.run(&shop.owner, &shop.db).await.unwrap(), "profile").contains("leave it out")
    );
}

#[tokio::test]
async fn users_are_the_callers_where_given() {
    let tables = "CREATE TABLE account (id bigint PRIMARY KEY CHECK (id < 10)); CREATE TABLE \
                  profile (account_id bigint)";
    let shop = Shop::with(tables, registry![account::Entity, profile::Entity].unwrap()).await;
    let proof = || IsolationProof::new(&shop.registry);

    assert!(
        !proof()
            .run(&shop.owner, &shop.db)
            .await
            .unwrap()
            .is_isolated(),
        "a made-up key is no such number"
    );

    let given = proof().users(UserContext::new(7), UserContext::new(8));
    given
        .run(&shop.owner, &shop.db)
        .await
        .unwrap()
        .assert_isolated();

    let same = proof()
        .users(UserContext::new(7), UserContext::new(7))
        .run(&shop.owner, &shop.db)
        .await;

    assert!(matches!(same, Err(ProofError::Same { setting }) if setting == "app.user_id"));
}

#[tokio::test]
async fn what_is_left_out_is_printed_with_its_reason() {
    let shop = Shop::new().await;
    shop.run(
        "CREATE VIEW totals AS SELECT count(*) FROM sample; GRANT SELECT ON totals TO \"$app\"",
    )
    .await;
    assert!(reason(&shop.prove().await.unwrap(), "totals").contains("a view"));

    let proof = shop
        .proof()
        .danger_untested("totals", "shows no one's rows")
        .run(&shop.owner, &shop.db)
        .await
        .unwrap();

    proof.assert_isolated();

    assert!(
        proof
            .to_string()
            .ends_with("left out: public.totals: shows no one's rows"),
        "{proof}"
    );
}

#[tokio::test]
async fn where_nothing_is_scoped_nothing_is_proved() {
    let tables = "CREATE TABLE country (code char(2) PRIMARY KEY)";
    let shop = Shop::with(tables, registry![country::Entity as Unscoped].unwrap()).await;
    let error = IsolationProof::new(&shop.registry)
        .run(&shop.owner, &shop.db)
        .await
        .unwrap_err();

    assert!(matches!(error, ProofError::NothingScoped));
}

/// A table, and a column of the tickets, with names longer than PostgreSQL keeps.
mod misnamed {
    pub mod table {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "a_table_whose_name_is_longer_than_all_that_postgresql_ever_keeps")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod column {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "ticket")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            #[sea_orm(
                column_name = "a_column_whose_name_is_longer_than_all_that_postgresql_ever_keeps"
            )]
            pub note: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }
}

#[tokio::test]
async fn name_that_postgres_would_not_keep_is_an_error() {
    let shop = Shop::new().await;

    for (proof, named) in [
        (shop.proof().danger_untested("public.", "none"), "public."),
        (
            shop.proof()
                .expect::<misnamed::table::Entity>(Reach::own([])),
            "a_table",
        ),
        (
            shop.proof().rows(|row| misnamed::table::ActiveModel {
                id: Set(row.number()),
            }),
            "a_table",
        ),
        (
            shop.proof().rows(|row| misnamed::column::ActiveModel {
                id: Set(row.number()),
                note: Set(String::new()),
            }),
            "public.ticket",
        ),
    ] {
        let error = proof.run(&shop.owner, &shop.db).await.unwrap_err();
        assert!(
            matches!(&error, ProofError::Name { table, .. } if table.starts_with(named)),
            "{error}"
        );
    }
}
