//! Lists as PostgreSQL arrays, and policies that read them.

use sea_orm::ConnectionTrait;
use sea_orm_rls::RlsContext;
use sea_orm_rls::context::SettingElement;
use uuid::Uuid;

use super::{read, read_all};
use crate::fixture::Fixture;

#[derive(RlsContext)]
struct List<'a, T> {
    #[setting("app.list")]
    list: &'a [T],
}

async fn texts(fixture: &Fixture, list: &[impl SettingElement]) -> Vec<Option<String>> {
    let scoped = fixture.db.scope(List { list });
    assert_eq!(
        read::<i32>(&scoped, "cardinality(current_setting('app.list')::text[])").await,
        i32::try_from(list.len()).unwrap()
    );
    read_all(&scoped, "unnest(current_setting('app.list')::text[])").await
}

#[tokio::test]
async fn hostile_texts_come_back_as_they_are() {
    let fixture = Fixture::new(1).await;
    let hostile = [
        "\"",
        "\\",
        "\\\"",
        "\\\\",
        "'",
        "''",
        "{",
        "}",
        "{}",
        "{a,b}",
        ",",
        ";",
        "NULL",
        "null",
        "",
        " ",
        " a ",
        "a\nb\t\r",
        "\"a\",\"b\"",
        "E'\\x41'",
        "\\x41",
        "$$",
        "--",
        "/*",
        "ü",
        "𝄞",
        "\u{feff}",
        "\u{202e}abc",
        "'; DROP TABLE task; --",
    ];

    assert_eq!(
        texts(&fixture, &hostile).await,
        hostile.map(|text| Some(text.to_owned()))
    );

    let characters: Vec<String> = ('\u{1}'..='\u{17f}').map(String::from).collect();
    let found = texts(&fixture, &characters).await;
    assert_eq!(found, characters.into_iter().map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn none_is_null_and_an_empty_list_has_no_element() {
    let fixture = Fixture::new(1).await;
    assert_eq!(
        texts(&fixture, &[Some("NULL"), None]).await,
        [Some("NULL".to_owned()), None]
    );
    assert_eq!(texts(&fixture, &[] as &[&str]).await, []);
}

#[tokio::test]
async fn lists_of_other_types_are_cast_back() {
    let fixture = Fixture::new(1).await;
    let scoped = fixture.db.scope(List {
        list: &[i64::MIN, 0, i64::MAX],
    });
    assert_eq!(
        read::<Vec<i64>>(&scoped, "current_setting('app.list')::bigint[]").await,
        [i64::MIN, 0, i64::MAX]
    );

    let scoped = fixture.db.scope(List {
        list: &[true, false],
    });
    assert_eq!(
        read::<Vec<bool>>(&scoped, "current_setting('app.list')::boolean[]").await,
        [true, false]
    );

    let moments = [
        chrono::DateTime::UNIX_EPOCH,
        chrono::DateTime::from_timestamp_micros(-1).unwrap(),
    ];

    let scoped = fixture.db.scope(List { list: &moments });
    let read: Vec<chrono::DateTime<chrono::Utc>> = read_all(
        &scoped,
        "unnest(current_setting('app.list')::timestamptz[])",
    )
    .await;

    assert_eq!(read, moments);
}

#[derive(RlsContext)]
struct Teams {
    #[setting("app.team_ids")]
    teams: Option<Vec<Uuid>>,
}

#[tokio::test]
async fn member_of_teams_sees_the_rows_of_those_teams() {
    let fixture = Fixture::new(1).await;
    let [red, green, blue] = [(); 3].map(|()| Uuid::new_v4());
    let role = fixture.database.role("rls_app_user");
    let schema = format!(
        r#"CREATE TABLE "document" ("team_id" uuid NOT NULL);
        INSERT INTO "document" VALUES ('{red}'), ('{green}'), ('{blue}');
        ALTER TABLE "document" ENABLE ROW LEVEL SECURITY;
        CREATE POLICY "document_team" ON "document" TO "{role}" USING
            ("team_id" = ANY((SELECT NULLIF(current_setting('app.team_ids', true), '')::uuid[])::uuid[]));
        GRANT SELECT ON "document" TO "{role}""#
    );

    fixture.owner.execute_unprepared(&schema).await.unwrap();

    let count = r#"(SELECT count(*) FROM "document")"#;
    assert_eq!(read::<i64>(&fixture.owner, count).await, 3);

    for (teams, seen) in [
        (Some(vec![red, green]), 2),
        (Some(vec![blue, Uuid::new_v4()]), 1),
        (Some(vec![]), 0),
        (None, 0),
    ] {
        assert_eq!(
            read::<i64>(&fixture.db.scope(Teams { teams }), count).await,
            seen
        );
    }

    assert_eq!(read::<i64>(&fixture.db.anonymous(), count).await, 0);
}
