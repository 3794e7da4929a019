-- +goose Up

-- The systems that may call. operations is a list with commas between, '' for
-- all. revision is new with each change: whoever does not know whether its
-- COMMIT came through recognizes its own.
CREATE TABLE IF NOT EXISTS callers (
    name                   VARBINARY(64)   NOT NULL PRIMARY KEY,
    certificate_subject    VARBINARY(1024),
    operations             VARCHAR(2048)   NOT NULL,
    rate                   BIGINT          NOT NULL,
    burst                  BIGINT          NOT NULL,
    daily_quota            BIGINT          NOT NULL,
    suppress_notifications BIGINT          NOT NULL,
    disabled               BIGINT          NOT NULL,
    created_at             BIGINT          NOT NULL,
    updated_at             BIGINT          NOT NULL,
    revision               BINARY(16)      NOT NULL,
    CONSTRAINT uq_callers_certificate_subject UNIQUE (certificate_subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What callers prove that they know: the hash of it, and where digests need
-- the text, that under a key which is not in the database.
CREATE TABLE IF NOT EXISTS caller_secrets (
    caller     VARBINARY(64) NOT NULL,
    hash       BINARY(32)    NOT NULL,
    sealed     BLOB,
    created_at BIGINT        NOT NULL,
    expires_at BIGINT        NOT NULL,
    PRIMARY KEY (caller, hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Nonces that were used. A replay meets the first use at the primary key; by
-- owner, which is random, a repeated INSERT knows its own row.
CREATE TABLE IF NOT EXISTS caller_nonces (
    caller     VARBINARY(64) NOT NULL,
    nonce      BINARY(32)    NOT NULL,
    owner      BINARY(16)    NOT NULL,
    expires_at BIGINT        NOT NULL,
    PRIMARY KEY (caller, nonce)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_caller_nonces_expires ON caller_nonces (expires_at);

-- How much callers have called. tat is the theoretical arrival time of GCRA
-- under the rate and burst beside it; used counts the calls of the day, which
-- is in days since 1970-01-01 UTC.
CREATE TABLE IF NOT EXISTS caller_usage (
    caller VARBINARY(64) NOT NULL PRIMARY KEY,
    tat    BIGINT        NOT NULL,
    rate   BIGINT        NOT NULL,
    burst  BIGINT        NOT NULL,
    day    BIGINT        NOT NULL,
    used   BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS caller_usage;
DROP TABLE IF EXISTS caller_nonces;
DROP TABLE IF EXISTS caller_secrets;
DROP TABLE IF EXISTS callers;
