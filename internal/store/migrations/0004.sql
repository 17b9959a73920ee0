-- Who may do what, and who has done what.

CREATE TABLE users (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    password   TEXT NOT NULL, -- argon2id in PHC's form; empty: none
    disabled   INTEGER NOT NULL,
    queued     INTEGER NOT NULL, -- quota, as the next two
    running    INTEGER NOT NULL,
    rate       REAL NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    user       TEXT NOT NULL,
    role       TEXT NOT NULL,
    name       TEXT NOT NULL,
    "from"     TEXT NOT NULL,
    secret     BLOB, -- SHA-256
    former     BLOB, -- likewise
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Numbered from 1 without gaps. The hash is over that of the row before and this row.
CREATE TABLE audit_log (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    role    TEXT NOT NULL,
    token   TEXT NOT NULL,
    "from"  TEXT NOT NULL,
    what    TEXT NOT NULL,
    target  TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail  TEXT NOT NULL,
    hash    BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit_log (at);
CREATE INDEX audit_by_who ON audit_log (who) WHERE who <> '';
CREATE INDEX audit_by_what ON audit_log (what);
CREATE INDEX audit_by_target ON audit_log (target) WHERE target <> '';
CREATE INDEX audit_refused ON audit_log (seq, outcome) WHERE outcome <> 'done'; -- few, of any kind

-- The last row of the audit log as it was written: a tail that is cut off is missed.
ALTER TABLE ledger ADD COLUMN audit_seq  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ledger ADD COLUMN audit_hash BLOB NOT NULL DEFAULT x'';
-- Every commit that waits for the disk changes this row, see inspect.
ALTER TABLE ledger ADD COLUMN records    INTEGER NOT NULL DEFAULT 0;
