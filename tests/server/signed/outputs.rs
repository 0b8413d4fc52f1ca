//! No output shows a key, a token, or the user of a context.

use std::fmt::{Debug, Display, Write as _};
use std::fs;
use std::io;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, Set, TransactionTrait};
use sea_orm_rls::doctor::Doctor;
use sea_orm_rls::signing::{SignedContexts, SigningKey};
use sea_orm_rls::{RlsConnection, RlsError, RlsSchema};
use testbed::Server;
use uuid::Uuid;

use super::new_task;
use super::token::{Tokens, stranger};
use crate::fixture::{Fixture, KEY_ID, SECRET, config, entities, task};
use crate::schema::text;

/// All that was put out.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn text(&self, shown: impl Display) {
        self.0
            .lock()
            .unwrap()
            .extend(format!("{shown}\n").into_bytes());
    }

    fn debug(&self, shown: impl Debug) {
        self.text(format!("{shown:?} {shown:#?}"));
    }

    /// Each form that an error has.
    fn error(&self, error: DbErr) -> RlsError {
        self.debug(&error);
        self.text(&error);
        let error = RlsError::from(error);
        self.debug(&error);
        self.text(&error);
        error
    }

    fn all(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// Takes what is logged.
impl io::Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What of a signed context stands in a text: the key in three spellings, the signature before its
/// key's name, a user.
fn shown(text: &str, users: &[Uuid]) -> Vec<String> {
    let bytes = BASE64.decode(SECRET).unwrap();
    let mut digits = String::new();
    for byte in &bytes {
        write!(digits, "{byte:02x}").unwrap();
    }
    let mut forbidden = vec![
        SECRET.to_owned(),
        digits,
        String::from_utf8(bytes.clone()).unwrap(),
        format!("{bytes:?}"),
    ];
    forbidden.extend(users.iter().map(ToString::to_string));
    forbidden.retain(|secret| text.contains(secret.as_str()));

    let signed = text.match_indices(KEY_ID).filter(|(at, _)| {
        let digits = text[..*at].bytes().rev();
        digits.take_while(u8::is_ascii_hexdigit).count() >= 64
    });
    forbidden.extend(signed.map(|(at, _)| text[at - 64..at].to_owned()));
    forbidden
}

/// Logs all statements, but no parameters: the manual says so.
fn server() -> Server {
    Server::builder()
        .own()
        .setting(
            "shared_preload_libraries",
            "pg_stat_statements,auto_explain",
        )
        .setting("log_statement", "all")
        .setting("auto_explain.log_min_duration", "0")
        .setting("log_parameter_max_length", "0")
        .setting("auto_explain.log_parameter_max_length", "0")
        .start()
        .unwrap()
}

/// What the server's views show of statements.
async fn views(fixture: &Fixture) -> String {
    let views = "SELECT string_agg(query, E'\\n') FROM (SELECT query FROM pg_stat_activity \
                 UNION ALL SELECT query FROM pg_stat_statements) AS q";
    text(&fixture.owner, views).await
}

#[tokio::test]
async fn no_output_shows_a_key_a_token_or_a_user() {
    let said = Said::default();
    let writer = said.clone();
    let logged = tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(logged);

    let server = server();
    let signed = |database: &_| config(database).signed_contexts(SignedContexts::Required);
    let fixture = Fixture::configured(&server, signed, 1, |_| {}).await;
    let extension = "CREATE EXTENSION pg_stat_statements";
    fixture.owner.execute_unprepared(extension).await.unwrap();
    let control = Tokens::of(&fixture, true).ann;

    // What works, and what the server refuses.
    let ann = fixture.ann();
    let hers = new_task("hers").insert(&ann).await.unwrap();
    let same = task::ActiveModel {
        id: Set(hers.id),
        ..new_task("same")
    };
    said.error(same.insert(&ann).await.unwrap_err());
    let transaction = ann.begin().await.unwrap();
    task::Entity::find().all(&transaction).await.unwrap();
    said.debug((
        &ann,
        &transaction,
        &fixture.db,
        &fixture.config,
        fixture.ann_context(),
    ));
    let open = views(&fixture).await;
    transaction.rollback().await.unwrap();
    task::Entity::find().all(&fixture.admin()).await.unwrap();
    said.debug((fixture.admin(), fixture.key.as_ref().unwrap()));

    // What the service itself may not do, and what a wrong key meets.
    said.error(ann.execute_unprepared("SET ROLE none").await.unwrap_err());
    let wrong: SigningKey = stranger(fixture.key.as_ref().unwrap());
    let refused = fixture.config.clone().signing_keys(wrong.clone());
    let refused = RlsConnection::connect_with(fixture.database.url(), refused, entities());
    let refused = refused.await.unwrap_err();
    assert!(
        matches!(refused, RlsError::ContextRefused { .. }),
        "{refused}"
    );
    said.debug((&refused, &wrong));
    said.text(&refused);

    // What the tools say.
    let schema = RlsSchema::new(entities(), fixture.config.clone());
    said.debug((&schema, schema.keys(&fixture.owner).await.unwrap()));
    let sent = fixture.config.clone().signed_contexts(SignedContexts::Sent);
    let plan = RlsSchema::new(entities(), sent).plan(&fixture.owner).await;
    let plan = plan.unwrap();
    assert!(!plan.is_empty());
    said.debug(&plan);
    said.text(plan.text(true));
    let report = Doctor::new(entities(), fixture.config.clone())
        .examine(&fixture.owner)
        .await
        .unwrap();
    said.debug(&report);
    said.debug(fixture.db.check_gate().await);

    said.text(open);
    said.text(views(&fixture).await);
    said.text(fs::read_to_string(server.folder().unwrap().join("log")).unwrap());

    let all = said.all();
    for control in [&control, SECRET, &fixture.ann.to_string()] {
        assert!(!shown(&format!("{all}{control}"), &[fixture.ann]).is_empty());
    }
    assert_eq!(shown(&all, &[fixture.ann]), Vec::<String>::new());
    for part in ["duration:", "SELECT \"task\"", "sqlx::query", KEY_ID] {
        assert!(all.contains(part), "{part}");
    }
}
