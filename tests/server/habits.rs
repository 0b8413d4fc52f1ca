//! What people do with SeaORM, on a scoped connection.
