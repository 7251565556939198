-- Who there is. Times are milliseconds since 1970.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- The name without its case: one of a kind.
    folded TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    -- Grows when all older tokens are to end.
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- What names look like. Two names that share a look are taken for each other.
CREATE TABLE looks (
    look TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX looks_by_account ON looks (account);

-- Random keys that all nodes share.
CREATE TABLE random_keys (
    purpose TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
