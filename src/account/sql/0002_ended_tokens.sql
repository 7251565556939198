-- Tokens that were given back before their time.
CREATE TABLE ended_tokens (
    id TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX ended_tokens_by_expiry ON ended_tokens (expires_at);
