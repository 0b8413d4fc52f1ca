//! Two users of a database that `tasks-migration` has migrated: `DATABASE_URL=… cargo run -p tasks-app`.

use std::error::Error;

use sea_orm_rls::{RlsConfig, RlsConnection, UserContext};
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL to the migrated database")?;
    let db = RlsConnection::connect(url, RlsConfig::from_env()?).await?;
    for name in ["ann", "bob"] {
        let id = Uuid::new_v4();
        let mine = db.scope(UserContext::new(id));
        tasks_app::sign_up(&mine, id, &format!("{name}-{id}@example.org")).await?;
        let task = tasks_app::add(&mine, &format!("a task of {name}'s"), "a comment").await?;
        tasks_app::finish(&mine, task.id).await?;
        for (task, owner) in tasks_app::list(&mine).await? {
            let owner = owner.map_or_else(|| "nobody".to_owned(), |owner| owner.email);
            println!("{name} sees {:?} of {owner}, done: {}", task.title, task.done);
        }
    }
    db.close().await;
    Ok(())
}
