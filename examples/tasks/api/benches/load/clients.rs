//! The clients: a script for `autocannon`, with the versions that `package-lock.json` names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::world::World;

const FILES: [(&str, &str); 3] = [
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
    ("clients.js", include_str!("clients.js")),
];

const CONNECTIONS: u32 = 32;

pub struct Clients {
    folder: PathBuf,
}

/// What one run found; no answer in it was wrong.
pub struct Run {
    pub checked: u64,
    /// Answers a second.
    pub rate: f64,
    /// In milliseconds.
    pub median: f64,
    pub p99: f64,
}

impl Clients {
    /// Fetches `autocannon`, unless it is there.
    pub fn install() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("load");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in FILES {
            fs::write(folder.join(name), text).unwrap();
        }

        if !folder.join("node_modules/autocannon").exists() {
            let mut npm = std::process::Command::new("npm");
            npm.args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--silent",
            ])
            .current_dir(&folder);

            let installed = npm
                .status()
                .unwrap_or_else(|error| panic!("`npm` does not run: {error}"));
            assert!(installed.success(), "npm could not fetch autocannon");
        }

        Self { folder }
    }

    /// Runs for so long.
    ///
    /// # Panics
    ///
    /// On any answer that is not as it should be.
    pub async fn run(&self, world: &World, seconds: u64) -> Run {
        let found = self.found(world, seconds, 0).await;
        let number = |key: &str| {
            found[key]
                .as_f64()
                .unwrap_or_else(|| panic!("{key}: {found}"))
        };

        assert_eq!(
            found["wrong"],
            json!([]),
            "{}: answers are wrong",
            world.kind
        );
        assert_eq!(found["errors"], json!(0), "{}: {found}", world.kind);

        let checked = found["checked"].as_u64().unwrap();
        let visits = found["visits"].as_u64().unwrap();
        assert_eq!(
            found["users"],
            json!(visits.min(world.people.len() as u64)),
            "{}: {found}",
            world.kind
        );

        Run {
            checked,
            rate: number("rate"),
            median: number("median"),
            p99: number("p99"),
        }
    }

    /// Has every user ask with the next one's token, and so be shown rows that are not theirs.
    ///
    /// # Panics
    ///
    /// Where the clients take them.
    pub async fn notice_foreign_rows(&self, world: &World) {
        let found = self.found(world, 1, 1).await;
        assert_ne!(
            found["wrong"],
            json!([]),
            "{}: the clients look at nothing: {found}",
            world.kind
        );
    }

    async fn found(&self, world: &World, seconds: u64, other: usize) -> Value {
        let tokens = world
            .people
            .iter()
            .cycle()
            .skip(other)
            .map(|person| &person.token);

        let people: Vec<Value> = world
            .people
            .iter()
            .zip(tokens)
            .map(|(person, token)| json!({ "id": person.id, "email": person.email, "token": token, "task": person.task }))
            .collect();

        let task = json!({ "url": world.url, "connections": CONNECTIONS, "seconds": seconds, "people": people });
        let mut node = Command::new("node");
        node.arg("clients.js")
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);

        let mut node = node
            .spawn()
            .unwrap_or_else(|error| panic!("`node` does not run: {error}"));
        let mut input = node.stdin.take().unwrap();
        input.write_all(task.to_string().as_bytes()).await.unwrap();
        drop(input);

        let output = node.wait_with_output().await.unwrap();
        serde_json::from_slice(&output.stdout).expect("the clients say what they found")
    }
}
