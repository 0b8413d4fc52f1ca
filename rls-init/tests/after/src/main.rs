use entity::task;
use sea_orm::{Database, EntityTrait};

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").unwrap();
    let db = Database::connect(&url).await.unwrap();
    println!("{:?}", task::Entity::find().all(&db).await);
}
