//! Why a row is shown, hidden or refused: the cause that is named is the true one, and the server
//! does what the answer says.

mod command;
mod refused;
mod situations;
mod world;

use sea_orm::ConnectionTrait;
use sea_orm_rls::policy::Command;
use sea_orm_rls::why::{Answer, Cause, Outcome, Security, Why, WhyError};
use sea_orm_rls::{AdminContext, RlsError, UserContext};

use crate::fixture::Fixture;
use crate::schema::texts;

fn carol() -> AdminContext {
    AdminContext::new("carol", "ticket 4711").unwrap()
}

/// The outcome and the first cause of a command.
fn said(answer: &Answer, command: Command) -> (Outcome, Option<&str>) {
    let answer = answer.command(command).unwrap();
    (answer.outcome, answer.causes.first().map(Cause::as_str))
}

/// What a question reads is recorded, also if it has no answer, and for whom it was asked.
#[tokio::test]
async fn each_question_is_recorded() {
    let fixture = Fixture::new(1).await;
    let why = Why::on(&fixture.db, carol());
    let count =
        "SELECT count(*)::text FROM rls_audit WHERE actor = 'carol' AND reason = 'ticket 4711'";
    let id = fixture.bob.to_string();

    let answer = why
        .row(fixture.ann_context(), "user", &[&id])
        .await
        .unwrap();
    assert_eq!(
        said(&answer, Command::Select),
        (Outcome::Hidden, Some("other_holder"))
    );
    assert_eq!(texts(&fixture.owner, count).await, ["2"]);
    let for_ann = format!("{count} AND on_behalf_of::text LIKE '%{}%'", fixture.ann);
    assert_eq!(texts(&fixture.owner, &for_ann).await, ["1"]);

    let unanswered = why.row(fixture.ann_context(), "user", &["no uuid"]).await;
    assert!(
        matches!(unanswered, Err(WhyError::KeyValue { .. })),
        "{unanswered:?}"
    );
    assert_eq!(texts(&fixture.owner, count).await, ["4"]);
}

/// A question that cannot be recorded has no answer.
#[tokio::test]
async fn nothing_is_told_without_a_record() {
    let fixture = Fixture::new(1).await;
    let why = Why::on(&fixture.db, carol());
    let revoke = format!(
        "REVOKE INSERT (reason) ON rls_audit FROM \"{}\"",
        fixture.config.admin_role()
    );
    fixture.owner.execute_unprepared(&revoke).await.unwrap();

    let id = fixture.bob.to_string();
    let error = why
        .row(fixture.ann_context(), "user", &[&id])
        .await
        .unwrap_err();
    assert!(
        matches!(&error, WhyError::Rls(RlsError::AuditFailed { .. })),
        "{error}"
    );

    let again = Why::connect(
        fixture.database.url(),
        fixture.config.clone(),
        fixture.db.registry().clone(),
        carol(),
    );
    assert!(matches!(again.await, Err(RlsError::Gate(_))));
}

/// The values are the answer's alone: none is in an error or in `Debug`.
#[tokio::test]
async fn values_are_printed_by_the_answer_alone() {
    let fixture = Fixture::new(1).await;
    let why = Why::on(&fixture.db, carol());
    let (ann, bob) = (fixture.ann.to_string(), fixture.bob.to_string());

    let answer = why
        .row(fixture.ann_context(), "user", &[&bob])
        .await
        .unwrap();
    let debug = format!("{answer:?}");
    assert!(!debug.contains(&ann) && !debug.contains(&bob), "{debug}");
    for printed in [answer.text(false).to_string(), answer.json()] {
        assert!(
            printed.contains(&ann) && printed.contains(&bob),
            "{printed}"
        );
        assert!(printed.contains("tests/server/fixture.rs:"), "{printed}");
    }

    let no_key = why.row(fixture.ann_context(), "user", &[&ann, &bob]).await;
    let no_uuid = why
        .row(fixture.ann_context(), "user", &["secret key"])
        .await;
    let no_row = why
        .new_row(fixture.ann_context(), "user", "{\"id\": \"secret\"}")
        .await;
    for error in [
        no_key.unwrap_err(),
        no_uuid.unwrap_err(),
        no_row.unwrap_err(),
    ] {
        let said = format!("{error} {error:?}");
        assert!(!said.contains(&ann) && !said.contains("secret"), "{said}");
    }

    let wrong = UserContext::new("secret user");
    let answer = why.row(wrong, "user", &[&bob]).await.unwrap();
    assert_eq!(answer.security, Security::Unasked);
    assert_eq!(
        said(&answer, Command::Insert),
        (Outcome::Refused, Some("wrong_type"))
    );
    assert!(!format!("{answer:?}").contains("secret"));
}

