-- +goose Up

-- When a contact of the account was shown to be its owner's; 0 for not yet.
ALTER TABLE accounts ADD COLUMN IF NOT EXISTS email_verified_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN IF NOT EXISTS mobile_verified_at BIGINT NOT NULL DEFAULT 0;

-- The caller has verified the contacts of those it registers.
ALTER TABLE callers ADD COLUMN IF NOT EXISTS verified_contacts BIGINT NOT NULL DEFAULT 0;

-- The one-time code of a contact: what it is checked by, and under a key that
-- is not in the database what is sent. sealed is NULL once no code is to be
-- sent any more. issue is new with each code, revision with each change of the
-- row: whoever does not know whether its COMMIT came through recognizes its own.
CREATE TABLE IF NOT EXISTS codes (
    account_id BINARY(16)  NOT NULL,
    channel    VARBINARY(16) NOT NULL,
    issue      BINARY(16)  NOT NULL,
    mac        BINARY(32)  NOT NULL,
    sealed     BLOB,
    attempts   BIGINT      NOT NULL,
    issued_at  BIGINT      NOT NULL,
    expires_at BIGINT      NOT NULL,
    resend_at  BIGINT      NOT NULL,
    used_at    BIGINT      NOT NULL,
    revision   BINARY(16)  NOT NULL,
    PRIMARY KEY (account_id, channel)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- How many codes were sent to a recipient on its day, in days since 1970-01-01
-- UTC. recipient is a keyed hash.
CREATE TABLE IF NOT EXISTS code_quotas (
    recipient BINARY(32) NOT NULL PRIMARY KEY,
    day       BIGINT     NOT NULL,
    used      BIGINT     NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_code_quotas_day ON code_quotas (day);

-- +goose Down
DROP TABLE IF EXISTS code_quotas;
DROP TABLE IF EXISTS codes;
ALTER TABLE callers DROP COLUMN verified_contacts;
ALTER TABLE accounts DROP COLUMN mobile_verified_at;
ALTER TABLE accounts DROP COLUMN email_verified_at;
