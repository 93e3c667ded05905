-- Types that SQLite and PostgreSQL read alike: BIGINT, TEXT, BOOLEAN, and BYTEA, which PostgreSQL needs and
-- SQLite accepts: blobs keep their type under any affinity. Ids are the 16 bytes of a UUID, times are UTC
-- milliseconds, JSON is text in the encoding of the protocol crate.

-- A brand's settings are opaque here: the proof room owns their shape.
CREATE TABLE brand (
    id TEXT NOT NULL PRIMARY KEY,
    settings TEXT NOT NULL,
    logo BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- `sealed` is the private key, encrypted by the caller.
CREATE TABLE brand_key (
    brand TEXT NOT NULL REFERENCES brand (id),
    id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (brand, id)
);

-- What each check of a brand's proof found: append-only.
CREATE TABLE brand_proof (
    brand TEXT NOT NULL REFERENCES brand (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    finding TEXT NOT NULL,
    PRIMARY KEY (brand, number)
);

-- `conversation` is reserved from the start; its row appears with the first entry.
CREATE TABLE visitor (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    brand TEXT NOT NULL,
    conversation BYTEA NOT NULL UNIQUE CHECK (length(conversation) = 16),
    external_id TEXT,
    display_name TEXT,
    locale TEXT NOT NULL,
    time_zone TEXT,
    page_url TEXT,
    context TEXT,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX visitor_external_id ON visitor (brand, external_id) WHERE external_id IS NOT NULL;

-- The fold of a log, kept beside it: whatever is here can be computed from `entry` again.
CREATE TABLE conversation (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    brand TEXT NOT NULL,
    visitor BYTEA NOT NULL CHECK (length(visitor) = 16),
    head BIGINT NOT NULL CHECK (head > 0),
    owner TEXT NOT NULL,
    owner_kind TEXT NOT NULL CHECK (owner_kind IN ('bot', 'queue', 'human')),
    owner_participant BYTEA,
    is_closed BOOLEAN NOT NULL,
    last_at BIGINT NOT NULL,
    waiting_since BIGINT,
    said_by_visitor BIGINT NOT NULL,
    preview TEXT NOT NULL,
    preview_is_visitor BOOLEAN NOT NULL,
    preview_sequence BIGINT NOT NULL
);
-- One index for each view of the inbox. The partial ones cost nothing while the bot answers.
CREATE INDEX conversation_of_brand ON conversation (brand, is_closed, last_at);
CREATE INDEX conversation_unassigned ON conversation (brand, is_closed, last_at) WHERE owner_kind = 'queue';
CREATE INDEX conversation_owned ON conversation (owner_participant, is_closed, last_at)
    WHERE owner_participant IS NOT NULL;

-- The log. The primary key is also the lock between nodes: two that append from the same head collide here.
-- Ids sort by time, so `(id, conversation)` keeps its insertions together where the other order scatters
-- them. No foreign key: the one writer stores a conversation and its entries in one transaction.
CREATE TABLE entry (
    conversation BYTEA NOT NULL,
    sequence BIGINT NOT NULL,
    id BYTEA NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    -- Lower-case words, for the search; null where nothing was said.
    words TEXT,
    -- How many messages the visitor has sent up to here: unread is a difference, not a count.
    said_by_visitor BIGINT NOT NULL,
    PRIMARY KEY (conversation, sequence),
    UNIQUE (id, conversation)
);

CREATE TABLE watermark (
    conversation BYTEA NOT NULL,
    participant BYTEA NOT NULL,
    is_visitor BOOLEAN NOT NULL,
    delivered BIGINT NOT NULL,
    read BIGINT NOT NULL,
    PRIMARY KEY (conversation, participant),
    CHECK (read <= delivered)
);

-- How long somebody waited for a person, measured when one took over.
CREATE TABLE wait (
    brand TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    conversation BYTEA NOT NULL,
    waited_ms BIGINT NOT NULL,
    PRIMARY KEY (brand, ended_at, conversation)
);

CREATE TABLE representative (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    brand TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email)),
    password_hash TEXT NOT NULL,
    display_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);

-- Of visitors and representatives. Only the SHA-256 of a session's secret is here: who reads this table can
-- sign in as nobody.
CREATE TABLE session (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    secret_hash BYTEA NOT NULL CHECK (length(secret_hash) = 32),
    role TEXT NOT NULL CHECK (role IN ('visitor', 'representative')),
    participant BYTEA NOT NULL CHECK (length(participant) = 16),
    brand TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX session_of_participant ON session (participant);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE canned_reply (
    brand TEXT NOT NULL,
    id BYTEA NOT NULL CHECK (length(id) = 16),
    shortcut TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (brand, id),
    UNIQUE (brand, shortcut)
);

-- One-use links that continue a conversation on another device; again only the hash of the secret.
CREATE TABLE device_link (
    secret_hash BYTEA NOT NULL PRIMARY KEY CHECK (length(secret_hash) = 32),
    brand TEXT NOT NULL,
    visitor BYTEA NOT NULL CHECK (length(visitor) = 16),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE INDEX device_link_expiry ON device_link (expires_at);
