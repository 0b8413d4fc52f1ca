//! Clients that leave in the middle: nothing of theirs is left in the connections, and nothing
//! half-written in the tables.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use futures_util::future::join_all;
use sea_orm::{EntityTrait, PaginatorTrait, TransactionTrait};
use sea_orm_rls::UserContext;
use serde_json::json;
use tasks_entity::{comment, task};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::fixture::{Service, request};

const CONNECTIONS: u32 = 2;

/// No session of the application is in a transaction, and a context ends with its transaction; all
/// connections at once then serve someone else.
async fn assert_nothing_left(service: &Service) {
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'",
        service.db.config().app_role()
    );

    let open = format!("{sessions} AND (state <> 'idle' OR xact_start IS NOT NULL)");

    // A queued rollback is sent a moment after the drop.
    for waited in 0.. {
        if service.number(&open).await == 0 {
            break;
        }

        assert!(waited < 500, "a transaction is left open");
        sleep(Duration::from_millis(10)).await;
    }

    let root = service.db.scope(UserContext::new(service.root.id));
    let held = join_all((0..CONNECTIONS).map(|_| root.begin())).await;

    for transaction in held {
        let transaction = transaction.unwrap();
        assert_eq!(
            task::Entity::find().count(&transaction).await.unwrap(),
            0,
            "others have some"
        );
        transaction.commit().await.unwrap();
    }

    assert!(
        service.number(&sessions).await >= i64::from(CONNECTIONS),
        "these are the application's sessions"
    );
}

/// Each task came with a comment.
async fn assert_nothing_half_written(service: &Service) -> u64 {
    let tasks = task::Entity::find().count(&service.admin()).await.unwrap();
    assert_eq!(
        comment::Entity::find()
            .count(&service.admin())
            .await
            .unwrap(),
        tasks
    );
    assert_eq!(
        service
            .number(
                "SELECT count(*) FROM task WHERE NOT EXISTS (SELECT FROM comment WHERE task_id \
                     = task.id)"
            )
            .await,
        0
    );

    tasks
}

/// The future's value, if it has one after so many polls.
async fn polled<F: Future>(times: u64, mut future: Pin<&mut F>) -> Option<F::Output> {
    let mut left = times;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }

        left -= 1;
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

#[tokio::test]
async fn dropped_requests_leave_nothing_behind() {
    let service = Service::with_connections(CONNECTIONS).await;
    let new = json!({ "title": "all or nothing", "comment": "both" });
    let (mut halfway, mut answered) = (0, 0);

    // A request takes as many polls as the server's answers happen to come late, so few of these
    // may interrupt one.
    for round in 0_u64..3000 {
        if round >= 300 && halfway > 30 {
            break;
        }

        let who = if round % 2 == 0 {
            &service.ann
        } else {
            &service.bob
        };

        let sent = service
            .router
            .clone()
            .oneshot(request("POST", "/tasks", &who.token, "", &new));

        // From before the begin message to after the commit: at each place where it waits.
        match polled(round % 20, pin!(sent)).await {
            Some(response) => {
                assert_eq!(response.unwrap().status(), 201);
                answered += 1;
            }
            None => halfway += u64::from(round % 20 > 0),
        }
    }

    assert!(
        halfway > 30 && answered > 0,
        "{halfway} dropped after they had begun, {answered} answered"
    );
    assert_nothing_left(&service).await;

    let written = assert_nothing_half_written(&service).await;
    assert!(
        written >= answered,
        "what was answered is there: {written} of {answered}"
    );

    assert_eq!(
        service.get(&service.root, "/tasks").await.1["total"],
        json!(0)
    );
}

/// How many requests were cut off before their answer.
static CUT: AtomicU64 = AtomicU64::new(0);

struct Unanswered;

impl Drop for Unanswered {
    fn drop(&mut self) {
        CUT.fetch_add(1, Ordering::Relaxed);
    }
}

async fn count(request: Request, next: Next) -> Response {
    let unanswered = Unanswered;
    let response = next.run(request).await;
    std::mem::forget(unanswered);

    response
}

/// One request whose client leaves after `delay`; one in ten before its body is sent whole.
async fn leave(address: SocketAddr, token: &str, delay: Duration, whole: bool) {
    let body = json!({ "title": "all or nothing", "comment": "both" }).to_string();
    let head = format!(
        "POST /tasks HTTP/1.1\r\nhost: tasks\r\nauthorization: Bearer {token}\r\ncontent-type: \
         application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );

    let mut stream = TcpStream::connect(address).await.unwrap();
    let sent = if whole { body.len() } else { body.len() / 2 };
    stream
        .write_all(format!("{head}{}", &body[..sent]).as_bytes())
        .await
        .unwrap();
    sleep(delay).await;
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_clients_who_leave_in_the_middle_leave_nothing_behind() {
    let service = Arc::new(Service::with_connections(CONNECTIONS).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = service.router.clone().layer(middleware::from_fn(count));
    let serving = tokio::spawn(axum::serve(listener, counted).into_future());
    let clients = (0_u64..4).map(|client| {
        let service = Arc::clone(&service);
        tokio::spawn(async move {
            let who = if client % 2 == 0 {
                &service.ann
            } else {
                &service.bob
            };

            for round in client.. {
                if CUT.load(Ordering::Relaxed) >= 2000 {
                    return round;
                }

                // From before the begin message to after the commit.
                let delay = Duration::from_micros(round * 397 % 6000);
                leave(address, &who.token, delay, round % 10 != 0).await;
            }

            0
        })
    });

    let rounds: u64 = timeout(Duration::from_secs(120), join_all(clients))
        .await
        .expect("clients leave")
        .into_iter()
        .map(Result::unwrap)
        .sum();

    serving.abort();
    assert_nothing_left(&service).await;

    let written = assert_nothing_half_written(&service).await;
    assert!(CUT.load(Ordering::Relaxed) >= 2000, "of {rounds}");

    // A sequence does not go back: so many comments were written by requests that did not live to
    // commit them.
    let undone = service
        .number("SELECT last_value FROM comment_id_seq")
        .await
        - i64::try_from(written).unwrap();

    assert!(
        written > 50 && undone > 50,
        "{rounds} requests: {written} written, {undone} undone after both statements"
    );

    for who in [&service.ann, &service.bob] {
        let (status, own) = service.get(who, "/tasks?limit=100").await;
        assert_eq!(status, 200);

        assert!(
            own["items"]
                .as_array()
                .unwrap()
                .iter()
                .all(|task| task["owner_id"] == json!(who.id))
        );
    }
}
