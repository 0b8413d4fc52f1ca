//! One user, whole: what is exported is what is erased, and nothing else is touched.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use notebook_entities::{Migrator, note, notebook as book, reminder, tag, user};
use sea_orm_migration::async_trait::async_trait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_rls::error::DeclarationError;
use sea_orm_rls::subject::{Subject, SubjectError, What};
use sea_orm_rls::testing::{TestDatabase, TestError};
use sea_orm_rls::{AdminContext, Registry, UserContext, registry};

// Entities of this crate refer to entities of another, which each derive compiles beside.
mod comment {
    use sea_orm_migration::sea_orm;
    use sea_orm_migration::sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "comment")]
    #[user_scoped(via = "note")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub note_id: Uuid,
        pub text: String,
        #[sea_orm(belongs_to, from = "note_id", to = "id")]
        pub note: BelongsTo<notebook_entities::note::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod attachment {
    use sea_orm_migration::sea_orm;
    use sea_orm_migration::sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "attachment")]
    #[user_scoped(user = notebook_entities::user::Entity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub content: Vec<u8>,
        pub tag_id: Option<Uuid>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod membership {
    use sea_orm_migration::sea_orm;
    use sea_orm_migration::sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "membership")]
    #[user_scoped(user = notebook_entities::user::Entity, index(team_id), grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub team_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Belongs to all members of a team.
mod document {
    use sea_orm_migration::sea_orm;
    use sea_orm_migration::sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "document")]
    #[user_scoped(via = "membership")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub team_id: Uuid,
        #[sea_orm(
            belongs_to,
            relation_enum = "Membership",
            from = "team_id",
            to = "team_id",
            skip_fk
        )]
        pub membership: HasOne<super::membership::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod priority {
    use sea_orm_migration::sea_orm;
    use sea_orm_migration::sea_orm::entity::prelude::*;
    use sea_orm_rls::Unscoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "priority")]
    #[unscoped(reason = "the same for everyone", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn entities() -> Result<Registry, DeclarationError> {
    registry![
        user::Entity,
        book::Entity,
        note::Entity,
        tag::Entity,
        reminder::Entity,
        comment::Entity,
        attachment::Entity,
        membership::Entity,
        document::Entity,
        priority::Entity as Unscoped,
    ]
}

struct Whole;

#[async_trait]
impl MigratorTrait for Whole {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = Migrator::migrations();
        migrations.push(Box::new(More));
        migrations
    }
}

#[derive(DeriveMigrationName)]
struct More;

#[async_trait]
impl MigrationTrait for More {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = "
            CREATE TABLE comment (id uuid PRIMARY KEY, text text NOT NULL,
                                  note_id uuid NOT NULL REFERENCES note);
            CREATE TABLE attachment (id uuid PRIMARY KEY, content bytea NOT NULL,
                                     tag_id uuid REFERENCES tag ON DELETE CASCADE);
            CREATE INDEX ON attachment (tag_id);
            CREATE TABLE membership (id uuid PRIMARY KEY, team_id uuid NOT NULL);
            CREATE TABLE document (id uuid PRIMARY KEY, team_id uuid NOT NULL);
            CREATE TABLE priority (code text PRIMARY KEY)";
        let db = manager.get_connection();
        db.execute_unprepared(tables).await.map(drop)
    }
}

/// The tables with rows of users, those that refer to others first.
const OWNED: [&str; 8] = [
    "attachment",
    "comment",
    "membership",
    "note",
    "notebook",
    "reminder",
    "tag",
    "\"user\"",
];

/// Rows of so many users: `size` for each in most tables, `size * size` notes and comments.
async fn fill(owner: &DatabaseConnection, users: u32, size: u32) -> Result<(), TestError> {
    let rows = format!(
        "INSERT INTO \"user\" (id, email) SELECT gen_random_uuid(), i || '@x' FROM generate_series(1, {users}) i;
         CREATE VIEW each AS SELECT u.id, i FROM \"user\" u CROSS JOIN generate_series(1, {size}) i;
         INSERT INTO notebook (id, title, owner_id) SELECT gen_random_uuid(), 'title ' || i, id FROM each;
         INSERT INTO note (id, text, notebook_id)
           SELECT gen_random_uuid(), repeat('text ', 5), b.id FROM notebook b, generate_series(1, {size});
         INSERT INTO comment (id, text, note_id) SELECT gen_random_uuid(), 'so \"it\" is', id FROM note;
         INSERT INTO tag (id, name, is_shared, owner_id)
           SELECT gen_random_uuid(), 'tag ' || i, i % 2 = 0, id FROM each;
         INSERT INTO reminder (id, text, deleted_at, owner_id)
           SELECT gen_random_uuid(), 'text', CASE WHEN i % 2 = 0 THEN now() END, id FROM each;
         INSERT INTO attachment (id, content, tag_id, owner_id)
           SELECT gen_random_uuid(), decode('00ff5c', 'hex'), t.id, t.owner_id FROM tag t;
         INSERT INTO membership (id, team_id, owner_id)
           SELECT gen_random_uuid(), md5((i % 7)::text)::uuid, id FROM each;
         INSERT INTO document (id, team_id)
           SELECT gen_random_uuid(), md5((i % 7)::text)::uuid FROM generate_series(1, 100) i;
         DROP VIEW each;
         ANALYZE"
    );
    for statement in rows.split(';') {
        owner.execute_unprepared(statement).await?;
    }
    Ok(())
}

