//! Privileges that entities limit to columns: granted, refused by name, mended, gated and proven.

use rls_core::testing::{Attempt, IsolationProof, Outcome, Proof};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, EntityTrait, IntoActiveModel, Set,
    TransactionTrait,
};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::error::{GateFinding, SchemaError};
use sea_orm_rls::model::{Identifier, Privilege};
use sea_orm_rls::policy::Command;
use sea_orm_rls::schema::{apply_statements, read};
use sea_orm_rls::{
    AdminContext, Registry, RlsConnection, RlsError, RlsSchema, UserContext, registry,
};

use super::shop::Shop;
use crate::schema::{text, texts};

mod person {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "person")]
    #[user_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod product {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "product")]
    #[user_scoped(
        grant(select, insert(title, done), update(title, done), delete),
        admin(select, insert, update(price, owner_id))
    )]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: i32,
        pub title: String,
        #[sea_orm(column_name = "is \"done\"")]
        pub done: bool,
        pub price: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod wide {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "product")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub owner_id: i32,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod rate {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "rate")]
    #[unscoped(
        reason = "the same for all",
        grant(select, update(note)),
        admin(select)
    )]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub note: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod story {
    use rls_core::{Expression, Policy, PolicyDraft};
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "story")]
    #[rls_policies(policies = all, grant(select, update(text)))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub text: String,
    }

    impl ActiveModelBehavior for ActiveModel {}

    fn all() -> [PolicyDraft; 1] {
        [Policy::permissive("all").using(Expression::True)]
    }
}

const TABLES: &str = r#"
    CREATE TABLE person (id integer PRIMARY KEY);
    CREATE TABLE product (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      owner_id integer NOT NULL, title text NOT NULL, "is ""done""" boolean NOT NULL DEFAULT false,
      price integer NOT NULL DEFAULT 10, size integer GENERATED ALWAYS AS (price * 2) STORED);
    CREATE TABLE rate (id integer PRIMARY KEY, note text NOT NULL);
    CREATE TABLE story (id integer PRIMARY KEY, text text NOT NULL);
    INSERT INTO person VALUES (1), (2)"#;

fn entities() -> Registry {
    registry![
        person::Entity,
        product::Entity,
        rate::Entity as Unscoped,
        story::Entity as RlsPolicies,
    ]
    .unwrap()
}

async fn shop() -> Shop {
    Shop::with(TABLES, entities()).await
}

fn schema(shop: &Shop) -> RlsSchema {
    RlsSchema::new(entities(), shop.config.clone())
}

async fn prove(shop: &Shop) -> Proof {
    IsolationProof::new(&shop.registry)
        .danger_untested("story", "it has policies of its own")
        .run(&shop.owner, &shop.db)
        .await
        .unwrap()
}

fn titled(title: &str) -> product::ActiveModel {
    product::ActiveModel {
        title: Set(title.to_owned()),
        done: Set(true),
        ..Default::default()
    }
}

