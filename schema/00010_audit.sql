-- +goose Up

-- Entries of the audit log that are not in the chain yet, written in the
-- transactions of what they tell.
CREATE TABLE IF NOT EXISTS audit_pending (
    id              BINARY(16)    NOT NULL PRIMARY KEY,
    at              BIGINT        NOT NULL,
    action          VARCHAR(32)   NOT NULL,
    outcome         VARCHAR(32)   NOT NULL,
    caller          VARBINARY(64) NOT NULL,
    registration_id BINARY(16),
    external_id     VARBINARY(256),
    external_salt   BINARY(16),
    external_digest BINARY(32),
    correlation_id  VARCHAR(36)   NOT NULL,
    trace_parent    VARCHAR(64)   NOT NULL,
    detail          VARCHAR(255)  NOT NULL,
    writer          BINARY(16)    NOT NULL,
    number          BIGINT        NOT NULL,
    mac             BINARY(32)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The chain. Of its rows only external_id and external_salt are ever changed:
-- to NULL, for a person's sake. external_digest stays, and is what is hashed.
CREATE TABLE IF NOT EXISTS audit_log (
    sequence        BIGINT        NOT NULL PRIMARY KEY,
    id              BINARY(16)    NOT NULL,
    at              BIGINT        NOT NULL,
    action          VARCHAR(32)   NOT NULL,
    outcome         VARCHAR(32)   NOT NULL,
    caller          VARBINARY(64) NOT NULL,
    registration_id BINARY(16),
    external_id     VARBINARY(256),
    external_salt   BINARY(16),
    external_digest BINARY(32),
    correlation_id  VARCHAR(36)   NOT NULL,
    trace_parent    VARCHAR(64)   NOT NULL,
    detail          VARCHAR(255)  NOT NULL,
    writer          BINARY(16)    NOT NULL,
    number          BIGINT        NOT NULL,
    mac             BINARY(32),
    previous        BINARY(32),
    hash            BINARY(32)    NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_audit_log_registration ON audit_log (registration_id);

CREATE INDEX IF NOT EXISTS ix_audit_log_external_id ON audit_log (caller, external_id);

-- The last entry that was pruned: the chain begins behind it. One row, of name
-- 'pruned', or none.
CREATE TABLE IF NOT EXISTS audit_checkpoints (
    name     VARBINARY(16) NOT NULL PRIMARY KEY,
    sequence BIGINT        NOT NULL,
    hash     BINARY(32)    NOT NULL,
    at       BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS audit_checkpoints;
DROP TABLE IF EXISTS audit_log;
DROP TABLE IF EXISTS audit_pending;
