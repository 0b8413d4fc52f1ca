//! The service as a process, with nothing set.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn service(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tasks-api"));
    for variable in ["DATABASE_URL", "JWT_SECRET", "LISTEN", "FIRST_USER", "FIRST_SUPERUSER", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.envs(variables.iter().copied()).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The lines to try, once they are printed.
async fn lines_to_try(child: &mut Child) -> Vec<String> {
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut curl = Vec::new();
    while curl.len() < 3 {
        let line = timeout(Duration::from_secs(60), output.next_line()).await.expect("it starts").unwrap();
        let line = line.expect("it starts, and says what to try");
        if line.starts_with("curl ") {
            curl.push(line);
        }
    }
    curl
}

#[tokio::test]
async fn it_starts_with_nothing_set_and_what_it_prints_works() {
    // Another port where someone uses the usual one.
    let mut child = service(&[]).spawn().unwrap();
    let lines = lines_to_try(&mut child).await;
    for (line, expected) in lines.iter().zip(["\"token\"", "water the plants", "fix the roof"]) {
        let output = Command::new("sh").args(["-c", &format!("{line} --fail")]).output().await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.contains(expected), "{line}\n{out}{err}(it needs `curl`)");
    }

    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let output = timeout(Duration::from_secs(20), child.wait_with_output()).await.expect("it stops").unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains("stopping"), "{log}");
    assert!(log.contains("JWT_SECRET is not set"), "{log}");
}

#[tokio::test]
async fn wrong_configuration_stops_it() {
    for (variables, expected) in [
        ([("JWT_SECRET", "short"), ("LISTEN", "127.0.0.1:0")], "JWT_SECRET"),
        ([("LISTEN", "here"), ("WORKER_SECONDS", "1")], "LISTEN"),
        ([("LISTEN", "127.0.0.1:0"), ("WORKER_SECONDS", "0")], "WORKER_SECONDS"),
        ([("LISTEN", "127.0.0.1:0"), ("FIRST_USER", "ann@example.org")], "FIRST_USER_PASSWORD"),
        ([("LISTEN", "127.0.0.1:0"), ("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")], "JWT_SECRET"),
    ] {
        let output = timeout(Duration::from_secs(60), service(&variables).output()).await.expect("it stops").unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{variables:?}: {error}");
    }
}