/// The command, the columns and those allowed of a refusal.
fn refused(error: impl Into<RlsError>) -> (Command, Vec<String>, Vec<String>) {
    match error.into() {
        RlsError::ColumnNotGranted {
            table,
            command,
            columns,
            allowed,
        } if table == "product" => (command, columns, allowed),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn statements_of_listed_columns_run_and_others_are_refused_by_name() {
    let shop = shop().await;
    let mine = shop.db.scope(UserContext::new(1));
    let admin = shop
        .db
        .admin(AdminContext::new("carol", "a new price").unwrap());
    let allowed = vec!["is \"done\"".to_owned(), "title".to_owned()];

    let made = titled("a").insert(&mine).await.unwrap();
    assert_eq!((made.owner_id, made.price, made.done), (1, 10, true));
    product::ActiveModel {
        title: Set("b".to_owned()),
        ..made.clone().into_active_model()
    }
    .update(&mine)
    .await
    .unwrap();

    let priced = product::ActiveModel {
        price: Set(0),
        ..titled("c")
    };
    let error = priced.insert(&mine).await.unwrap_err();
    assert!(
        error.to_string().contains("`price`"),
        "SeaORM's error says it: {error}"
    );
    let price = || vec!["price".to_owned()];
    assert_eq!(refused(error), (Command::Insert, price(), allowed.clone()));

    // A full-row update sends all columns but the key.
    let all = made.clone().into_active_model().reset_all();
    let error = all.clone().update(&mine).await.unwrap_err();
    let both = vec!["owner_id".to_owned(), "price".to_owned()];
    assert_eq!(
        refused(error),
        (Command::Update, both.clone(), allowed.clone())
    );

    let transaction = mine.begin().await.unwrap();
    let error = all.update(&transaction).await.unwrap_err();
    assert_eq!(refused(error), (Command::Update, both, allowed.clone()));
    transaction.rollback().await.unwrap();

    let many = [titled("d"), titled("e")];
    product::Entity::insert_many(many)
        .exec(&mine)
        .await
        .unwrap();

    for (sql, columns) in [
        ("UPDATE product SET price = 1", price()),
        ("INSERT INTO product VALUES (DEFAULT, 1, 't')", vec![]),
        (
            "INSERT INTO product (title) VALUES ('t') ON CONFLICT (id) DO UPDATE SET price = 1",
            price(),
        ),
    ] {
        let error = mine.execute_unprepared(sql).await.unwrap_err();
        assert_eq!(refused(error).1, columns, "{sql}");
    }

    // Another privilege is missing: the columns are not what stands in the way.
    let error = RlsError::from(
        mine.execute_unprepared("TRUNCATE product")
            .await
            .unwrap_err(),
    );
    assert!(matches!(error, RlsError::MissingGrant { .. }), "{error}");

    let cheap = product::ActiveModel {
        id: ActiveValue::Unchanged(made.id),
        price: Set(1),
        owner_id: Set(2),
        ..Default::default()
    };
    cheap.update(&admin).await.unwrap();
    let renamed = product::ActiveModel {
        id: ActiveValue::Unchanged(made.id),
        ..titled("f")
    };
    let (command, columns, allowed) = refused(renamed.update(&admin).await.unwrap_err());
    assert_eq!((command, columns.len()), (Command::Update, 2));
    assert_eq!(allowed, ["owner_id", "price"]);
}

#[tokio::test]
async fn drift_of_columns_is_mended_and_scripts_go_up_and_down() {
    let shop = shop().await;
    let rls = schema(&shop);
    let plan = rls.plan(&shop.owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");
    let acl = "SELECT concat_ws('|', c.relname, g.column, x.grantee::regrole, x.privilege_type)
               FROM pg_class c
               CROSS JOIN LATERAL (
                 SELECT c.relacl AS acl, NULL::name AS column
                 UNION ALL
                 SELECT a.attacl, a.attname FROM pg_attribute a WHERE a.attrelid = c.oid) g
               CROSS JOIN LATERAL aclexplode(g.acl) x
               WHERE c.relname IN ('product', 'rate', 'story') ORDER BY 1";
    let declared = texts(&shop.owner, acl).await;

    for (drift, expected) in [
        ("GRANT UPDATE (price) ON product TO $app", 1),
        (
            "GRANT SELECT (title), REFERENCES (id) ON product TO $app",
            2,
        ),
        ("GRANT UPDATE ON product TO $app", 2),
        ("GRANT UPDATE, INSERT ON product TO $app", 3),
        ("REVOKE INSERT (title) ON product FROM $app", 1),
        ("REVOKE ALL ON product FROM $app", 3),
        ("GRANT UPDATE (title) ON product TO $admin", 1),
        ("GRANT UPDATE ON rate TO $app", 2),
        ("GRANT INSERT (id) ON rate TO $app", 1),
        ("REVOKE UPDATE (text) ON story FROM $app", 1),
    ] {
        shop.run(drift).await;
        let before = read::secured_tables(&shop.owner, &[]).await.unwrap();
        let plan = rls.plan(&shop.owner).await.unwrap();
        assert_eq!(plan.changes().len(), expected, "{drift}: {plan}");
        assert_eq!(plan.weakening().count(), 0, "{drift}: {plan}");

        let script = rls.script(&shop.owner).await.unwrap();
        let [up, down] =
            [&script.up, &script.down].map(|it| it.iter().map(String::as_str).collect::<Vec<_>>());
        apply_statements(&shop.owner, &up).await.unwrap();
        assert!(rls.plan(&shop.owner).await.unwrap().is_empty(), "{drift}");
        let after = read::secured_tables(&shop.owner, &[]).await.unwrap();
        let is_seen = read::fingerprint(&before) != read::fingerprint(&after);
        assert_eq!(is_seen, !drift.contains("rate"), "{drift}");

        apply_statements(&shop.owner, &down).await.unwrap();
        let again = rls.plan(&shop.owner).await.unwrap();
        assert_eq!(again.to_string(), plan.to_string(), "{drift}");
        rls.sync(&shop.owner).await.unwrap();
        assert_eq!(texts(&shop.owner, acl).await, declared, "{drift}");
    }
}

#[tokio::test]
async fn limit_that_goes_needs_consent_and_one_that_comes_does_not() {
    let shop = shop().await;
    let entities = registry![person::Entity, wide::Entity].unwrap();
    let wide = RlsSchema::new(entities, shop.config.clone());
    let plan = wide.plan(&shop.owner).await.unwrap();
    assert_eq!(plan.weakening().count(), 2, "{plan}: of both roles");

    let error = wide.sync(&shop.owner).await.unwrap_err();
    assert!(
        matches!(&error, RlsError::Schema(SchemaError::Weakens { changes }) if changes.len() == 2),
        "{error}"
    );

    let wide = wide.danger_accept_weakening(true);
    wide.sync(&shop.owner).await.unwrap();
    assert!(wide.plan(&shop.owner).await.unwrap().is_empty());
    let columns = "SELECT count(*)::text FROM pg_attribute
                   WHERE attrelid = 'product'::regclass AND attacl IS NOT NULL
                     AND attacl <> '{}'";
    assert_eq!(text(&shop.owner, columns).await, "0");

    schema(&shop).sync(&shop.owner).await.unwrap();
    assert!(schema(&shop).plan(&shop.owner).await.unwrap().is_empty());
}

#[tokio::test]
async fn column_that_is_not_there_or_computed_is_refused() {
    let shop = shop().await;
    for (change, said) in [
        (
            "ALTER TABLE product RENAME price TO cost",
            "has no such column",
        ),
        (
            "ALTER TABLE product DROP size, DROP price,
             ADD price integer GENERATED ALWAYS AS (id * 2) STORED",
            "the server computes it",
        ),
    ] {
        let shop = Shop::with(TABLES, entities()).await;
        shop.run(change).await;
        let error = schema(&shop).plan(&shop.owner).await.unwrap_err();
        let error_said = error.to_string();
        assert!(
            error_said.contains("`price`") && error_said.contains(said),
            "{error_said}"
        );
    }

    drop(shop);
}

#[tokio::test]
async fn gate_and_doctor_see_columns_beyond_those_declared() {
    let shop = shop().await;
    let doctor = Doctor::new(entities(), shop.config.clone());
    let about_columns = async || {
        let report = doctor.examine(&shop.owner).await.unwrap();
        let found = report.findings().iter().map(|finding| finding.rule.id);
        found
            .filter(|id| ["RLS303", "RLS107", "RLS302"].contains(id))
            .collect::<Vec<_>>()
    };
    let connect = async || {
        let url = shop.database.url();
        RlsConnection::connect_with(url, shop.config.clone(), entities()).await
    };

    assert_eq!(about_columns().await, Vec::<&str>::new());
    connect().await.unwrap();

    for (grant, rule, beyond) in [
        (
            "UPDATE (price) ON product TO $app",
            "RLS303",
            &["price"][..],
        ),
        ("UPDATE (price) ON product TO PUBLIC", "RLS303", &["price"]),
        (
            "UPDATE ON product TO $app",
            "RLS107",
            &["id", "owner_id", "price", "size"],
        ),
        ("UPDATE (id) ON story TO $app", "RLS303", &["id"]),
    ] {
        shop.run(&format!("GRANT {grant}")).await;
        let Err(RlsError::Gate(error)) = connect().await else {
            panic!("{grant}")
        };
        let [
            GateFinding::ColumnsBeyond {
                columns, privilege, ..
            },
        ] = error.findings.as_slice()
        else {
            panic!("{grant}: {error}")
        };
        let columns: Vec<&str> = columns.iter().map(Identifier::as_str).collect();
        assert_eq!(
            (columns.as_slice(), *privilege),
            (beyond, Privilege::Update),
            "{grant}"
        );
        assert_eq!(about_columns().await, [rule], "{grant}");

        shop.run(&format!("REVOKE {}", grant.replace(" TO ", " FROM ")))
            .await;
        shop.mend().await;
        connect().await.unwrap();
    }
}

#[tokio::test]
async fn proof_tries_each_column() {
    let shop = shop().await;
    let outcome = |proof: &Proof, table: &str, attempt: Attempt| {
        let cells = proof
            .cells()
            .iter()
            .filter(|cell| cell.table.table.as_str() == table && cell.attempt == attempt);
        let failures = cells.filter_map(|cell| cell.outcome.failure().map(str::to_owned));
        failures.collect::<Vec<_>>().join("; ")
    };

    let proof = prove(&shop).await;
    proof.assert_isolated();

    for (change, table, attempt, said) in [
        (
            "GRANT UPDATE (price) ON product TO $app",
            "product",
            Attempt::Update,
            "column `price`",
        ),
        (
            "GRANT UPDATE (owner_id) ON product TO $app",
            "product",
            Attempt::Move,
            "column `owner_id`",
        ),
        (
            "GRANT INSERT (size) ON product TO PUBLIC",
            "product",
            Attempt::Insert,
            "column `size`",
        ),
        (
            "GRANT UPDATE ON rate TO $app",
            "rate",
            Attempt::Update,
            "column `id`",
        ),
        (
            "REVOKE UPDATE (title) ON product FROM $app",
            "product",
            Attempt::Update,
            "privilege that is declared",
        ),
        (
            r#"REVOKE INSERT ("is ""done""") ON product FROM $app"#,
            "product",
            Attempt::Insert,
            "privilege that is declared",
        ),
    ] {
        shop.run(change).await;
        let proof = prove(&shop).await;
        let failures = outcome(&proof, table, attempt);
        assert!(failures.contains(said), "{change}: {failures}\n{proof}");
        shop.run("REVOKE ALL (size) ON product FROM PUBLIC").await;
        shop.mend().await;
    }

    let proof = prove(&shop).await;
    proof.assert_isolated();
    let forge = proof
        .cells()
        .iter()
        .find(|cell| cell.table.table.as_str() == "product" && cell.attempt == Attempt::Forge);
    assert_eq!(
        forge.unwrap().outcome,
        Outcome::Refused,
        "nobody can even name an owner"
    );
}

#[tokio::test]
async fn columns_of_a_partitioned_table_are_granted_there() {
    let tables = TABLES
        .replace(
            "id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
            "id serial",
        )
        .replace(
            "price * 2) STORED);",
            "price * 2) STORED) PARTITION BY LIST (title);
           CREATE TABLE product_a PARTITION OF product FOR VALUES IN ('a');
           CREATE TABLE product_x PARTITION OF product DEFAULT;",
        );
    let shop = Shop::with(&tables, entities()).await;
    assert!(schema(&shop).plan(&shop.owner).await.unwrap().is_empty());

    let mine = shop.db.scope(UserContext::new(1));
    mine.execute_unprepared("INSERT INTO product (title) VALUES ('a'), ('b')")
        .await
        .unwrap();
    mine.execute_unprepared("UPDATE product SET title = 'c' WHERE title = 'a'")
        .await
        .unwrap();
    let error = mine
        .execute_unprepared("UPDATE product SET price = 1")
        .await
        .unwrap_err();
    assert_eq!(refused(error).1, ["price"]);
}
