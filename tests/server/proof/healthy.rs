//! Where users are kept apart the proof says so, with a cell for every attempt.

use std::collections::BTreeMap;

use rls_core::testing::{Actor, Attempt, IsolationProof, Outcome};
use sea_orm::ConnectionTrait;
use sea_orm_rls::signing::SignedContexts;

use super::shop::{NOTEBOOKS, Shop, notebooks};
use crate::fixture::{Fixture, config, entities};

#[tokio::test]
async fn every_scope_is_proved() {
    let shop = Shop::new().await;
    let before = shop.counts().await;
    let proof = shop.prove().await.unwrap();

    println!("{proof}");
    proof.assert_isolated();

    let mut cells: BTreeMap<String, usize> = BTreeMap::new();
    for cell in proof.cells() {
        *cells.entry(cell.outcome.to_string()).or_default() += 1;
    }

    // Nine scoped tables with 20 attempts of three actors, and five on the table without row
    // security.
    assert_eq!(proof.cells().len(), 9 * 20 * 3 + 5);
    assert_eq!(cells["open"], 1);
    assert_eq!(cells["refused"], 4 + 9 * 3 + 2 * (10 * 3 - 1) + 2 * 3);
    assert_eq!(
        cells["held"],
        9 * 20 * 3 - 9 * 3 - 2 * (10 * 3 - 1) - 2 * 3 - 9 - 3
    );
    assert_eq!(shop.counts().await, before, "nothing is left behind");
}

/// FAULTS A3.
#[tokio::test]
async fn child_that_both_derives_tie_to_one_parent_is_proved() {
    let shop = Shop::with(NOTEBOOKS, notebooks()).await;
    shop.prove_plainly().await.unwrap().assert_isolated();

    // It still tells a policy that opens the child.
    shop.run(
        "DROP POLICY page_guard ON page; CREATE POLICY open ON page FOR SELECT TO \"$app\" USING \
         (true)",
    )
    .await;

    let proof = shop.prove_plainly().await.unwrap();
    assert!(
        matches!(
            proof.outcome("page", Attempt::Select, Actor::First),
            Some(Outcome::Leak { .. })
        ),
        "{proof}"
    );
}

/// The lines that a user writes.
#[tokio::test]
async fn an_application_proves_itself_in_a_few_lines() {
    let fixture = Fixture::new(1).await;
    let entities = entities();
    let proof = IsolationProof::new(&entities);
    let found = proof.run(&fixture.owner, &fixture.db).await.unwrap();

    found.assert_isolated();

    assert_eq!(
        found.outcome("task", Attempt::Cached, Actor::First),
        Some(&Outcome::Held)
    );

    let control = proof.control(&fixture.owner, &fixture.db).await.unwrap();
    control.assert_seeing();
}

/// The view that verifies contexts is left out, as the gate found it, and while it can only be read.
#[tokio::test]
async fn view_that_may_show_rows_is_untested() {
    let fixture = Fixture::signed(1).await;
    assert_eq!(untested(&fixture).await, [""; 0]);

    let app = fixture.config.app_role();
    for (made, undone, found) in [
        (
            "CREATE SCHEMA other; CREATE VIEW other.rls_signed_context AS SELECT * FROM task;
             GRANT USAGE ON SCHEMA other TO APP; GRANT SELECT ON other.rls_signed_context TO APP",
            "DROP SCHEMA other CASCADE",
            "other.rls_signed_context",
        ),
        (
            "GRANT INSERT ON rls_signed_context TO APP",
            "REVOKE INSERT ON rls_signed_context FROM APP",
            "public.rls_signed_context",
        ),
    ] {
        let run = async |sql: &str| {
            let sql = sql.replace("APP", &format!("\"{app}\""));
            fixture.owner.execute_unprepared(&sql).await.unwrap();
        };
        run(made).await;
        assert_eq!(untested(&fixture).await, [found]);
        run(undone).await;
    }

    let config = |database: &_| config(database).signed_contexts(SignedContexts::Off);
    let server = testbed::server().unwrap();
    let fixture = Fixture::configured(server, config, 1, |_| {}).await;
    let made = format!(
        "CREATE VIEW rls_signed_context AS SELECT * FROM task;
         GRANT SELECT ON rls_signed_context TO \"{}\"",
        fixture.config.app_role()
    );
    fixture.owner.execute_unprepared(&made).await.unwrap();
    assert_eq!(untested(&fixture).await, ["public.rls_signed_context"]);
}

async fn untested(fixture: &Fixture) -> Vec<String> {
    let entities = entities();
    let proof = IsolationProof::new(&entities)
        .run(&fixture.owner, &fixture.db)
        .await
        .unwrap();
    let tables = proof.untested().iter().map(|it| it.table.to_string());
    tables.collect()
}
