//! Ways to break isolation by hand; each makes the proof fail, at the table and attempt where it is
//! broken.

use rls_core::testing::{Actor, Attempt, Outcome, Proof, ProofError};

use sea_orm_rls::{Registry, registry};

use super::shop::{Shop, TABLES, account, country, org, profile, project, sample, step};

/// Where a fault shows.
enum Shows {
    /// A leak in this cell.
    Leak(&'static str, Attempt, Actor),
    /// A cell that proves nothing.
    Vacuous(&'static str, Attempt, Actor),
    /// A table of which nothing can be tried.
    Untested(&'static str),
    /// Nothing is played.
    Refused(&'static str),
}

use Actor::{First, Nobody, Second};
use Shows::{Leak, Refused, Untested, Vacuous};

/// What is done, what undoes what a sync does not, and where it shows.
const FAULTS: [(&str, &str, Shows); 30] = [
    (
        "ALTER TABLE sample DISABLE ROW LEVEL SECURITY",
        "",
        Leak("sample", Attempt::Select, First),
    ),
    (
        "ALTER TABLE step DISABLE ROW LEVEL SECURITY",
        "",
        Leak("step", Attempt::Login, Nobody),
    ),
    (
        "DROP POLICY sample_guard ON sample; CREATE POLICY stray ON sample USING (true)",
        "DROP POLICY stray ON sample",
        Leak("sample", Attempt::UpdateAll, Nobody),
    ),
    (
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_select ON sample USING \
         (true)",
        "",
        Leak("sample", Attempt::Cursor, Second),
    ),
    (
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_insert ON sample WITH CHECK \
         (true)",
        "",
        Leak("sample", Attempt::Forge, First),
    ),
    (
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_update ON sample USING \
         (true) WITH CHECK (true)",
        "",
        Leak("sample", Attempt::UpdateAll, Second),
    ),
    (
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_update ON sample WITH CHECK \
         (true)",
        "",
        Leak("sample", Attempt::Move, First),
    ),
    (
        "DROP POLICY sample_guard ON sample; ALTER POLICY sample_owner_delete ON sample USING \
         (true)",
        "",
        Leak("sample", Attempt::DeleteAll, Nobody),
    ),
    (
        "DROP POLICY account_guard ON account; ALTER POLICY account_owner_select ON account USING \
         (true)",
        "",
        Leak("account", Attempt::Count, First),
    ),
    (
        "DROP POLICY account_guard ON account; ALTER POLICY account_owner_insert ON account WITH \
         CHECK (true)",
        "",
        Leak("account", Attempt::Forge, Nobody),
    ),
    (
        "DROP POLICY project_guard_select ON project;
         ALTER POLICY project_tenant_select ON project
           USING (owner_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::bigint))",
        "",
        Leak("project", Attempt::Select, First),
    ),
    (
        "DROP POLICY project_guard_insert ON project;
         ALTER POLICY project_tenant_insert ON project
           WITH CHECK (tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), \
           '')::uuid))",
        "",
        Leak("project", Attempt::Forge, Second),
    ),
    (
        "DROP POLICY project_guard_update ON project;
         ALTER POLICY project_tenant_update ON project USING (is_public OR owner_id =
           (SELECT NULLIF(current_setting('app.user_id', true), '')::bigint)) WITH CHECK (true)",
        "",
        Leak("project", Attempt::UpdateAll, First),
    ),
    (
        "DROP POLICY project_guard_select ON project; ALTER POLICY project_tenant_select ON \
         project USING (is_public)",
        "",
        Leak("project", Attempt::Query, Nobody),
    ),
    (
        "DROP POLICY step_guard ON step;
         ALTER POLICY step_owner_select ON step USING (project_id IN (SELECT id FROM project))",
        "",
        Leak("step", Attempt::Select, First),
    ),
    (
        "DROP POLICY sample_guard ON sample;
         CREATE POLICY stray ON sample FOR SELECT USING (current_setting('app.user_id', true) = \
         '')",
        "DROP POLICY stray ON sample",
        Leak("sample", Attempt::Copy, Nobody),
    ),
    (
        "CREATE FUNCTION me() RETURNS bigint IMMUTABLE LANGUAGE sql AS
           $$ SELECT NULLIF(current_setting('app.user_id', true), '')::bigint $$;
         ALTER POLICY sample_guard ON sample USING (owner_id = me());
         ALTER POLICY sample_owner_select ON sample USING (owner_id = me())",
        "",
        Leak("sample", Attempt::Cached, First),
    ),
    (
        "GRANT TRUNCATE ON sample TO \"$app\"",
        "REVOKE TRUNCATE ON sample FROM \"$app\"",
        Leak("sample", Attempt::Truncate, First),
    ),
    (
        "GRANT DELETE ON profile TO \"$app\"",
        "REVOKE DELETE ON profile FROM \"$app\"",
        Leak("profile", Attempt::DeleteAll, First),
    ),
    (
        "GRANT UPDATE ON country TO \"$app\"",
        "REVOKE UPDATE ON country FROM \"$app\"",
        Leak("country", Attempt::Update, Nobody),
    ),
    (
        "INSERT INTO country VALUES ('zz', 'z'); INSERT INTO account VALUES (1, 'old', 'zz');
         DROP POLICY account_guard ON account; CREATE POLICY stray ON account FOR SELECT USING \
         (email = 'old')",
        "DROP POLICY stray ON account; DELETE FROM account WHERE id = 1",
        Leak("account", Attempt::Select, Second),
    ),
    (
        "ALTER POLICY sample_owner_select ON sample TO \
      \"$admin\"",
        "",
        Vacuous("sample", Attempt::Select, First),
    ),
    (
        "DROP POLICY sample_owner_delete ON sample",
        "",
        Vacuous("sample", Attempt::Delete, Second),
    ),
    (
        "ALTER TABLE sample ALTER owner_id DROP \
      DEFAULT",
        "",
        Vacuous("sample", Attempt::Insert, First),
    ),
    (
        "REVOKE SELECT ON sample FROM \"$app\"",
        "",
        Vacuous("sample", Attempt::Select, First),
    ),
    (
        "CREATE VIEW everyones AS SELECT * FROM sample; GRANT SELECT ON everyones TO \"$app\"",
        "DROP VIEW everyones",
        Untested("everyones"),
    ),
    (
        "GRANT SELECT ON sample_all TO \
      \"$app\"",
        "REVOKE SELECT ON sample_all FROM \"$app\"",
        Untested("sample_all"),
    ),
    (
        "ALTER ROLE \"$app\" BYPASSRLS",
        "ALTER ROLE \"$app\" NOBYPASSRLS",
        Refused("BYPASSRLS"),
    ),
    (
        "ALTER ROLE \"$app\" SUPERUSER",
        "ALTER ROLE \"$app\" NOSUPERUSER",
        Refused("superuser"),
    ),
    (
        "ALTER TABLE sample OWNER TO \
      \"$app\"",
        "ALTER TABLE sample OWNER TO CURRENT_USER",
        Refused("sample"),
    ),
];

