//! Entities as `sea-orm-cli generate entity` writes them, with the derive added by its own flags.

#[rustfmt::skip]
mod note;
#[rustfmt::skip]
mod task;
#[rustfmt::skip]
mod user;

use std::fs;
use std::path::{Path, PathBuf};

use sea_orm::{ActiveModelTrait, EntityTrait, Set};
use sea_orm_cli::{Cli, Commands};
use sea_orm_rls::{Registry, RlsConnection, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::fixture::Fixture;

/// Runs `sea-orm-cli generate entity` with these flags more.
async fn generate(database: &testbed::Database, directory: &Path, flags: &[&str]) {
    let (url, directory) = (database.url(), directory.to_str().unwrap());
    let command = [
        "sea-orm-cli",
        "generate",
        "entity",
        "-u",
        &url,
        "-o",
        directory,
    ];

    let derive = [
        "--model-extra-derives",
        "sea_orm_rls::UserScoped",
        "--ignore-tables",
        "rls_audit",
    ];

    let command = command.iter().chain(&derive).chain(flags);
    let cli = <Cli as clap::Parser>::try_parse_from(command).unwrap();
    let Commands::Generate { command } = cli.command else {
        unreachable!("a command to generate")
    };

    sea_orm_cli::run_generate_command(command, false)
        .await
        .unwrap();
}

fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _not_there = fs::remove_dir_all(&directory);
    directory
}

/// The scope of the users is the one thing that is said by hand.
fn say_identity(directory: &Path) {
    let file = directory.join("user.rs");
    let written = fs::read_to_string(&file).unwrap();
    let said = written.replace(
        "pub struct Model",
        "#[user_scoped(identity)]\npub struct Model",
    );

    assert_ne!(written, said);
    fs::write(&file, said).unwrap();
}

#[tokio::test]
async fn generated_entities_are_these_and_keep_what_is_said_by_hand() {
    let fixture = Fixture::new(1).await;
    let directory = directory(fixture.database.name());
    generate(&fixture.database, &directory, &[]).await;
    say_identity(&directory);

    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/interplay/generated");
    let is_committed = || {
        for table in ["note.rs", "task.rs", "user.rs"] {
            // The first time the derive's path is written in tokens, and then as rustfmt has it.
            let [generated, committed] = [&directory, &committed].map(|at| {
                fs::read_to_string(at.join(table))
                    .unwrap()
                    .replace(" :: ", "::")
            });
            assert_eq!(generated, committed, "{table}");
        }
    };

    is_committed();
    generate(
        &fixture.database,
        &directory,
        &["--experimental-preserve-user-modifications"],
    )
    .await;
    is_committed();
    fs::remove_dir_all(&directory).unwrap();
}

fn entities() -> Registry {
    registry![user::Entity, task::Entity, note::Entity].unwrap()
}

#[tokio::test]
async fn generated_entities_say_what_the_database_has() {
    let fixture = Fixture::new(1).await;
    let plan = RlsSchema::new(entities(), fixture.config.clone())
        .plan(&fixture.owner)
        .await
        .unwrap();

    assert_eq!(plan.to_string(), "");

    let db =
        RlsConnection::connect_with(fixture.database.url(), fixture.config.clone(), entities())
            .await
            .unwrap();

    let mine = db.scope(UserContext::new(fixture.ann));
    let new = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("generated".to_owned()),
        rank: Set(1),
        ..Default::default()
    };

    assert_eq!(new.insert(&mine).await.unwrap().owner_id, fixture.ann);
    assert_eq!(task::Entity::find().all(&mine).await.unwrap().len(), 1);

    assert_eq!(
        task::Entity::find()
            .all(&db.scope(UserContext::new(fixture.bob)))
            .await
            .unwrap(),
        []
    );
}
