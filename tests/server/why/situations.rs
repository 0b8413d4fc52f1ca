//! Situations, one a line: what is asked, and the true cause. Each is also tried as the application
//! does it, and the server must do what the answer says.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement, TransactionTrait};
use sea_orm_rls::policy::Command::{self, Delete, Insert, Select, Update};
use sea_orm_rls::why::{Answer, Cause, CommandAnswer, Outcome, Why};
use sea_orm_rls::{RlsError, ScopedConnection};

use super::{carol, world};
use crate::schema::texts;
use crate::world::World;

/// What it is | the context | the table and the row's key, or the values of a new row | the command |
/// the outcome with the first cause, or why no policy is asked.
const SITUATIONS: &str = r#"
own row | user 1 | doc 1 | SELECT | passes
own row is updated | user 1 | doc 1 | UPDATE | passes
own row is inserted | user 1 | doc {"id": 9, "owner_id": 1} | INSERT | passes
own row by the default | user 1 | doc {"id": 9} | INSERT | passes
another user's row | user 1 | doc 2 | SELECT | hidden other_holder
another user's row is updated | user 1 | doc 2 | UPDATE | hidden other_holder
another user's row is deleted | user 1 | doc 2 | DELETE | hidden other_holder
row for another user | user 1 | doc {"id": 9, "owner_id": 2} | INSERT | refused other_holder
identity | user 1 | account 2 | SELECT | hidden other_holder
no context | nobody | doc 1 | SELECT | hidden no_context
no context, new row | nobody | doc {"id": 9, "owner_id": 1} | INSERT | refused no_context
no such row | user 1 | doc 77 | UPDATE | hidden no_row
shared row is read | user 1 | doc 3 | SELECT | passes
shared row is updated | user 1 | doc 3 | UPDATE | hidden other_holder
deleted row | user 1 | doc 4 | SELECT | hidden deleted
deleted row is updated | user 1 | doc 4 | UPDATE | hidden deleted
row that begins deleted | user 1 | doc {"id": 9, "deleted_at": "2020-01-01"} | INSERT | refused deleted
own tenant | tenant 10 | sale 1 | SELECT | passes
other tenant | tenant 10 | sale 2 | SELECT | hidden other_holder
user where a tenant is needed | user 1 | sale 1 | SELECT | hidden no_context
tenant and user | tenant 10 user 1 | project 1 | DELETE | passes
tenant without user | tenant 10 | project 1 | SELECT | hidden no_context
same tenant, other user | tenant 10 user 1 | project 2 | SELECT | hidden other_holder
same user, other tenant | tenant 10 user 1 | project 3 | SELECT | hidden other_holder
via one table | user 1 | step 1 | UPDATE | passes
via another user's row | user 1 | step 2 | SELECT | hidden parent>other_holder
via a deleted row | user 1 | step 4 | SELECT | hidden parent>deleted
new row via another's | user 1 | step {"id": 9, "doc_id": 2} | INSERT | refused parent>other_holder
new row via none | user 1 | step {"id": 9, "doc_id": 77} | INSERT | refused no_parent
via two tables | user 1 | remark 1 | SELECT | passes
via two, another user's | user 1 | remark 2 | SELECT | hidden parent>parent>other_holder
member of the team | user 1 | file 1 | SELECT | passes
no member of the team | user 1 | file 2 | SELECT | hidden parent>other_holder
team without members | user 1 | file 3 | SELECT | hidden no_parent
own policy opens | user 1 | post 2 | SELECT | passes
own policy hides | user 1 | post 3 | SELECT | hidden condition
own restrictive policy | user 1 | post 4 | SELECT | hidden condition
own policy refuses | user 1 | post {"id": 9, "author": 2, "is_open": true} | INSERT | refused condition
unscoped | nobody | country 1 | SELECT | passes disabled
no grant | user 1 | ledger 1 | UPDATE | refused no_grant
no grant, unscoped | user 1 | country {"id": 9} | INSERT | refused no_grant
partition by itself | user 1 | event_first 1 | SELECT | refused partition
partition by its parent | user 1 | event 1 | SELECT | passes
partition, another user's | user 1 | event 2 | DELETE | hidden other_holder
wrong type | user ann | doc 1 | SELECT | refused wrong_type
unique column | user 1 | doc {"id": 9, "title": "a"} | INSERT | refused unique
key of a hidden row | user 1 | doc {"id": 2, "owner_id": 1} | INSERT | refused unique
rows refer to it | user 1 | doc 1 | DELETE | refused referenced
rows that go with it | user 1 | step 1 | DELETE | passes
"#;

/// The same, each after a statement before it, which the one after it undoes.
const PREPARED: &str = r#"
REVOKE SELECT ON doc FROM "$app"
grant taken | user 1 | doc 1 | SELECT | refused no_grant
GRANT SELECT ON doc TO "$app"

REVOKE UPDATE ON doc FROM "$app"; GRANT UPDATE (title) ON doc TO "$app"
grant on another column | user 1 | doc 1 | UPDATE | refused no_column_grant
REVOKE UPDATE (title) ON doc FROM "$app"; GRANT UPDATE ON doc TO "$app"