async fn texts(db: &impl ConnectionTrait, sql: &str) -> Result<Vec<String>, DbErr> {
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// A user in the middle.
async fn someone(owner: &DatabaseConnection) -> Result<UserContext, DbErr> {
    let ids = texts(
        owner,
        "SELECT id::text FROM \"user\" ORDER BY email LIMIT 1 OFFSET 1",
    )
    .await?;
    Ok(UserContext::new(ids[0].clone()))
}

fn carol() -> AdminContext {
    AdminContext::new("carol", "request 4711").unwrap()
}

fn subject(db: &TestDatabase, user: UserContext) -> Subject<'_> {
    Subject::new(db.connection(), user).skip("priority", "the same for everyone")
}

/// Dumps every row of every table, as an export writes it, into a table of this name.
async fn dump(owner: &DatabaseConnection, into: &str) -> Result<(), DbErr> {
    let all = OWNED.iter().chain(&["document", "priority"]).map(|table| {
        let name = table.trim_matches('"');
        format!(
            "SELECT json_build_object('table', 'public.{name}', 'row', row_to_json(t))::text AS line
             FROM {table} AS t"
        )
    });
    let all: Vec<String> = all.collect();
    let dump = format!("CREATE TABLE {into} AS {}", all.join(" UNION ALL "));
    owner.execute_unprepared(&dump).await.map(drop)
}

/// The rows that the first dump has and the second lacks.
async fn missing(
    owner: &DatabaseConnection,
    first: &str,
    second: &str,
) -> Result<BTreeSet<String>, DbErr> {
    let query = format!("SELECT line FROM {first} EXCEPT ALL SELECT line FROM {second}");
    Ok(texts(owner, &query).await?.into_iter().collect())
}

/// Whether every row is as in the dump.
async fn is_as(owner: &DatabaseConnection, dumped: &str) -> Result<bool, DbErr> {
    dump(owner, "now").await?;
    let (gone, new) = (
        missing(owner, dumped, "now").await?,
        missing(owner, "now", dumped).await?,
    );
    owner.execute_unprepared("DROP TABLE now").await?;
    Ok(gone.is_empty() && new.is_empty())
}

