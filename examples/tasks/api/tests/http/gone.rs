//! Clients that leave in the middle: nothing of theirs is left in the connections, and nothing half-written in the tables.

use std::pin::pin;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement};
use serde_json::json;
use tasks_entity::{comment, task};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::fixture::{Service, request};

/// Every connection of the pool is nobody's, and the server has no transaction open.
async fn assert_nothing_left(service: &Service) {
    let current = "SELECT coalesce(NULLIF(current_setting('app.user_id', true), ''), 'nobody')";
    for _ in 0..8 {
        let nobody = service.db.anonymous();
        let row = nobody.query_one_raw(Statement::from_string(DbBackend::Postgres, current)).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "nobody");
    }
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}' AND state <> 'idle'",
        service.db.config().app_role()
    );
    // A queued rollback is sent a moment after the drop.
    for _ in 0..500 {
        if service.number(&open).await == 0 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("a transaction is left open");
}

/// Each task came with a comment.
async fn assert_nothing_half_written(service: &Service) -> u64 {
    let tasks = task::Entity::find().count(&service.admin()).await.unwrap();
    assert_eq!(comment::Entity::find().count(&service.admin()).await.unwrap(), tasks);
    assert_eq!(
        service
            .number("SELECT count(*) FROM task WHERE NOT EXISTS (SELECT FROM comment WHERE task_id = task.id)")
            .await,
        0
    );
    tasks
}

#[tokio::test]
async fn dropped_requests_leave_nothing_behind() {
    let service = Service::with_connections(2).await;
    let new = json!({ "title": "all or nothing", "comment": "both" });
    let (mut dropped, mut answered) = (0, 0);
    for round in 0_u64..300 {
        let who = if round % 2 == 0 { &service.ann } else { &service.bob };
        let sent = service.router.clone().oneshot(request("POST", "/tasks", &who.token, "", &new));
        // From before the begin message to after the commit.
        match timeout(Duration::from_micros(round * 37 % 6000), pin!(sent)).await {
            Ok(response) => {
                assert_eq!(response.unwrap().status(), 201);
                answered += 1;
            }
            Err(_) => dropped += 1,
        }
    }
    assert!(dropped > 30, "{dropped} dropped, {answered} answered");
    assert_nothing_left(&service).await;
    let written = assert_nothing_half_written(&service).await;
    assert!(written >= answered, "what was answered is there: {written} of {answered}");
    assert_eq!(service.get(&service.root, "/tasks").await.1["total"], json!(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_connections_leave_nothing_behind() {
    let service = Service::with_connections(2).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(axum::serve(listener, service.router.clone()).into_future());
    let body = json!({ "title": "all or nothing", "comment": "both" }).to_string();
    for round in 0_u64..200 {
        let who = if round % 2 == 0 { &service.ann } else { &service.bob };
        let head = format!(
            "POST /tasks HTTP/1.1\r\nhost: tasks\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            who.token,
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        // Some leave before their body is sent whole.
        let sent = if round % 5 == 0 { body.len() / 2 } else { body.len() };
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body.as_bytes()[..sent]).await.unwrap();
        sleep(Duration::from_micros(round * 53 % 5000)).await;
        drop(stream);
    }
    serving.abort();
    assert_nothing_left(&service).await;
    assert_nothing_half_written(&service).await;
    let (status, own) = service.get(&service.ann, "/tasks").await;
    assert_eq!(status, 200);
    let total = own["total"].as_u64().unwrap();
    assert!(own["items"].as_array().unwrap().iter().all(|task| task["owner_id"] == json!(service.ann.id)));
    assert!(total <= 100, "{total}");
}
