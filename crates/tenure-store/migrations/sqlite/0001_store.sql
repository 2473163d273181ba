-- The journal. `body` is the exact text that was hashed; `at` has one fixed form (UTC, microseconds).
CREATE TABLE entries (
    seq       INTEGER PRIMARY KEY CHECK (seq > 0),
    at        TEXT    NOT NULL,
    actor     TEXT    NOT NULL,
    stream    TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    body      TEXT    NOT NULL,
    prev_hash BLOB    NOT NULL,
    hash      BLOB    NOT NULL
) STRICT;

-- The journal's last entry: what an append compares and swaps, and what tells a cut-off tail.
CREATE TABLE journal_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;
INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, zeroblob(32));

CREATE TABLE snapshots (
    format     TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    entry_hash BLOB    NOT NULL,
    digest     BLOB    NOT NULL,
    bytes      BLOB    NOT NULL,
    PRIMARY KEY (format, seq)
) STRICT;

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

-- Instants outside the journal are microseconds since 1970 (UTC).
CREATE TABLE blobs (
    key        BLOB    PRIMARY KEY,
    scope      TEXT    NOT NULL,
    bytes      BLOB,
    created_at INTEGER NOT NULL,
    erased_at  INTEGER,
    CHECK ((bytes IS NULL) = (erased_at IS NOT NULL))
) STRICT;
CREATE INDEX blobs_by_scope ON blobs (scope);

CREATE TABLE accounts (
    id            TEXT    PRIMARY KEY,
    login         TEXT    NOT NULL UNIQUE,
    email         TEXT,
    display_name  TEXT    NOT NULL,
    password_hash TEXT,
    disabled      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB    PRIMARY KEY,
    account    TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    csrf       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id           TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    token_hash   BLOB    NOT NULL UNIQUE,
    scopes       TEXT    NOT NULL,
    environment  TEXT,
    account      TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX api_tokens_by_account ON api_tokens (account);

CREATE TABLE cursors (
    name TEXT    PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT;

-- A row stays when a lease is released: its term never goes back.
CREATE TABLE leases (
    name       TEXT    PRIMARY KEY,
    holder     TEXT    NOT NULL,
    term       INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE receipts (
    actor          TEXT    NOT NULL,
    key            TEXT    NOT NULL,
    request_digest BLOB    NOT NULL,
    response       BLOB    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (actor, key)
) STRICT;
CREATE INDEX receipts_by_expiry ON receipts (expires_at);
