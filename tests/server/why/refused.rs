//! What refused a statement, by the error that the application gets.

use sea_orm::{ConnectionTrait, TransactionTrait};
use sea_orm_rls::error::{Refusal, RefusedBy};
use sea_orm_rls::why::Why;
use sea_orm_rls::{RlsError, ScopedConnection};

use super::{carol, world};

const MORE: &str = r#"
CREATE DOMAIN short AS text CHECK (length(value) < 4);
CREATE DOMAIN filled AS text NOT NULL;
ALTER TABLE doc ADD COLUMN word short, ADD COLUMN text filled DEFAULT '', ADD CONSTRAINT "odd ""name" CHECK (title <> 'bad'),
  ADD CONSTRAINT apart EXCLUDE USING btree (word WITH =);
CREATE TABLE "Odd Of" (id integer);
CREATE TABLE counted (id serial, owner_id bigint);
GRANT ALL ON counted TO "$app";
ALTER TABLE side.note ADD up integer REFERENCES doc;
CREATE VIEW half AS SELECT * FROM counted WHERE id > 100 WITH CHECK OPTION;
GRANT ALL ON half TO "$app";
REVOKE INSERT ON ledger FROM "$app"; GRANT INSERT (id) ON ledger TO "$app";
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the value %', NEW.id; END $$;
CREATE TRIGGER no BEFORE UPDATE ON post FOR EACH ROW EXECUTE FUNCTION no();
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE check_violation; END $$;
CREATE TRIGGER never BEFORE DELETE ON post FOR EACH ROW EXECUTE FUNCTION never();"#;

/// The user | the statement | what refused it, of which SQLSTATE.
const STATEMENTS: &str = r#"
user 1 | INSERT INTO doc (id, owner_id) VALUES (9, 2) | the policies of `doc` 42501
user 1 | INSERT INTO post VALUES (9, 1, true, 'secret') | the policy `post_not_secret` of `post` 42501
nobody | INSERT INTO doc (id, owner_id) VALUES (9, 2) | the policies, without `app.user_id` in the context, of `doc` 42501
user 1 | UPDATE ledger SET sum = 1 | the login's privileges on `ledger` 42501
user 1 | SELECT FROM "Odd Of" | the login's privileges on `Odd Of` 42501
user 1 | INSERT INTO counted (owner_id) VALUES (1) | the login's privileges on `counted_id_seq` 42501
user 1 | SELECT currval('counted_id_seq') | the login's privileges on `counted_id_seq` 42501
user 1 | SELECT setval('counted_id_seq', 1) | the login's privileges on `counted_id_seq` 42501
user 1 | SELECT pg_sequence_parameters('counted_id_seq'::regclass) | the login's privileges on `counted_id_seq` 42501
user 1 | SELECT last_value FROM counted_id_seq | the login's privileges on `counted_id_seq` 42501
user 1 | SET LOCAL row_security = off; SELECT FROM doc | row security, which hides rows of `doc` 42501
user 1 | INSERT INTO step VALUES (9, 77) | the policies of `step` 42501
user 1 | INSERT INTO doc (id, title) VALUES (9, 'b') | the unique key `doc_title_key` of `public.doc` 23505
user 1 | INSERT INTO doc (id) VALUES (2) | the unique key `doc_pkey` of `public.doc` 23505
user 1 | INSERT INTO doc (id, is_public) VALUES (9, NULL) | NOT NULL on `is_public` of `public.doc` 23502
user 1 | INSERT INTO doc (id, title) VALUES (9, 'bad') | the check `odd "name` of `public.doc` 23514
user 1 | INSERT INTO doc (id, word) VALUES (9, 'word') | the domain `short` 23514
user 1 | INSERT INTO doc (id, text) VALUES (9, NULL) | the domain `filled` 23502
user 1 | INSERT INTO doc (id, word) VALUES (9, 'a'), (10, 'a') | the exclusion `apart` of `public.doc` 23P01
user 1 | DELETE FROM doc WHERE id = 1 | the foreign key `step_doc_id_fkey` of `public.step` 23503
user 1 | INSERT INTO event VALUES (99, 1) | the partitions of `public.event` 23514
user 1 | INSERT INTO half VALUES (1, 1) | the check option of a view 44000
user 1 | UPDATE post SET is_open = true WHERE id = 1 | a trigger or function P0001
user 1 | DELETE FROM post WHERE id = 1 | a trigger or function 23514
user 1 | INSERT INTO side.note VALUES (9, 1, 99) | the foreign key `note_up_fkey` of `side.note` 23503
user 1 | SELECT nonsense | none
user 1 | SELECT 1 / 0 | none
"#;

async fn refused(scope: &ScopedConnection, sql: &str) -> sea_orm::DbErr {
    let transaction = scope.begin().await.unwrap();
    let mut result = Ok(());
    for statement in sql.split("; ") {
        let ran = transaction.execute_unprepared(statement).await;
        result = result.and(ran.map(drop));
    }
    transaction.rollback().await.unwrap();
    result.unwrap_err()
}

#[tokio::test]
async fn refusal_names_the_table_and_the_rule() {
    let world = world::new().await;
    world.run(MORE).await;
    let why = Why::on(&world.db, carol());
    let mut wrong = Vec::new();

    for line in STATEMENTS.lines().filter(|line| !line.is_empty()) {
        let [context, sql, expected] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let words: Vec<(&str, &str)> = context.split_once(' ').into_iter().collect();
        let scope = world.db.scope(why.context(&words).unwrap());
        let error = refused(&scope, sql).await;

        let found = Refusal::of(&error).map_or("none".to_owned(), |refusal| {
            format!("{refusal} {}", refusal.sqlstate)
        });
        if expected != found {
            wrong.push(format!("{sql}:\n  {found}, not\n  {expected} ({error})"));
        }
        assert_eq!(
            Refusal::of(&error),
            Refusal::of_ours(&RlsError::from(&error))
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// It names no table, and its remedy is that of a sequence.
#[tokio::test]
async fn refusal_of_a_sequence_is_a_missing_grant() {
    let world = world::new().await;
    world.run(MORE).await;
    let user = Why::on(&world.db, carol())
        .context(&[("user", "1")])
        .unwrap();
    let insert = "INSERT INTO counted (owner_id) VALUES (1)";
    let error = refused(&world.db.scope(user), insert).await;
    assert_eq!(Refusal::of(&error).unwrap().table, None);

    let error = RlsError::from(&error);
    assert!(
        matches!(&error, RlsError::MissingGrant { table, .. } if table.as_deref() == Some("counted_id_seq")),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains("on sequence `counted_id_seq`"), "{text}");
    assert!(text.contains("GRANT USAGE ON SEQUENCE"), "{text}");
}

/// What fails first is what refused the transaction.
#[tokio::test]
async fn refusal_is_that_of_the_first_statement() {
    let world = world::new().await;
    let user = Why::on(&world.db, carol())
        .context(&[("user", "1")])
        .unwrap();
    let transaction = world.db.scope(user).begin().await.unwrap();
    let insert = "INSERT INTO doc (id, owner_id) VALUES (9, 2)";
    transaction.execute_unprepared(insert).await.unwrap_err();
    let error = transaction.commit().await.unwrap_err();
    let refusal = Refusal::of(&error).unwrap();
    assert_eq!(refusal.by, RefusedBy::Policy { policy: None });
    assert_eq!(refusal.table.unwrap().to_string(), "doc");
}