REVOKE INSERT ON ledger FROM "$app"; GRANT INSERT (id) ON ledger TO "$app"
column not granted | user 1 | ledger {"id": 9, "sum": 1} | INSERT | refused no_column_grant
columns granted | user 1 | ledger {"id": 9} | INSERT | passes
REVOKE INSERT (id) ON ledger FROM "$app"; GRANT INSERT ON ledger TO "$app"

REVOKE USAGE ON SCHEMA side FROM "$app"
no USAGE | user 1 | side.note 1 | SELECT | refused no_usage
GRANT USAGE ON SCHEMA side TO "$app"

ALTER TABLE doc DISABLE ROW LEVEL SECURITY
row security disabled | user 1 | doc 2 | SELECT | passes disabled
ALTER TABLE doc ENABLE ROW LEVEL SECURITY

ALTER ROLE "$app" BYPASSRLS
login bypasses row security | user 1 | doc 2 | SELECT | passes bypassed
ALTER ROLE "$app" NOBYPASSRLS

GRANT CREATE ON SCHEMA public TO "$app"; ALTER TABLE doc OWNER TO "$app"
owner, forced | user 1 | doc 2 | SELECT | hidden other_holder
ALTER TABLE doc NO FORCE ROW LEVEL SECURITY

SELECT
owner, not forced | user 1 | doc 2 | SELECT | passes owner_unforced
ALTER TABLE doc FORCE ROW LEVEL SECURITY; ALTER TABLE doc OWNER TO CURRENT_USER

GRANT ALL ON doc TO "$app"; REVOKE CREATE ON SCHEMA public FROM "$app"
owner no more | user 1 | doc 1 | SELECT | passes
REVOKE TRUNCATE, TRIGGER, REFERENCES ON doc FROM "$app"

CREATE POLICY stray ON doc USING (true)
stray policy meets the guard | user 1 | doc 2 | SELECT | hidden guard
DROP POLICY stray ON doc

CREATE POLICY stray ON post USING (true)
stray policy and a restrictive one | user 1 | post 5 | SELECT | hidden guard
DROP POLICY stray ON post

CREATE POLICY stray ON doc FOR UPDATE WITH CHECK (true)
policy without USING lets nothing through | user 1 | doc 2 | UPDATE | hidden other_holder
DROP POLICY stray ON doc

CREATE POLICY stray ON doc AS RESTRICTIVE USING (id > 100)
restrictive policy by hand | user 1 | doc {"id": 9} | INSERT | refused condition
DROP POLICY stray ON doc

CREATE POLICY stray ON ledger AS RESTRICTIVE TO "$admin" USING (true)
policy of another role | user 1 | doc 1 | SELECT | passes
DROP POLICY stray ON ledger

CREATE POLICY stray ON doc AS RESTRICTIVE TO "$app" USING (id / (id - 2) = 0)
condition that fails | user 2 | doc 2 | SELECT | refused failed
DROP POLICY stray ON doc

DROP POLICY sale_tenant_select ON sale
policy dropped | tenant 10 | sale 1 | SELECT | hidden no_policy
CREATE POLICY hand ON sale FOR SELECT USING (current_setting('app.tenant_id') = tenant_id::text)

SELECT
policy by hand opens | tenant 10 | sale 1 | SELECT | passes
policy by hand hides | tenant 10 | sale 2 | SELECT | hidden condition
DROP POLICY hand ON sale

CREATE TABLE node (id integer PRIMARY KEY, up integer REFERENCES node); GRANT ALL ON node TO "$app", "$admin"; INSERT INTO node VALUES (1, 1), (2, 2), (3, 2)
own parent | nobody | node {"id": 9, "up": 9} | INSERT | passes disabled
no parent | nobody | node {"id": 9, "up": 8} | INSERT | refused foreign_key
refers to itself | nobody | node 1 | DELETE | passes disabled
another refers to it too | nobody | node 2 | DELETE | refused referenced
DROP TABLE node

CREATE TABLE wide (id integer, owner_id bigint, label text, PRIMARY KEY (id) INCLUDE (label)); INSERT INTO wide VALUES (1, 2, 'a')
ALTER TABLE wide ADD half bigint GENERATED ALWAYS AS (owner_id / 2) STORED UNIQUE; ALTER TABLE wide ENABLE ROW LEVEL SECURITY
GRANT ALL ON wide TO "$app", "$admin"; CREATE POLICY half ON wide TO "$app" USING (half < 5) WITH CHECK (half < 5); CREATE POLICY every ON wide TO "$admin" USING (true)
key that includes a column | user 1 | wide 1 | SELECT | passes
generated column passes | user 1 | wide {"id": 9, "owner_id": 4} | INSERT | passes
generated column is refused | user 1 | wide {"id": 9, "owner_id": 12} | INSERT | refused condition
generated column is there already | user 1 | wide {"id": 9, "owner_id": 3} | INSERT | refused unique
DROP TABLE wide

ALTER TABLE doc ADD COLUMN author bigint REFERENCES account
foreign key | user 1 | doc {"id": 9, "author": 77} | INSERT | refused foreign_key
foreign key to a hidden row | user 1 | doc {"id": 9, "author": 2} | INSERT | passes
ALTER TABLE doc DROP COLUMN author