/// An administrator whose own policy is gone would take a hidden row for none.
#[tokio::test]
async fn administrator_who_is_blind_is_told_so() {
    let fixture = Fixture::new(1).await;
    let why = Why::on(&fixture.db, carol());
    let drop = "DROP POLICY user_admin ON \"user\"";
    fixture.owner.execute_unprepared(drop).await.unwrap();

    let id = fixture.bob.to_string();
    let error = why
        .row(fixture.ann_context(), "user", &[&id])
        .await
        .unwrap_err();
    assert!(matches!(error, WhyError::Blind { .. }), "{error}");
}

#[tokio::test]
async fn question_works_with_signed_contexts() {
    let fixture = Fixture::signed(1).await;
    let why = Why::on(&fixture.db, carol());
    let (ann, bob) = (fixture.ann.to_string(), fixture.bob.to_string());

    let own = why
        .row(fixture.ann_context(), "user", &[&ann])
        .await
        .unwrap();
    assert_eq!(
        said(&own, Command::Update),
        (Outcome::Passes, None),
        "{}",
        own.text(false)
    );
    let other = why
        .row(fixture.ann_context(), "user", &[&bob])
        .await
        .unwrap();
    let expected = (Outcome::Hidden, Some("other_holder"));
    assert_eq!(
        said(&other, Command::Delete),
        expected,
        "{}",
        other.text(false)
    );

    let who = why.who("user", &[&bob]).await.unwrap();
    let reach: Vec<usize> = who.reaches.iter().map(|it| it.commands.len()).collect();
    assert_eq!(reach, [3, 0, 0], "{}", who.text());
}

/// The environment for libpq opens a session that has the context, whatever the value, and keeps it.
#[tokio::test]
async fn session_of_psql_has_the_context_from_its_start() {
    let fixture = Fixture::new(1).await;
    let why = Why::on(&fixture.db, carol());
    for value in ["plain", r"a b\c -c app.user_id=x 'q'"] {
        let context = sea_orm_rls::context::Settings::new()
            .with("app.name", value)
            .unwrap();
        let session = why.psql(context).await.unwrap();
        assert!(!format!("{session:?}").contains(value));

        let variable = |name: &str| {
            let mut environment = session.environment();
            let found = environment.find(|(variable, _)| *variable == name);
            found.unwrap().1.to_owned()
        };
        let url = fixture
            .database
            .url_as(&variable("PGUSER"), &variable("PGPASSWORD"));
        let options = variable("PGOPTIONS")
            .bytes()
            .fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
        let separator = if url.contains('?') { '&' } else { '?' };
        let session = sea_orm::Database::connect(format!("{url}{separator}options={options}"))
            .await
            .unwrap();

        session.execute_unprepared("RESET ALL").await.unwrap();
        let name = "SELECT current_user || ': ' || current_setting('app.name')";
        let expected = format!("{}: {value}", fixture.config.app_role());
        assert_eq!(texts(&session, name).await, [expected]);
    }
}

/// Shared, owned by two, of a team, and by policies of one's own.
#[tokio::test]
async fn who_reaches_a_row_is_tried_on_the_server() {
    let world = world::new().await;
    let why = Why::on(&world.db, carol());
    for (table, key, expected) in [
        (
            "doc",
            "3",
            "public.doc  id = '3'
  app.user_id = '2'      SELECT UPDATE DELETE
  any other app.user_id  SELECT
  no app.user_id         SELECT
",
        ),
        (
            "project",
            "1",
            "public.project  id = '1'
  app.tenant_id = '10', app.user_id = '1'  SELECT UPDATE DELETE
  nobody else
",
        ),
        (
            "file",
            "1",
            "public.file  id = '1'
  app.user_id = '1'  SELECT UPDATE DELETE
  app.user_id = '2'  SELECT UPDATE DELETE
  nobody else
",
        ),
        ("doc", "4", "public.doc  id = '4'\n  nobody else\n"),
        (
            "post",
            "2",
            "public.post  id = '2'
  app.user_id = '1'      SELECT
  app.user_id = '2'      SELECT UPDATE DELETE
  any other app.user_id  SELECT
  no app.user_id         SELECT
",
        ),
        (
            "country",
            "1",
            "public.country  id = '1'\n  everyone  SELECT\n",
        ),
    ] {
        let who = why.who(table, &[key]).await.unwrap();
        assert_eq!(who.text(), expected);
    }

    let none = why.who("doc", &["77"]).await;
    assert!(matches!(none, Err(WhyError::NoRow { .. })), "{none:?}");
}
