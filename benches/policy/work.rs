//! The statements: on the scoped table, and on its twin with the owner as the last parameter.

/// What a statement is compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A read that an index with the owner serves: as good as an explicit `WHERE`, or the policy is
    /// at fault.
    IndexedRead,
    /// A read that costs more than one answer from an index.
    Read,
    /// Rolled back after it was timed.
    Write,
}

/// What the statements name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// On the twin the owner.
    Owner,
    /// The key of one of the owner's rows; on the twin, the owner after it.
    Key,
    /// On both sides the owner.
    OwnerOnBoth,
}

pub struct Work {
    pub name: &'static str,
    pub kind: Kind,
    pub scoped: &'static str,
    pub plain: &'static str,
    pub parameters: Parameters,
    /// Run before, not timed.
    pub before: &'static str,
}

const READ: Work = Work {
    name: "",
    kind: Kind::Read,
    scoped: "",
    plain: "",
    parameters: Parameters::Owner,
    before: "",
};

const NO_INDEX: &str = "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off";

const INSERT_PLAIN: &str = "INSERT INTO task_plain (owner_id, created_at, title, rank)
    SELECT $1, now(), 'new ' || n, n FROM generate_series(1, 10000) n";

pub const WORK: [Work; 9] = [
    Work {
        name: "count",
        kind: Kind::IndexedRead,
        scoped: "SELECT count(*) FROM task",
        plain: "SELECT count(*) FROM task_plain WHERE owner_id = $1",
        ..READ
    },
    Work {
        name: "newest 20",
        kind: Kind::IndexedRead,
        scoped: "SELECT * FROM task ORDER BY created_at DESC LIMIT 20",
        plain: "SELECT * FROM task_plain WHERE owner_id = $1 ORDER BY created_at DESC LIMIT 20",
        ..READ
    },
    Work {
        name: "point read",
        kind: Kind::IndexedRead,
        scoped: "SELECT * FROM task WHERE id = $1",
        plain: "SELECT * FROM task_plain WHERE id = $1 AND owner_id = $2",
        parameters: Parameters::Key,
        ..READ
    },
    Work {
        name: "full scan",
        scoped: "SELECT count(*) FROM task WHERE rank = 7",
        plain: "SELECT count(*) FROM task_plain WHERE rank = 7 AND owner_id = $1",
        before: NO_INDEX,
        ..READ
    },
    Work {
        name: "join of two scoped tables",
        scoped: "SELECT count(*) FROM task JOIN note ON note.task_id = task.id",
        plain: "SELECT count(*) FROM task_plain AS task JOIN note_plain AS note ON note.task_id = \
                task.id
                WHERE task.owner_id = $1 AND note.owner_id = $1",
        ..READ
    },
    Work {
        name: "10,000 inserts, owner by default",
        kind: Kind::Write,
        scoped: "INSERT INTO task (created_at, title, rank)
                 SELECT now(), 'new ' || n, n FROM generate_series(1, 10000) n",
        plain: INSERT_PLAIN,
        ..READ
    },
    Work {
        name: "10,000 inserts, owner given",
        kind: Kind::Write,
        scoped: "INSERT INTO task (owner_id, created_at, title, rank)
                 SELECT $1, now(), 'new ' || n, n FROM generate_series(1, 10000) n",
        plain: INSERT_PLAIN,
        parameters: Parameters::OwnerOnBoth,
        ..READ
    },
    Work {
        name: "update of all own rows",
        kind: Kind::Write,
        scoped: "UPDATE task SET rank = rank + 1",
        plain: "UPDATE task_plain SET rank = rank + 1 WHERE owner_id = $1",
        ..READ
    },
    Work {
        name: "text search",
        scoped: "SELECT id FROM document WHERE search @@ ('word' || $1::bigint * 31 % \
                 2003)::tsquery",
        plain: "SELECT id FROM document_plain WHERE search @@ ('word' || $1::bigint * 31 % \
                2003)::tsquery
                AND owner_id = $2",
        parameters: Parameters::Key,
        ..READ
    },
];