/// Whether the fault shows where it is, and nothing else does that could not.
fn shows(shows: &Shows, proved: &Result<Proof, ProofError>) -> bool {
    let failed = |proof: &Proof| !proof.is_isolated();
    match (shows, proved) {
        (Leak(table, attempt, actor), Ok(proof)) => {
            failed(proof)
                && matches!(
                    proof.outcome(table, *attempt, *actor),
                    Some(Outcome::Leak { .. })
                )
        }
        (Vacuous(table, attempt, actor), Ok(proof)) => {
            failed(proof)
                && matches!(
                    proof.outcome(table, *attempt, *actor),
                    Some(Outcome::Vacuous { .. })
                )
        }
        (Untested(table), Ok(proof)) => {
            failed(proof)
                && proof
                    .untested()
                    .iter()
                    .any(|untested| untested.table.table.as_str() == *table)
        }
        (Refused(word), Err(error)) => error.to_string().contains(word),
        _ => false,
    }
}

impl Shows {
    /// Whether it shows in what is owned in two ways, or through another table.
    fn is_through(&self) -> bool {
        match self {
            Leak(table, ..) | Vacuous(table, ..) | Untested(table) | Refused(table) => {
                ["project", "step"].contains(table)
            }
        }
    }
}

/// Makes each fault and undoes it.
async fn assert_seen<'a>(
    registry: Registry,
    faults: impl Iterator<Item = &'a (&'a str, &'a str, Shows)>,
) {
    let shop = Shop::with(TABLES, registry).await;
    let mut unseen = Vec::new();

    for (fault, undo, expected) in faults {
        shop.run(fault).await;

        let proved = shop.prove_plainly().await;
        if !shows(expected, &proved) {
            let said = proved.map_or_else(|error| error.to_string(), |proof| proof.to_string());
            unseen.push(format!("{fault}\n{said}"));
        }

        if !undo.is_empty() {
            shop.run(undo).await;
        }

        shop.mend().await;
    }

    assert!(
        unseen.is_empty(),
        "{} faults were not seen:\n{}",
        unseen.len(),
        unseen.join("\n\n")
    );
    shop.prove_plainly().await.unwrap().assert_isolated();
}

#[tokio::test]
async fn each_fault_of_a_users_rows_shows_where_it_is() {
    let registry = registry![
        account::Entity,
        country::Entity as Unscoped,
        profile::Entity,
        sample::Entity
    ]
    .unwrap();

    assert_seen(
        registry,
        FAULTS.iter().filter(|(.., shows)| !shows.is_through()),
    )
    .await;
}

#[tokio::test]
async fn each_fault_of_rows_that_belong_in_several_ways_shows_where_it_is() {
    let registry = registry![
        org::Entity as TenantScoped,
        account::Entity,
        country::Entity as Unscoped,
        project::Entity,
        project::Entity as TenantScoped,
        step::Entity,
    ];

    assert_seen(
        registry.unwrap(),
        FAULTS.iter().filter(|(.., shows)| shows.is_through()),
    )
    .await;
}

#[tokio::test]
async fn column_that_everyone_may_change_is_a_leak_of_an_unscoped_table() {
    let tables = "CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL);
        CREATE TABLE country (code char(2) PRIMARY KEY, name text NOT NULL)";
    let shop = Shop::with(
        tables,
        registry![account::Entity, country::Entity as Unscoped].unwrap(),
    )
    .await;

    assert!(shop.prove_plainly().await.unwrap().is_isolated());
    shop.run("GRANT UPDATE (name) ON country TO \"$app\"").await;

    let proof = shop.prove_plainly().await.unwrap();

    assert!(
        matches!(
            proof.outcome("country", Attempt::Update, Nobody),
            Some(Outcome::Leak { .. })
        ),
        "{proof}"
    );
}
