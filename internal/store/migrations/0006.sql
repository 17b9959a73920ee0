-- Who may join, and who has.

-- Certificates that workers were given by the fleet's authority.
CREATE TABLE identities (
    serial     TEXT PRIMARY KEY, -- hex
    worker     TEXT NOT NULL,
    name       TEXT NOT NULL,
    how        TEXT NOT NULL, -- for people
    key        BLOB NOT NULL, -- SHA-256 of the public key
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Invites are good once. What they say is with whoever was invited.
CREATE TABLE invites (
    id         TEXT PRIMARY KEY, -- hex
    name       TEXT NOT NULL, -- of the only worker that it lets in; empty: of any
    by         TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by    TEXT NOT NULL, -- a worker's id
    used_key   BLOB NOT NULL, -- SHA-256 of its public key
    used_at    INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Workers that were removed: nothing lets them in but an approval.
CREATE TABLE removed_workers (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    by   TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
