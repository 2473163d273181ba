-- A case's own history is read whenever something is told about it.
CREATE INDEX entries_by_stream ON entries (stream, seq);

-- Where entries are posted to. The old secret signs beside the new one until it expires. `filter` is the server's JSON.
CREATE TABLE webhooks (
    id               TEXT    PRIMARY KEY,
    account          TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name             TEXT    NOT NULL,
    form             TEXT    NOT NULL,
    url              TEXT    NOT NULL,
    filter           TEXT    NOT NULL,
    secret           TEXT    NOT NULL,
    old_secret       TEXT,
    old_secret_until INTEGER,
    created_at       INTEGER NOT NULL,
    failing_since    INTEGER,
    disabled_at      INTEGER,
    disabled_why     TEXT
) STRICT;

-- What a person chose. An account without a row has the defaults. `choices` is the server's JSON.
CREATE TABLE preferences (
    account  TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    choices  TEXT NOT NULL,
    chat_url TEXT
) STRICT;

-- How far each person's last digest went.
CREATE TABLE digests (
    account TEXT    PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- What is owed to whom, and what came of it. No content: a message is made from its entries whenever it is sent.
CREATE TABLE deliveries (
    receiver   TEXT    NOT NULL,
    message    TEXT    NOT NULL,
    from_seq   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    status     TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    done_at    INTEGER,
    said       TEXT,
    PRIMARY KEY (receiver, message)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (status, next_at);
CREATE INDEX deliveries_by_receiver ON deliveries (receiver, created_at);
