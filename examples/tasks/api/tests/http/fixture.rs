use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use sea_orm_migration::MigratorTraitSelf;
use sea_orm_rls::migration::RlsMigrator;
use sea_orm_rls::{AdminConnection, AdminContext, Registry, RlsConfig, RlsConnection};
use serde_json::{Value, json};
use tasks_api::account;
use tasks_api::app::{App, Newcomer, REASON};
use tasks_api::route::router;
use tasks_api::token::Tokens;
use tasks_migration::Migrator;
use tokio::sync::OnceCell;
use tower::ServiceExt;
use uuid::Uuid;

use crate::documented::assert_documented;

pub const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";
pub const PASSWORD: &str = "correct horse battery";

pub struct Person {
    pub id: Uuid,
    pub email: String,
    pub token: String,
}

/// The service with Ann, Bob, and Root, who is a superuser.
pub struct Service {
    pub db: RlsConnection,
    /// As the migrations' login, a superuser.
    pub owner: DatabaseConnection,
    pub app: App,
    pub router: Router,
    pub ann: Person,
    pub bob: Person,
    pub root: Person,
    statements: Arc<Mutex<Vec<String>>>,
    document: OnceCell<Value>,
    _database: testbed::Database,
}

pub type Answer = (StatusCode, Value);

impl Service {
    pub async fn new() -> Self {
        Self::with_connections(4).await
    }

    pub async fn with_connections(connections: u32) -> Self {
        let database = testbed::server().unwrap().database("tasks").await.unwrap();
        let config = RlsConfig::new()
            .app_login(&database.role("app"), "app password")
            .unwrap()
            .admin_login(&database.role("admin"), "admin password")
            .unwrap();

        let owner = Database::connect(database.url()).await.unwrap();
        RlsMigrator::with(Migrator, Registry::linked().unwrap(), config.clone())
            .up(&owner, None)
            .await
            .unwrap();

        let mut options = ConnectOptions::new(database.url());
        options.max_connections(connections);

        let mut db = RlsConnection::connect(options, config).await.unwrap();
        let statements: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&statements);

        db.set_metric_callback(move |info| heard.lock().unwrap().push(info.statement.sql.clone()));

        let app = App::new(db.clone(), Tokens::new(SECRET));
        let newcomer = Newcomer::at_start(db.clone());
        let person = async |name: &str| {
            let email = format!("{name}@example.org");
            let user = if name == "root" {
                account::add_superuser(&db, &app.passwords, &email, PASSWORD.to_owned())
                    .await
                    .unwrap()
            } else {
                account::add(&newcomer, &app.passwords, &email, PASSWORD.to_owned())
                    .await
                    .unwrap()
            };

            Person {
                id: user.id,
                email,
                token: app.tokens.issue(user.id).unwrap(),
            }
        };

        let (ann, bob, root) = (
            person("ann").await,
            person("bob").await,
            person("root").await,
        );

        Self {
            db,
            owner,
            router: router(app.clone()),
            app,
            ann,
            bob,
            root,
            statements,
            document: OnceCell::new(),
            _database: database,
        }
    }

    /// As administrator, not through the service.
    pub fn admin(&self) -> AdminConnection {
        self.db
            .admin(AdminContext::new("tester", "looks at all rows").unwrap())
    }

    /// A number that the migrations' login reads, whatever policies say.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self
            .owner
            .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
            .await
            .unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    }

    /// The SQL text that the service has sent since the last call.
    pub fn statements(&self) -> Vec<String> {
        std::mem::take(&mut *self.statements.lock().unwrap())
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, uri) = (request.method().clone(), request.uri().to_string());
        let response = self.router.clone().oneshot(request).await.unwrap();
        if uri == "/openapi.json" {
            return answer(response).await;
        }

        assert_documented(self.document().await, &method, &uri, &response);
        answer(response).await
    }

    /// The document that the service gives, asked for once.
    async fn document(&self) -> &Value {
        let ask = async || {
            let asked = request("GET", "/openapi.json", "", "", &Value::Null);
            answer(self.router.clone().oneshot(asked).await.unwrap())
                .await
                .1
        };
        self.document.get_or_init(ask).await
    }

    pub async fn get(&self, who: &Person, path: &str) -> Answer {
        self.send(request("GET", path, &who.token, "", &Value::Null))
            .await
    }

    pub async fn post(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.send(request("POST", path, &who.token, "", &body))
            .await
    }

    pub async fn patch(&self, who: &Person, path: &str, body: Value) -> Answer {
        self.send(request("PATCH", path, &who.token, "", &body))
            .await
    }

    pub async fn delete(&self, who: &Person, path: &str) -> Answer {
        self.send(request("DELETE", path, &who.token, "", &Value::Null))
            .await
    }

    /// With a reason.
    pub async fn administrate(
        &self,
        who: &Person,
        method: &str,
        path: &str,
        body: Value,
    ) -> Answer {
        self.send(request(method, path, &who.token, "ticket 4711", &body))
            .await
    }

    /// Adds a task and gives its id.
    pub async fn task(&self, who: &Person, title: &str) -> String {
        let (status, task) = self.post(who, "/tasks", json!({ "title": title })).await;
        assert_eq!(status, StatusCode::CREATED, "{task}");
        task["id"].as_str().unwrap().to_owned()
    }

    /// The titles of the tasks that someone is shown.
    pub async fn titles(&self, who: &Person, query: &str) -> Vec<String> {
        let (status, page) = self.get(who, &format!("/tasks{query}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");

        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["title"].as_str().unwrap().to_owned())
            .collect()
    }
}

async fn answer(response: Response) -> Answer {
    let (status, body) = (
        response.status(),
        to_bytes(response.into_body(), 1 << 20).await.unwrap(),
    );

    (
        status,
        serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))),
    )
}

/// A request; without a token if it is empty.
pub fn request(method: &str, path: &str, token: &str, reason: &str, body: &Value) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json");

    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }

    if !reason.is_empty() {
        request = request.header(REASON, reason);
    }

    request.body(Body::from(body.to_string())).unwrap()
}

/// That this is a problem of this status and code.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.0.as_u16(), answer.1["code"].as_str()),
        (status, Some(code)),
        "{}",
        answer.1
    );
}
