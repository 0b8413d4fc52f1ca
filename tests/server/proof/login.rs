//! As whom the proof runs: the rows' login, and what the application's login has that `SET ROLE`
//! does not give.

use rls_core::testing::{Actor, Attempt, IsolationProof, Outcome, ProofError};
use sea_orm::Database;
use sea_orm_rls::{RlsConnection, registry};

use super::shop::{Shop, account, country};

/// Another login, and its connection.
async fn as_login(shop: &Shop, name: &str) -> (String, sea_orm::DatabaseConnection) {
    let role = shop.database.role(name);
    shop.run(&format!("CREATE ROLE \"{role}\" LOGIN PASSWORD 'p'"))
        .await;

    let connection = Database::connect(shop.database.url_as(&role, "p"))
        .await
        .unwrap();
    (role, connection)
}

#[tokio::test]
async fn plain_owner_proves_as_a_superuser_does() {
    let shop = Shop::new().await;
    let (role, owner) = as_login(&shop, "plain_owner").await;
    shop.own(&role).await;

    let cannot = shop.proof().run(&owner, &shop.db).await.unwrap_err();
    assert!(
        matches!(&cannot, ProofError::CannotAct { login, .. } if *login == role),
        "{cannot}"
    );
    shop.run(&format!("GRANT \"$app\" TO \"{role}\"")).await;

    let before = shop.counts().await;
    shop.proof()
        .run(&owner, &shop.db)
        .await
        .unwrap()
        .assert_isolated();
    assert_eq!(shop.counts().await, before);
    assert_eq!(
        shop.number(
            "SELECT count(*) FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity"
        )
        .await,
        0
    );
    shop.run(
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_select ON sample USING \
              (true)",
    )
    .await;

    let proof = shop.proof().run(&owner, &shop.db).await.unwrap();

    assert!(
        matches!(
            proof.outcome("sample", Attempt::Select, Actor::First),
            Some(Outcome::Leak { .. })
        ),
        "{proof}"
    );
}

#[tokio::test]
async fn login_that_does_not_see_all_rows_makes_none() {
    let shop = Shop::new().await;
    let (role, other) = as_login(&shop, "no_owner").await;
    shop.run(&format!("GRANT \"$app\" TO \"{role}\"")).await;

    let hidden = shop.proof().run(&other, &shop.db).await.unwrap_err();

    assert!(
        matches!(&hidden, ProofError::Hidden { table } if table == "public.account"),
        "{hidden}"
    );
}

#[tokio::test]
async fn settings_of_the_application_s_login_hold() {
    let shop = Shop::new().await;

    // A policy that opens if a setting of the login says so, which `SET ROLE` does not apply.
    shop.run(
        "DROP POLICY sample_guard ON sample;
         CREATE POLICY stray ON sample FOR SELECT USING (current_setting('IntervalStyle') = \
         'sql_standard')",
    )
    .await;

    let role = shop.config.app_role();
    let select = |proof: rls_core::testing::Proof| {
        proof
            .outcome("sample", Attempt::Select, Actor::First)
            .cloned()
    };

    assert_eq!(select(shop.prove().await.unwrap()), Some(Outcome::Held));
    shop.run(&format!(
        "ALTER ROLE \"{role}\" SET IntervalStyle = 'sql_standard'"
    ))
    .await;

    let db = RlsConnection::connect_with(
        shop.database.url(),
        shop.config.clone(),
        shop.registry.clone(),
    )
    .await;

    assert!(db.is_err(), "the gate finds the guard gone");

    // So it is asked of the connection that was there before, whose next session has the setting.
    shop.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$app'")
        .await;

    let mut opened = shop.prove().await;
    for _ in 0..10 {
        if opened.is_ok() {
            break;
        }

        opened = shop.prove().await;
    }

    assert!(matches!(
        select(opened.unwrap()),
        Some(Outcome::Leak { .. })
    ));
}

#[tokio::test]
async fn proof_and_connection_know_the_same_tables() {
    let shop = Shop::new().await;
    let fewer = registry![account::Entity, country::Entity as Unscoped].unwrap();
    let other = IsolationProof::new(&fewer)
        .run(&shop.owner, &shop.db)
        .await
        .unwrap_err();

    assert!(
        matches!(&other, ProofError::OtherTables { tables } if tables.contains("sample")),
        "{other}"
    );
}
