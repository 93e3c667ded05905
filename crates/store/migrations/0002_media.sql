-- Uploads, and the files that they became. The files themselves lie in the media folder under the id.
CREATE TABLE media (
    id BYTEA NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    brand TEXT NOT NULL,
    conversation BYTEA NOT NULL CHECK (length(conversation) = 16),
    participant BYTEA NOT NULL CHECK (length(participant) = 16),
    name TEXT NOT NULL,
    bytes BIGINT NOT NULL CHECK (bytes > 0),
    purpose TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- All of the following are null until the last byte was looked at; then either a kind or a refusal.
    ended_at BIGINT,
    refusal TEXT,
    kind TEXT,
    kept_bytes BIGINT,
    sha256 BYTEA CHECK (length(sha256) = 32),
    width BIGINT,
    height BIGINT,
    placeholder TEXT
);
CREATE INDEX media_of_conversation ON media (conversation, created_at);
CREATE INDEX media_open ON media (participant) WHERE ended_at IS NULL;
