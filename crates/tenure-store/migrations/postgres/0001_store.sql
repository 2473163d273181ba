-- The journal. `body` is the exact text that was hashed; `at` has one fixed form (UTC, microseconds).
CREATE TABLE entries (
    seq       BIGINT PRIMARY KEY CHECK (seq > 0),
    at        TEXT NOT NULL,
    actor     TEXT NOT NULL,
    stream    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    version   BIGINT NOT NULL,
    body      TEXT NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash      BYTEA NOT NULL
);

-- The journal's last entry: what an append compares and swaps, and what tells a cut-off tail.
CREATE TABLE journal_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
INSERT INTO journal_head (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

CREATE TABLE snapshots (
    format     TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    entry_hash BYTEA NOT NULL,
    digest     BYTEA NOT NULL,
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (format, seq)
);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    bytes BYTEA NOT NULL
);

-- Instants outside the journal are microseconds since 1970 (UTC).
CREATE TABLE blobs (
    key        BYTEA PRIMARY KEY,
    scope      TEXT NOT NULL,
    bytes      BYTEA,
    created_at BIGINT NOT NULL,
    erased_at  BIGINT,
    CHECK ((bytes IS NULL) = (erased_at IS NOT NULL))
);
CREATE INDEX blobs_by_scope ON blobs (scope);

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    email         TEXT,
    display_name  TEXT NOT NULL,
    password_hash TEXT,
    disabled      BOOLEAN NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    csrf       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    token_hash   BYTEA NOT NULL UNIQUE,
    scopes       TEXT NOT NULL,
    environment  TEXT,
    account      TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE INDEX api_tokens_by_account ON api_tokens (account);

CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    seq  BIGINT NOT NULL
);

-- A row stays when a lease is released: its term never goes back.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    term       BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE TABLE receipts (
    actor          TEXT NOT NULL,
    key            TEXT NOT NULL,
    request_digest BYTEA NOT NULL,
    response       BYTEA NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX receipts_by_expiry ON receipts (expires_at);

-- Other nodes follow the journal: every append tells them its last seq when it commits.
CREATE FUNCTION journal_head_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tenure_journal', NEW.seq::text);
    RETURN NULL;
END
$$;
CREATE TRIGGER journal_head_moved AFTER UPDATE OF seq ON journal_head
    FOR EACH ROW EXECUTE FUNCTION journal_head_moved();
