-- +goose Up

-- The ledger: where each notification stands. owner and lease_until are set
-- while its state is CLAIMED or SENDING, and "" and 0 otherwise.
CREATE TABLE IF NOT EXISTS notifications (
    id              BINARY(16)   NOT NULL PRIMARY KEY,
    account_id      BINARY(16)   NOT NULL,
    kind            VARCHAR(64)  NOT NULL,
    channel         VARCHAR(16)  NOT NULL,
    recipient       VARCHAR(254) NOT NULL,
    locale          VARCHAR(64)  NOT NULL,
    trace_parent    VARCHAR(64)  NOT NULL,
    state           VARCHAR(16)  NOT NULL,
    attempts        BIGINT       NOT NULL,
    ambiguous       BIGINT       NOT NULL,
    owner           VARCHAR(128) NOT NULL,
    lease_until     BIGINT       NOT NULL,
    provider        VARCHAR(64)  NOT NULL,
    provider_ref    VARCHAR(255) NOT NULL,
    reason          VARCHAR(255) NOT NULL,
    next_attempt_at BIGINT       NOT NULL,
    deadline        BIGINT       NOT NULL,
    created_at      BIGINT       NOT NULL,
    updated_at      BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_notifications_account ON notifications (account_id);

-- The ledger's history: how each attempt that has left by a provider or has
-- been settled ended. state is SENDING while its end is not known.
CREATE TABLE IF NOT EXISTS notification_attempts (
    notification_id BINARY(16)   NOT NULL,
    attempt         BIGINT       NOT NULL,
    owner           VARCHAR(128) NOT NULL,
    state           VARCHAR(16)  NOT NULL,
    provider        VARCHAR(64)  NOT NULL,
    provider_ref    VARCHAR(255) NOT NULL,
    reason          VARCHAR(255) NOT NULL,
    updated_at      BIGINT       NOT NULL,
    PRIMARY KEY (notification_id, attempt)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row for each notification that is not settled. Only due_at is searched:
-- primary keys are not committed in their order.
CREATE TABLE IF NOT EXISTS outbox (
    notification_id BINARY(16)  NOT NULL PRIMARY KEY,
    lane            VARCHAR(64) NOT NULL,
    recipient       BIGINT      NOT NULL,
    deadline        BIGINT      NOT NULL,
    trace_parent    VARCHAR(64) NOT NULL,
    due_at          BIGINT      NOT NULL,
    publications    BIGINT      NOT NULL,
    created_at      BIGINT      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_outbox_due ON outbox (due_at, notification_id);

-- Leadership. writes grows with each transaction made under the lease: an
-- UPDATE that changes nothing is not replicated, so it would fence nobody.
CREATE TABLE IF NOT EXISTS leases (
    name       VARBINARY(64) NOT NULL PRIMARY KEY,
    owner      VARCHAR(128)  NOT NULL,
    fence      BIGINT        NOT NULL,
    expires_at BIGINT        NOT NULL,
    writes     BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS leases;
DROP TABLE IF EXISTS outbox;
DROP TABLE IF EXISTS notification_attempts;
DROP TABLE IF EXISTS notifications;
