-- What a dispatcher knows. Times are microseconds since 1970 in UTC, 0 for
-- none; states are numbered as in package octaskly.

PRAGMA application_id = 0x6f637461; -- "octa"

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the number of the latest transition, and how many tasks have ended.
CREATE TABLE ledger (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    seq        INTEGER NOT NULL,
    completed  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    timed_out  INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 0, 0, 0, 0);

-- A job as it was accepted. Rows never change. Ids are never used twice.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    owner        TEXT NOT NULL,
    name         TEXT NOT NULL,
    spec_version INTEGER NOT NULL,
    spec         BLOB NOT NULL,
    elements     TEXT NOT NULL,
    array        INTEGER NOT NULL,
    at_once      INTEGER NOT NULL,
    key          TEXT,
    submitted_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (owner, key) WHERE key IS NOT NULL;
CREATE INDEX jobs_by_owner ON jobs (owner);

-- How far each job is. Elements without a row in tasks are in unclaimed or in
-- dropped; the counts are of those with one.
CREATE TABLE progress (
    job           INTEGER PRIMARY KEY REFERENCES jobs,
    state         INTEGER NOT NULL,
    unclaimed     TEXT NOT NULL,
    dropped       TEXT NOT NULL,
    queued        INTEGER NOT NULL,
    assigned      INTEGER NOT NULL,
    running       INTEGER NOT NULL,
    completed     INTEGER NOT NULL,
    failed        INTEGER NOT NULL,
    timed_out     INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    cancel_reason TEXT NOT NULL,
    ended_at      INTEGER NOT NULL,
    seq           INTEGER NOT NULL
) STRICT;
CREATE INDEX progress_live ON progress (job) WHERE ended_at = 0;

-- Tasks that have left the queue at least once. The id is the job's, times 2^30,
-- plus the index: one integer, so that the elements of a job lie side by side and
-- a further one is appended.
CREATE TABLE tasks (
    id          INTEGER PRIMARY KEY,
    job         INTEGER AS (id >> 30) VIRTUAL,
    idx         INTEGER AS (id & 1073741823) VIRTUAL,
    state       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    failures    INTEGER NOT NULL,
    losses      INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    cancel      INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    not_before  INTEGER NOT NULL,
    assigned_at INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    seq         INTEGER NOT NULL
) STRICT;

-- Attempts that have ended, in the order of their ends. Longer output is a file.
CREATE TABLE results (
    seq         INTEGER PRIMARY KEY,
    task        INTEGER NOT NULL,
    job         INTEGER AS (task >> 30) VIRTUAL,
    idx         INTEGER AS (task & 1073741823) VIRTUAL,
    attempt     INTEGER NOT NULL,
    worker      TEXT NOT NULL,
    state       INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    assigned_at INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    ended_at    INTEGER NOT NULL,
    cpu_time    INTEGER NOT NULL, -- nanoseconds
    max_rss     INTEGER NOT NULL, -- bytes, as the rest
    leftover    INTEGER NOT NULL,
    stored      INTEGER NOT NULL,
    stdout      INTEGER NOT NULL,
    stderr      INTEGER NOT NULL,
    discarded   INTEGER NOT NULL,
    output      BLOB
) STRICT;
CREATE UNIQUE INDEX results_by_attempt ON results (task, attempt);

CREATE TABLE workers (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    version  TEXT NOT NULL,
    slots    INTEGER NOT NULL,
    room     TEXT NOT NULL, -- JSON
    features TEXT NOT NULL, -- JSON
    address  TEXT NOT NULL,
    seen_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
