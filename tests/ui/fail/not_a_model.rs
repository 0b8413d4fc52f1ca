//! The derive belongs on a SeaORM `Model`.

use sea_orm_rls::UserScoped;

#[derive(UserScoped)]
struct Task {
    owner_id: u32,
}

#[derive(UserScoped)]
enum Model {
    Task,
}

fn main() {}