/// Exports and erases one of so many users; what was exported is the difference of two full dumps.
async fn export_then_erase(db: &TestDatabase, users: u32, size: u32) -> Result<(), SubjectError> {
    fill(db.owner(), users, size).await.unwrap();
    let subject = subject(db, someone(db.owner()).await?);
    dump(db.owner(), "before").await?;

    let mut out = Vec::new();
    let exported = subject.export(carol(), &mut out).await?;
    let out = String::from_utf8(out).unwrap();
    let lines: BTreeSet<String> = out.lines().map(str::to_owned).collect();
    assert_eq!(lines.len() as u64, exported.rows());

    let preview = subject.preview(carol()).await?;
    assert_eq!(preview.what(), What::WouldErase);
    assert!(
        is_as(db.owner(), "before").await?,
        "nothing is changed so far"
    );

    let erased = subject.erase(carol()).await?;
    println!(
        "{exported}
{erased}"
    );
    assert_eq!(erased.tables(), preview.tables());
    assert_eq!(erased.tables().len(), OWNED.len());
    assert_eq!(erased.rows(), u64::from(1 + 5 * size + 2 * size * size));
    let left_out: Vec<&str> = erased
        .left_out()
        .iter()
        .map(|table| table.table.as_str())
        .collect();
    assert_eq!(left_out, ["public.document", "public.priority"]);

    dump(db.owner(), "after").await?;
    assert_eq!(missing(db.owner(), "before", "after").await?, lines);
    let touched = missing(db.owner(), "after", "before").await?;
    assert!(touched.is_empty(), "others' rows are as they were");
    assert_eq!(subject.erase(carol()).await?.rows(), 0);
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn one_of_a_few_users_is_exported_and_erased(db: TestDatabase) -> Result<(), SubjectError> {
    export_then_erase(&db, 5, 4).await?;

    let record = "SELECT actor || ': ' || reason FROM rls_audit ORDER BY at";
    let record = texts(db.owner(), record).await?;
    assert_eq!(record, vec!["carol: request 4711"; 4]);
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn one_of_a_thousand_users_is_exported_and_erased(
    db: TestDatabase,
) -> Result<(), SubjectError> {
    // 506,100 rows.
    export_then_erase(&db, 1000, 15).await
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn rows_are_in_the_order_of_keys_and_true(db: TestDatabase) -> Result<(), SubjectError> {
    fill(db.owner(), 3, 3).await.unwrap();
    let mut out = Vec::new();
    let receipt = subject(&db, someone(db.owner()).await?)
        .export(carol(), &mut out)
        .await?;
    let out = String::from_utf8(out).unwrap();

    // Tables that others refer to come first; within each, the keys ascend.
    let order: Vec<&str> = receipt.tables().iter().map(|t| t.table.as_str()).collect();
    let at = |table: &str| order.iter().position(|name| *name == table).unwrap();
    assert!(at("public.user") < at("public.notebook"));
    assert!(at("public.notebook") < at("public.note") && at("public.note") < at("public.comment"));
    for table in order {
        let key = format!("{{\"table\" : \"{table}\", \"row\" : {{\"id\":\"");
        let keys: Vec<&str> = out
            .lines()
            .filter_map(|line| line.strip_prefix(&key))
            .map(|rest| &rest[..36])
            .collect();
        assert!(!keys.is_empty() && keys.is_sorted(), "{table}: {keys:?}");
    }
    assert!(out.contains(r#""content":"\\x00ff5c""#), "{out}");
    assert!(out.contains(r#""text":"so \"it\" is""#), "{out}");
    assert!(receipt.json().contains(r#""actor":"carol""#) && receipt.to_string().contains("carol"));
    assert!(!format!("{receipt:?}").contains(&out.lines().next().unwrap()[50..60]));
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn erasure_in_batches_is_as_complete(db: TestDatabase) -> Result<(), SubjectError> {
    fill(db.owner(), 3, 5).await.unwrap();
    let subject = subject(&db, someone(db.owner()).await?);
    let preview = subject.preview(carol()).await?;

    let batched = subject.batch(NonZeroU32::new(7).unwrap());
    let erased = batched.erase(carol()).await?;
    assert_eq!(erased.tables(), preview.tables());
    assert_eq!(batched.preview(carol()).await?.rows(), 0);
    assert_eq!(
        texts(db.owner(), "SELECT id::text FROM \"user\"")
            .await?
            .len(),
        2
    );
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn row_of_another_user_that_would_go_along_stops_the_erasure(
    db: TestDatabase,
) -> Result<(), SubjectError> {
    fill(db.owner(), 3, 2).await.unwrap();
    let user = someone(db.owner()).await?;
    let subject = subject(&db, user.clone());
    let refer = "UPDATE attachment SET tag_id = (SELECT t.id FROM tag t JOIN \"user\" u ON u.id = t.owner_id
                                                 ORDER BY u.email LIMIT 1 OFFSET 2)
                 WHERE owner_id = (SELECT id FROM \"user\" ORDER BY email LIMIT 1)";
    db.owner().execute_unprepared(refer).await?;
    dump(db.owner(), "before").await?;

    let batched = Subject::new(db.connection(), user)
        .skip("public.priority", "the same for everyone")
        .batch(NonZeroU32::MIN);
    for refused in [
        subject.preview(carol()).await,
        subject.erase(carol()).await,
        batched.erase(carol()).await,
    ] {
        let error = refused.unwrap_err();
        let SubjectError::ReferredTo { tables } = &error else {
            panic!("{error}");
        };
        assert_eq!((tables.len(), tables[0].rows), (1, 2), "{error}");
        assert!(error.to_string().contains("public.attachment"), "{error}");
    }
    assert!(is_as(db.owner(), "before").await?);
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn tables_that_nobody_decided_are_errors(db: TestDatabase) -> Result<(), SubjectError> {
    fill(db.owner(), 2, 1).await.unwrap();
    let stray = "CREATE TABLE stray (user_id uuid REFERENCES \"user\" ON DELETE CASCADE)";
    db.owner().execute_unprepared(stray).await?;
    dump(db.owner(), "before").await?;

    let user = someone(db.owner()).await?;
    let undecided = Subject::new(db.connection(), user.clone());
    let mut out = Vec::new();
    for refused in [
        undecided.export(carol(), &mut out).await,
        undecided.erase(carol()).await,
    ] {
        let error = refused.unwrap_err();
        let SubjectError::Undecided { tables } = &error else {
            panic!("{error}");
        };
        let names: Vec<&str> = tables.iter().map(|table| table.table.as_str()).collect();
        assert_eq!(names, ["public.priority", "public.stray"]);
        assert!(error.to_string().contains("Subject::skip"), "{error}");
    }
    assert!(out.is_empty());
    assert!(is_as(db.owner(), "before").await?);

    let decided = subject(&db, user).skip("stray", "it is empty");
    assert_eq!(decided.erase(carol()).await?.rows(), 1 + 5 + 2);
    Ok(())
}

#[sea_orm_rls::test(migrator = Whole, registry = entities())]
async fn context_that_names_nobody_has_no_rows(db: TestDatabase) {
    for nobody in [
        UserContext::new(""),
        UserContext::new("1").setting("app.other"),
    ] {
        let error = subject(&db, nobody).preview(carol()).await.unwrap_err();
        assert!(matches!(error, SubjectError::Nobody), "{error}");
    }
}
