-- +goose Up

-- What people sign in with. A key that must be unique is binary: a collation
-- that ignores case or accents would take "josé" for "jose".
CREATE TABLE IF NOT EXISTS accounts (
    id            BINARY(16)       NOT NULL PRIMARY KEY,
    caller        VARBINARY(64)    NOT NULL,
    external_id   VARBINARY(256),
    username      VARCHAR(64)      NOT NULL,
    username_key  VARBINARY(2048)  NOT NULL,
    email         VARCHAR(254)     NOT NULL,
    email_key     VARBINARY(1024)  NOT NULL,
    mobile        VARCHAR(16)      NOT NULL,
    password_hash VARCHAR(512)     NOT NULL,
    status        VARCHAR(24)      NOT NULL,
    registered_at BIGINT           NOT NULL,
    CONSTRAINT uq_accounts_username    UNIQUE (username_key),
    CONSTRAINT uq_accounts_email       UNIQUE (email_key),
    CONSTRAINT uq_accounts_external_id UNIQUE (caller, external_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS profiles (
    account_id        BINARY(16)  NOT NULL PRIMARY KEY,
    first_name        VARCHAR(30) NOT NULL,
    last_name         VARCHAR(30) NOT NULL,
    locale            VARCHAR(64) NOT NULL,
    marketing_consent BIGINT      NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a caller's request id led to. Concurrent requests under one id meet at
-- its primary key, which is written first.
CREATE TABLE IF NOT EXISTS idempotency (
    caller        VARBINARY(64)  NOT NULL,
    request_id    VARBINARY(256) NOT NULL,
    fingerprint   BINARY(32)     NOT NULL,
    account_id    BINARY(16)     NOT NULL,
    status        VARCHAR(24)    NOT NULL,
    locale        VARCHAR(64)    NOT NULL,
    registered_at BIGINT         NOT NULL,
    PRIMARY KEY (caller, request_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- +goose Down
DROP TABLE IF EXISTS idempotency;
DROP TABLE IF EXISTS profiles;
DROP TABLE IF EXISTS accounts;