ALTER POLICY post_guard_select ON post USING (false)
altered guard and a restrictive policy | user 1 | post 4 | SELECT | hidden guard
"#;

#[tokio::test]
async fn answer_names_the_true_cause() {
    let world = world::new().await;
    let why = Why::on(&world.db, carol());
    let (mut wrong, mut count) = (Vec::new(), 0);

    for line in [SITUATIONS, PREPARED]
        .iter()
        .flat_map(|lines| lines.lines())
    {
        match line.split(" | ").collect::<Vec<_>>().try_into() {
            Ok(situation) => {
                wrong.extend(tried(&world, &why, &situation).await);
                count += 1;
            }
            Err(_) => world.run(line).await,
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 75, "{count}");
}

/// What is wrong with the answer.
async fn tried(world: &World, why: &Why, situation: &[&str; 5]) -> Option<String> {
    let [what, context, asked, command, expected] = situation;
    let words = context.split_whitespace().filter(|word| *word != "nobody");
    let words: Vec<&str> = words.collect();
    let words: Vec<(&str, &str)> = words.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let context = why.context(&words).unwrap();
    let command = Command::EACH
        .into_iter()
        .find(|each| each.as_sql() == *command)
        .unwrap();

    let (table, asked) = asked.split_once(' ').unwrap();
    let answer = if asked.starts_with('{') {
        why.new_row(context.clone(), table, asked).await
    } else {
        why.row(context.clone(), table, &[asked]).await
    };
    let answer = answer.unwrap_or_else(|error| panic!("{what}: {error}"));
    let of_command = answer.command(command).unwrap();

    let found = found(&answer, of_command);
    if found != **expected {
        return Some(format!(
            "{what}: {found}, not {expected}\n{}",
            answer.text(false)
        ));
    }

    let done = done(world, &world.db.scope(context), table, asked, command).await;
    let agreed = agrees(of_command, &done);
    (!agreed).then(|| format!("{what}: the server says {done:?}\n{}", answer.text(false)))
}

fn found(answer: &Answer, command: &CommandAnswer) -> String {
    let mut words = vec![command.outcome.as_str().to_owned()];
    words.extend(command.causes.first().map(path));
    if command.outcome == Outcome::Passes && answer.security.as_str() != "holds" {
        words.push(answer.security.as_str().to_owned());
    }

    words.join(" ")
}

fn path(cause: &Cause) -> String {
    match cause {
        Cause::Parent { cause, .. } => format!("parent>{}", path(cause)),
        other => other.as_str().to_owned(),
    }
}

/// How many rows a statement of the application reaches; rolled back.
async fn done(
    world: &World,
    scope: &ScopedConnection,
    table: &str,
    asked: &str,
    command: Command,
) -> Result<usize, DbErr> {
    let statement = statement(world, table, asked, command).await;
    let transaction = scope.begin().await?;
    let rows = transaction
        .query_all_raw(Statement::from_string(DbBackend::Postgres, statement))
        .await;
    transaction.rollback().await?;
    rows.map(|rows| rows.len())
}

async fn statement(world: &World, table: &str, asked: &str, command: Command) -> String {
    let names = format!(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0
           AND NOT attisdropped ORDER BY attnum"
    );
    let names = texts(&world.owner, &names).await;
    let given: Vec<&str> = names
        .iter()
        .filter(|name| asked.contains(&format!("\"{name}\":")))
        .map(String::as_str)
        .collect();
    let set: Vec<String> = names
        .iter()
        .map(|name| format!("{name} = {name}"))
        .collect();

    match command {
        Select | Command::All => format!("SELECT * FROM {table} WHERE id = {asked}"),
        Update => format!(
            "UPDATE {table} SET {} WHERE id = {asked} RETURNING id",
            set.join(", ")
        ),
        Delete => format!("DELETE FROM {table} WHERE id = {asked} RETURNING id"),
        Insert => format!(
            "INSERT INTO {table} ({0}) SELECT {0} FROM json_populate_record(NULL::{table}, '{asked}') RETURNING id",
            given.join(", ")
        ),
    }
}

/// Whether the server did what the answer says. It refuses with the SQLSTATE of the cause.
fn agrees(answer: &CommandAnswer, done: &Result<usize, DbErr>) -> bool {
    let state = |error: &DbErr| RlsError::from(error).sqlstate();
    match (answer.outcome, done, answer.causes.first()) {
        (Outcome::Passes, Ok(1), None) | (Outcome::Hidden, Ok(0), Some(_)) => true,
        (Outcome::Refused, Err(error), Some(cause)) => {
            let expected = match cause {
                Cause::WrongType { .. } => None,
                Cause::Failed { sqlstate, .. } => Some(sqlstate.as_str()),
                Cause::ForeignKey { .. } | Cause::Referenced { .. } => Some("23503"),
                Cause::Unique { .. } => Some("23505"),
                _ => Some("42501"),
            };
            state(error).as_deref() == expected
        }
        _ => false,
    }
}
