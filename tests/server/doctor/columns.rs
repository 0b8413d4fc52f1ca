//! Owner columns, their keys and indexes.

use super::fault::{End::*, Fault, Gate::*, each_is_caught};

pub const FAULTS: &[Fault] = &[
    Fault(
        "RLS201",
        "the owner column is dropped",
        "ALTER TABLE task DROP COLUMN owner_id CASCADE",
        Shuts,
        Remedy,
    ),
    Fault(
        "RLS202",
        "the owner may be NULL",
        "ALTER TABLE task ALTER owner_id DROP NOT NULL",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS203",
        "the owner's index is dropped",
        "DROP INDEX task_owner_id_idx",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS203",
        "the owner's index is on some rows",
        "DROP INDEX task_owner_id_idx; CREATE INDEX part ON task (owner_id) WHERE rank > 0",
        StaysOpen,
        RemedyThen("DROP INDEX part"),
    ),
    Fault(
        "RLS204",
        "the foreign key is dropped",
        "ALTER TABLE task DROP CONSTRAINT task_owner_id_fkey",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS205",
        "the foreign key is not validated",
        "ALTER TABLE task DROP CONSTRAINT task_owner_id_fkey;
         ALTER TABLE task ADD CONSTRAINT task_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES \
         \"user\" ON DELETE CASCADE NOT VALID",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS206",
        "the default is dropped",
        "ALTER TABLE task ALTER owner_id DROP DEFAULT",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS206",
        "the default is one user",
        "ALTER TABLE task ALTER owner_id SET DEFAULT '00000000-0000-0000-0000-000000000000'",
        StaysOpen,
        Remedy,
    ),
    Fault(
        "RLS208",
        "titles are unique",
        "CREATE UNIQUE INDEX once ON task (title)",
        StaysOpen,
        Undo("DROP INDEX once"),
    ),
    Fault(
        "RLS208",
        "spellings of titles are unique",
        "CREATE UNIQUE INDEX once ON task (lower(title))",
        StaysOpen,
        Undo("DROP INDEX once"),
    ),
    Fault(
        "RLS209",
        "who deletes a task deletes notes of others",
        "ALTER TABLE note ADD CONSTRAINT cascades FOREIGN KEY (task_id) REFERENCES task ON DELETE \
         CASCADE",
        StaysOpen,
        Undo("ALTER TABLE note DROP CONSTRAINT cascades"),
    ),
    Fault(
        "RLS115",
        "a note refers to any task",
        "ALTER TABLE note ADD CONSTRAINT leads FOREIGN KEY (task_id) REFERENCES task",
        StaysOpen,
        Undo("ALTER TABLE note DROP CONSTRAINT leads"),
    ),
    Fault(
        "RLS210",
        "titles are searched by words",
        "CREATE INDEX words ON task USING gin (to_tsvector('simple', title))",
        StaysOpen,
        Undo("DROP INDEX words"),
    ),
    Fault(
        "RLS210",
        "titles are searched whatever their case",
        "CREATE INDEX spelt ON task (lower(title))",
        StaysOpen,
        Undo("DROP INDEX spelt"),
    ),
    Fault(
        "RLS210",
        "a price is searched",
        "ALTER TABLE task ADD price numeric; CREATE INDEX priced ON task (price)",
        StaysOpen,
        Undo("ALTER TABLE task DROP COLUMN price"),
    ),
    Fault(
        "RLS210",
        "an enum is searched",
        "CREATE TYPE mood AS ENUM ('glad', 'sad'); ALTER TABLE task ADD mood mood; CREATE INDEX \
         moods ON task (mood)",
        StaysOpen,
        Undo("ALTER TABLE task DROP COLUMN mood; DROP TYPE mood"),
    ),
    Fault(
        "RLS210",
        "titles are searched by how they begin",
        "CREATE INDEX begins ON task (owner_id, title varchar_pattern_ops)",
        StaysOpen,
        Undo("DROP INDEX begins"),
    ),
    Fault(
        "RLS211",
        "a second column refers to the users",
        "ALTER TABLE task ADD assigned_to uuid REFERENCES \"user\"",
        StaysOpen,
        Undo("ALTER TABLE task DROP COLUMN assigned_to"),
    ),
];

#[tokio::test]
async fn faults_of_columns_are_caught() {
    each_is_caught(FAULTS).await;
}
