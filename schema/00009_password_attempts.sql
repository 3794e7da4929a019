-- +goose Up

-- How many wrong passwords were tried, by login, by login and known origin, and
-- by caller: which of them, and whose, the keyed hash does not tell. tat is the
-- theoretical arrival time of GCRA. After expires_at the row says nothing any
-- more; of an origin it is how long it is known.
CREATE TABLE IF NOT EXISTS password_allowances (
    subject    BINARY(32) NOT NULL PRIMARY KEY,
    tat        BIGINT     NOT NULL,
    expires_at BIGINT     NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_password_allowances_expires ON password_allowances (expires_at);

-- The tries that were taken and not given back, by their call's id: a call that
-- is made again at another server takes nothing again. known is 1 where it was
-- taken of a known origin's allowance.
CREATE TABLE IF NOT EXISTS password_attempts (
    id         BINARY(16) NOT NULL PRIMARY KEY,
    known      BIGINT     NOT NULL,
    expires_at BIGINT     NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE INDEX IF NOT EXISTS ix_password_attempts_expires ON password_attempts (expires_at);

-- +goose Down
DROP TABLE IF EXISTS password_attempts;
DROP TABLE IF EXISTS password_allowances;
