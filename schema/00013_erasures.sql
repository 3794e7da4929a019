-- +goose Up

-- People who were erased, so that an import does not bring them back.
-- external_id is NULL where it was not to be kept, and external_digest a keyed
-- hash of it. finished_at is 0 while rows of the person may still be there.
CREATE TABLE IF NOT EXISTS erasures (
    registration_id BINARY(16)    NOT NULL PRIMARY KEY,
    caller          VARBINARY(64) NOT NULL,
    external_id     VARBINARY(256),
    external_digest BINARY(32),
    erased_at       BIGINT        NOT NULL,
    finished_at     BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_erasures_external_id ON erasures (caller, external_id);

CREATE INDEX IF NOT EXISTS ix_erasures_external_digest ON erasures (caller, external_digest);

CREATE INDEX IF NOT EXISTS ix_erasures_finished ON erasures (finished_at);

-- By which an account's records of requests are found.
CREATE INDEX IF NOT EXISTS ix_idempotency_account ON idempotency (account_id);

-- +goose Down
DROP INDEX IF EXISTS ix_idempotency_account ON idempotency;
DROP TABLE IF EXISTS erasures;
